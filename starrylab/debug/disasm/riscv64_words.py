"""What the instructions of RV64GC do, in words (RISC-V unprivileged specification).

A key with ``/n`` is for the form with n operands.  ``{0}`` is the first operand; an operand
``24(sp)`` is put in as ``sp + 24``.
"""

from __future__ import annotations

from typing import Final

ROUNDING: Final = {
    "rne": "to nearest, ties to even",
    "rtz": "towards zero",
    "rdn": "down",
    "rup": "up",
    "rmm": "to nearest, ties away from zero",
}
ORDERS: Final = {
    ".aqrl": "Nothing is reordered across it (aq, rl).",
    ".aq": "Later accesses stay behind it (aq).",
    ".rl": "Earlier accesses stay before it (rl).",
}
CSRS: Final = {
    "fcsr": "fcsr (floating-point control and status)",
    "fflags": "fflags (floating-point exception flags)",
    "frm": "frm (rounding mode)",
    "cycle": "cycle (clock cycles)",
    "time": "time (timer)",
    "instret": "instret (instructions retired)",
}

_LOADS: Final = {
    "lb": "1 byte, sign-extended,", "lh": "2 bytes, sign-extended,",
    "lw": "4 bytes, sign-extended,", "ld": "8 bytes", "lbu": "1 byte, zero-extended,",
    "lhu": "2 bytes, zero-extended,", "lwu": "4 bytes, zero-extended,",
    "flw": "a single-precision number", "fld": "a double-precision number",
}  # fmt: skip
_STORES: Final = {
    "sb": "the low byte", "sh": "the low 2 bytes", "sw": "the low 4 bytes", "sd": "all 8 bytes",
    "fsw": "the single-precision number", "fsd": "the double-precision number",
}  # fmt: skip
_BRANCHES: Final = {
    "beq": "{0} equals {1}", "bne": "{0} differs from {1}",
    "blt": "{0} < {1}, both signed", "bge": "{0} >= {1}, both signed",
    "bltu": "{0} < {1}, both unsigned", "bgeu": "{0} >= {1}, both unsigned",
}  # fmt: skip
_ZERO_BRANCHES: Final = {
    "beqz": "is zero", "bnez": "is not zero", "blez": "is not positive",
    "bgez": "is not negative", "bltz": "is negative", "bgtz": "is positive",
}  # fmt: skip
_INTEGER: Final = {
    "add": "{1} + {2}", "sub": "{1} - {2}", "and": "{1} AND {2}, bit by bit",
    "or": "{1} OR {2}, bit by bit", "xor": "{1} XOR {2}, bit by bit",
    "sll": "{1} shifted left by {2}", "srl": "{1} shifted right by {2}, zeros come in",
    "sra": "{1} shifted right by {2}, the sign stays",
    "slt": "1 if {1} < {2}, both signed, else 0",
    "sltu": "1 if {1} < {2}, both unsigned, else 0",
    "mul": "the low 64 bits of {1} * {2}",
    "mulh": "the high 64 bits of {1} * {2}, both signed",
    "mulhu": "the high 64 bits of {1} * {2}, both unsigned",
    "mulhsu": "the high 64 bits of {1} (signed) * {2} (unsigned)",
    "div": "{1} / {2}, both signed; -1 if {2} is zero",
    "divu": "{1} / {2}, both unsigned; all ones if {2} is zero",
    "rem": "the remainder of {1} / {2}, both signed; {1} if {2} is zero",
    "remu": "the remainder of {1} / {2}, both unsigned; {1} if {2} is zero",
}  # fmt: skip
#: those that have a form with an immediate, and one for 32 bits
_IMMEDIATE: Final = ("add", "and", "or", "xor", "sll", "srl", "sra", "slt")
_WORD: Final = ("add", "sub", "sll", "srl", "sra", "mul", "div", "divu", "rem", "remu")
_WORD_IMMEDIATE: Final = ("add", "sll", "srl", "sra")
_ATOMIC: Final = {
    "amoswap": "puts {1} there", "amoadd": "adds {1} there", "amoand": "ANDs {1} into it",
    "amoor": "ORs {1} into it", "amoxor": "XORs {1} into it",
    "amomin": "keeps the smaller of it and {1} (signed)",
    "amomax": "keeps the larger of it and {1} (signed)",
    "amominu": "keeps the smaller of it and {1} (unsigned)",
    "amomaxu": "keeps the larger of it and {1} (unsigned)",
}  # fmt: skip
_WIDTHS: Final = {"w": "4 bytes", "d": "8 bytes"}
_PRECISIONS: Final = {"s": "single precision", "d": "double precision"}
_FLOATING: Final = {
    "fadd": "{1} + {2}", "fsub": "{1} - {2}", "fmul": "{1} * {2}", "fdiv": "{1} / {2}",
    "fsqrt": "the square root of {1}", "fmin": "the smaller of {1} and {2}",
    "fmax": "the larger of {1} and {2}", "fmadd": "{1} * {2} + {3}, rounded once",
    "fmsub": "{1} * {2} - {3}, rounded once", "fnmadd": "-({1} * {2}) - {3}, rounded once",
    "fnmsub": "-({1} * {2}) + {3}, rounded once", "fmv": "{1}", "fneg": "-{1}",
    "fabs": "the absolute value of {1}", "fsgnj": "{1} with the sign of {2}",
    "fsgnjn": "{1} with the opposite sign of {2}",
    "fsgnjx": "{1}, its sign flipped if {2} is negative",
    "feq": "1 if {1} equals {2}, else 0", "flt": "1 if {1} < {2}, else 0",
    "fle": "1 if {1} <= {2}, else 0", "fclass": "a bit mask of what kind of number {1} is",
}  # fmt: skip
_TYPES: Final = {
    "w": "a signed 32-bit integer", "wu": "an unsigned 32-bit integer",
    "l": "a signed 64-bit integer", "lu": "an unsigned 64-bit integer",
    "s": "a single-precision number", "d": "a double-precision number",
}  # fmt: skip

