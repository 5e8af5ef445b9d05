"""The instruction set of eBPF (RFC 9669, <linux/bpf.h>, <linux/bpf_common.h>)."""

from __future__ import annotations

from struct import Struct
from typing import Final

INSTRUCTION: Final = Struct("<BBhi")  #: operation, registers (destination low), offset, immediate
SIZE: Final = 8  #: bytes of an instruction

# Classes.
LD: Final = 0x00
LDX: Final = 0x01
ST: Final = 0x02
STX: Final = 0x03
ALU: Final = 0x04
JMP: Final = 0x05
JMP32: Final = 0x06
ALU64: Final = 0x07
CLASS: Final = 0x07

# Operands: an immediate, or a register.
K: Final = 0x00
X: Final = 0x08

# Widths of loads and stores.
W: Final = 0x00
H: Final = 0x08
B: Final = 0x10
DW: Final = 0x18
WIDTH: Final = 0x18
#: width -> bytes
BYTES: Final = {W: 4, H: 2, B: 1, DW: 8}

# Modes of loads and stores.
IMM: Final = 0x00
ABS: Final = 0x20
IND: Final = 0x40
MEM: Final = 0x60
MEMSX: Final = 0x80
ATOMIC: Final = 0xC0
MODE: Final = 0xE0

# Arithmetic.
ADD: Final = 0x00
SUB: Final = 0x10
MUL: Final = 0x20
DIV: Final = 0x30
OR: Final = 0x40
AND: Final = 0x50
LSH: Final = 0x60
RSH: Final = 0x70
NEG: Final = 0x80
MOD: Final = 0x90
XOR: Final = 0xA0
MOV: Final = 0xB0
ARSH: Final = 0xC0
END: Final = 0xD0
OPERATION: Final = 0xF0
TO_LE: Final = 0x00
TO_BE: Final = 0x08

# Jumps.
JA: Final = 0x00
JEQ: Final = 0x10
JGT: Final = 0x20
JGE: Final = 0x30
JSET: Final = 0x40
JNE: Final = 0x50
JSGT: Final = 0x60
JSGE: Final = 0x70
CALL: Final = 0x80
EXIT: Final = 0x90
JLT: Final = 0xA0
JLE: Final = 0xB0
JSLT: Final = 0xC0
JSLE: Final = 0xD0

# Atomic operations: in the immediate.
FETCH: Final = 0x01
XCHG: Final = 0xE0 | FETCH
CMPXCHG: Final = 0xF0 | FETCH

# What the source register of a 64-bit immediate says of it, and that of a call.
PSEUDO_MAP_FD: Final = 1
PSEUDO_MAP_VALUE: Final = 2
PSEUDO_BTF_ID: Final = 3
PSEUDO_FUNC: Final = 4
PSEUDO_MAP_IDX: Final = 5
PSEUDO_MAP_IDX_VALUE: Final = 6
PSEUDO_CALL: Final = 1
PSEUDO_KFUNC_CALL: Final = 2

LD_IMM64: Final = LD | IMM | DW
CALL_INSN: Final = JMP | CALL
EXIT_INSN: Final = JMP | EXIT
GOTO: Final = JMP | JA
GOTO_LONG: Final = JMP32 | JA

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(11)
FP: Final = R10  #: the frame pointer
REGISTERS: Final = 11
