"""Names of the operations of DWARF expressions (DWARF 5, table 7.9; GNU's from dwarf2.def)."""

from __future__ import annotations

from enum import IntEnum


class Op(IntEnum):
    """DW_OP_*, but for the runs literals, registers and register offsets."""

    ADDR = 0x03
    DEREF = 0x06
    CONST1U = 0x08
    CONST1S = 0x09
    CONST2U = 0x0A
    CONST2S = 0x0B
    CONST4U = 0x0C
    CONST4S = 0x0D
    CONST8U = 0x0E
    CONST8S = 0x0F
    CONSTU = 0x10
    CONSTS = 0x11
    DUP = 0x12
    DROP = 0x13
    OVER = 0x14
    PICK = 0x15
    SWAP = 0x16
    ROT = 0x17
    XDEREF = 0x18
    ABS = 0x19
    AND = 0x1A
    DIV = 0x1B
    MINUS = 0x1C
    MOD = 0x1D
    MUL = 0x1E
    NEG = 0x1F
    NOT = 0x20
    OR = 0x21
    PLUS = 0x22
    PLUS_UCONST = 0x23
    SHL = 0x24
    SHR = 0x25
    SHRA = 0x26
    XOR = 0x27
    BRA = 0x28
    EQ = 0x29
    GE = 0x2A
    GT = 0x2B
    LE = 0x2C
    LT = 0x2D
    NE = 0x2E
    SKIP = 0x2F
    LIT0 = 0x30  #: up to LIT31 = 0x4F
    REG0 = 0x50  #: up to REG31 = 0x6F
    BREG0 = 0x70  #: up to BREG31 = 0x8F
    REGX = 0x90
    FBREG = 0x91
    BREGX = 0x92
    PIECE = 0x93
    DEREF_SIZE = 0x94
    XDEREF_SIZE = 0x95
    NOP = 0x96
    PUSH_OBJECT_ADDRESS = 0x97
    CALL2 = 0x98
    CALL4 = 0x99
    CALL_REF = 0x9A
    FORM_TLS_ADDRESS = 0x9B
    CALL_FRAME_CFA = 0x9C
    BIT_PIECE = 0x9D
    IMPLICIT_VALUE = 0x9E
    STACK_VALUE = 0x9F
    IMPLICIT_POINTER = 0xA0
    ADDRX = 0xA1
    CONSTX = 0xA2
    ENTRY_VALUE = 0xA3
    CONST_TYPE = 0xA4
    REGVAL_TYPE = 0xA5
    DEREF_TYPE = 0xA6
    XDEREF_TYPE = 0xA7
    CONVERT = 0xA8
    REINTERPRET = 0xA9
    GNU_PUSH_TLS_ADDRESS = 0xE0
    GNU_UNINIT = 0xF0
    GNU_IMPLICIT_POINTER = 0xF2
    GNU_ENTRY_VALUE = 0xF3
    GNU_CONST_TYPE = 0xF4
    GNU_REGVAL_TYPE = 0xF5
    GNU_DEREF_TYPE = 0xF6
    GNU_CONVERT = 0xF7
    GNU_REINTERPRET = 0xF9
    GNU_PARAMETER_REF = 0xFA
    GNU_ADDR_INDEX = 0xFB
    GNU_CONST_INDEX = 0xFC
    GNU_VARIABLE_VALUE = 0xFD


LIT31 = 0x4F
REG31 = 0x6F
BREG31 = 0x8F