_OTHERS: Final = {
    "li": "Sets {0} to {1}.",
    "lui": "Sets {0} to {1} times 4096, sign-extended.",
    "auipc": "Sets {0} to the address of this instruction plus {1} times 4096.",
    "mv": "Copies {1} to {0}.",
    "not": "Sets {0} to {1} with all bits inverted.",
    "neg": "Sets {0} to -{1}.",
    "negw": "Sets {0} to -{1}, cut to 32 bits and sign-extended.",
    "sext.w": "Sets {0} to the low 32 bits of {1}, sign-extended.",
    "zext.b": "Sets {0} to the low byte of {1}.",
    "seqz": "Sets {0} to 1 if {1} is zero, else 0.",
    "snez": "Sets {0} to 1 if {1} is not zero, else 0.",
    "sltz": "Sets {0} to 1 if {1} is negative, else 0.",
    "sgtz": "Sets {0} to 1 if {1} is positive, else 0.",
    "sltiu": "Sets {0} to 1 if {1} < {2}, both unsigned, else 0.",
    "nop": "Does nothing.",
    "j": "Jumps to {0}.",
    "jr": "Jumps to the address {0}.",
    "jal/1": "Calls {0}; ra gets the return address.",
    "jal/2": "Calls {1}; {0} gets the return address.",
    "jalr/1": "Calls the function at {0}; ra gets the return address.",
    "jalr/2": "Calls the function at {1}; {0} gets the return address.",
    "jalr/3": "Calls the function at {1} plus {2}; {0} gets the return address.",
    "ret": "Returns to the caller, to the address in ra.",
    "ecall": "System call: enters the kernel; a7 is the number, a0 to a5 the arguments.",
    "ebreak": "Breakpoint: stops in the debugger, or raises SIGTRAP.",
    "unimp": "Not an instruction on purpose: raises SIGILL.",
    "fence/0": "Orders all memory accesses before it with those after it.",
    "fence/2": "Orders accesses before it ({0}) with those after it ({1}); r reads, w writes,"
    " i and o of devices.",
    "fence.tso": "Orders memory accesses as total store order asks.",
    "fence.i": "Makes stores to code visible to instruction fetch.",
    "csrr": "Reads {1} into {0}.",
    "csrw": "Writes {1} to {0}.",
    "csrs": "Sets the bits of {0} that are set in {1}.",
    "csrc": "Clears the bits of {0} that are set in {1}.",
    "csrwi": "Writes {1} to {0}.",
    "csrsi": "Sets the bits {1} of {0}.",
    "csrci": "Clears the bits {1} of {0}.",
    "csrrw": "Reads {1} into {0}, then writes {2} to it.",
    "csrrs": "Reads {1} into {0}, then sets the bits of {2} in it.",
    "csrrc": "Reads {1} into {0}, then clears the bits of {2} in it.",
    "csrrwi": "Reads {1} into {0}, then writes {2} to it.",
    "csrrsi": "Reads {1} into {0}, then sets the bits {2} in it.",
    "csrrci": "Reads {1} into {0}, then clears the bits {2} in it.",
    "rdtime": "Reads the timer into {0}.",
    "rdcycle": "Reads the number of clock cycles into {0}.",
    "rdinstret": "Reads the number of instructions executed into {0}.",
    "frcsr": "Reads the floating-point control and status register into {0}.",
    "fscsr/1": "Writes {0} to the floating-point control and status register.",
    "fscsr/2": "Reads the floating-point control and status register into {0}, then writes {1}.",
    "frflags": "Reads the floating-point exception flags into {0}.",
    "fsflags/1": "Writes {0} to the floating-point exception flags.",
    "fsflags/2": "Reads the floating-point exception flags into {0}, then writes {1}.",
    "frrm": "Reads the floating-point rounding mode into {0}.",
    "fsrm/1": "Writes {0} to the floating-point rounding mode.",
    "fsrm/2": "Reads the floating-point rounding mode into {0}, then writes {1}.",
    "fsflagsi/1": "Sets the floating-point exception flags to {0}.",
    "fsrmi/1": "Sets the floating-point rounding mode to {0}.",
    "fmv.x.w": "Copies the bits of the single-precision {1} to {0}.",
    "fmv.w.x": "Copies the low 32 bits of {1} to {0}, as a single-precision number.",
    "fmv.x.d": "Copies the bits of the double-precision {1} to {0}.",
    "fmv.d.x": "Copies the bits of {1} to {0}, as a double-precision number.",
}


def _families() -> dict[str, str]:
    words = dict(_OTHERS)
    for name, what in _LOADS.items():
        words[name] = f"Loads {what} from memory at {{1}} into {{0}}."
    for name, what in _STORES.items():
        words[name] = f"Stores {what} of {{0}} in memory at {{1}}."
    for name, condition in _BRANCHES.items():
        words[name] = f"Branches to {{2}} if {condition}."
    for name, condition in _ZERO_BRANCHES.items():
        words[name] = f"Branches to {{1}} if {{0}} {condition}."
    words |= _arithmetic()
    words |= _atomics()
    return words | _fractions()


def _arithmetic() -> dict[str, str]:
    words = {name: f"Sets {{0}} to {what}." for name, what in _INTEGER.items()}
    words |= {f"{name}i": words[name] for name in _IMMEDIATE}
    low = "Sets {{0}} to {}, from and in 32 bits, sign-extended."
    words |= {f"{name}w": low.format(_INTEGER[name]) for name in _WORD}
    words["mulw"] = low.format("{1} * {2}")
    return words | {f"{name}iw": words[f"{name}w"] for name in _WORD_IMMEDIATE}


def _atomics() -> dict[str, str]:
    words = {}
    for letter, width in _WIDTHS.items():
        for name, what in _ATOMIC.items():
            words[f"{name}.{letter}"] = f"Atomically loads {width} at {{2}} into {{0}} and {what}."
        words[f"lr.{letter}"] = f"Loads {width} at {{1}} into {{0}} and reserves the address."
        words[f"sc.{letter}"] = (
            f"Stores {width} of {{1}} at {{2}} if the reservation still holds; "
            "{0} is 0 if it did."
        )
    return words


def _fractions() -> dict[str, str]:
    words = {}
    for letter, precision in _PRECISIONS.items():
        for name, what in _FLOATING.items():
            words[f"{name}.{letter}"] = f"Sets {{0}} to {what}, in {precision}."
    for to, target in _TYPES.items():
        for origin, source in _TYPES.items():
            if to != origin and not {to, origin} <= {"w", "wu", "l", "lu"}:
                words[f"fcvt.{to}.{origin}"] = f"Converts {{1}}, {source}, to {target} in {{0}}."
    return words


RISCV64_WORDS: Final = _families()
