"""One small program's debug information, written in every way that compilers write it."""

from __future__ import annotations

from starrylab.debug.symbols import ElfImage
from tests.debug.dwarf_writer import (
    ADDR,
    ADDR_BASE,
    ADDRX,
    ADDRX1,
    CALL_COLUMN,
    CALL_FILE,
    CALL_LINE,
    COMP_DIR,
    CU,
    DATA1,
    DATA2,
    DATA4,
    DATA8,
    DATA16,
    DECLARATION,
    EXPRLOC,
    FLAG_PRESENT,
    HIGH,
    IMPLICIT_CONST,
    INDIRECT,
    INLINE,
    INLINED,
    LINE_STRP,
    LINKAGE,
    LOCATION,
    LOW,
    NAME,
    ORIGIN,
    RANGES,
    REF4,
    REF_ADDR,
    RNGLISTS_BASE,
    RNGLISTX,
    SDATA,
    SEC_OFFSET,
    SPECIFICATION,
    STMT_LIST,
    STR_OFFSETS_BASE,
    STRING,
    STRP,
    STRX,
    STRX1,
    SUBPROGRAM,
    TEXT,
    UDATA,
    VARIABLE,
    Die,
    Dwarf,
    elf,
    line_program,
    uleb,
)  # fmt: skip

MAIN, INNER, OUTER, END = TEXT, TEXT + 0x20, TEXT + 0x10, TEXT + 0x40
COLD = TEXT + 0x80
#: address -> (function, line, column, inlined) innermost first
ANSWERS = {
    MAIN: [("main", 10, 1, False)],
    MAIN + 0xF: [("main", 10, 1, False)],
    OUTER: [("space::twice(int)", 20, 2, True), ("main", 11, 7, False)],
    INNER: [("leaf", 30, 3, True), ("space::twice(int)", 21, 8, True), ("main", 11, 7, False)],
    INNER + 8: [("space::twice(int)", 22, 4, True), ("main", 11, 7, False)],
    INNER + 16: [("main", 12, 1, False)],
    COLD: [("main", 13, 1, False)],
    COLD + 8: [("leaf", 31, 3, True), ("main", 14, 9, False)],
    TEXT - 1: [("", 0, 0, False)],
    END: [("", 0, 0, False)],
}
ROWS = [
    (MAIN, 1, 10, 1), (OUTER, 1, 20, 2), (INNER, 1, 30, 3), (INNER + 8, 1, 22, 4),
    (INNER + 16, 1, 12, 1),
]  # fmt: skip
COLD_ROWS = [(COLD, 1, 13, 1), (COLD + 8, 1, 31, 3)]


def old(version: int, *, wide: bool = False) -> Dwarf:
    """DWARF 2 to 4: strings and addresses in place or by offset."""
    dwarf = Dwarf(version, wide=wide)
    program = line_program(ROWS, END) + line_program(COLD_ROWS, COLD + 16)
    lines = dwarf.line_table(["main.c"], program)
    offset = SEC_OFFSET if version >= 4 else DATA8 if wide else DATA4
    parts = dwarf.old_ranges([(MAIN, END), (COLD, COLD + 16)])
    leaf_parts = dwarf.old_ranges(
        [((1 << 64) - 1, INNER), (0, 8), (COLD + 8 - INNER, COLD + 16 - INNER)]
    )
    size = (lambda low, high: (HIGH, DATA8, high - low)) if version >= 4 else (
        lambda low, high: (HIGH, ADDR, high))  # fmt: skip
    leaf = Die(SUBPROGRAM, [(NAME, STRING, "leaf"), (INLINE, DATA1, 1)])
    declared = Die(
        SUBPROGRAM,
        [(NAME, STRP, "twice"), (LINKAGE, STRP, "_ZN5space5twiceEi"), (DECLARATION, DATA1, 1)],
    )
    twice = Die(SUBPROGRAM, [(SPECIFICATION, REF4, declared), (INLINE, DATA1, 1)])
    main = Die(SUBPROGRAM, [(NAME, STRING, "main"), (RANGES, offset, parts)], [
        Die(VARIABLE, [(NAME, STRP, "x"), (LOCATION, 0x0A, b"\x91\x10")]),
        Die(INLINED, [(ORIGIN, REF4, twice), (LOW, ADDR, OUTER), size(OUTER, INNER + 16),
                      (CALL_FILE, DATA1, 1), (CALL_LINE, DATA2, 11), (CALL_COLUMN, UDATA, 7)], [
            Die(INLINED, [(ORIGIN, REF_ADDR, leaf), (LOW, ADDR, INNER), size(INNER, INNER + 8),
                          (CALL_FILE, DATA1, 1), (CALL_LINE, SDATA, 21), (CALL_COLUMN, DATA1, 8)]),
        ]),
        Die(INLINED, [(ORIGIN, REF4, leaf), (RANGES, offset, dwarf.old_ranges(
                          [(COLD + 8, COLD + 16)])),
                      (CALL_FILE, DATA1, 1), (CALL_LINE, DATA1, 14), (CALL_COLUMN, DATA1, 9)]),
    ])  # fmt: skip
    del leaf_parts
    if version == 2:
        main.attributes[0] = (NAME, INDIRECT, (STRP, "main"))
    dwarf.unit(Die(CU, [(NAME, STRP, "main.c"), (COMP_DIR, STRING, "/src"),
                        (STMT_LIST, offset, lines),
                        (LOW, ADDR, 0), (RANGES, offset, parts)],
                   [leaf, declared, twice, main]))  # fmt: skip
    return dwarf


def new(*, wide: bool = False, indexed: bool = True) -> Dwarf:
    """DWARF 5: indexed strings and addresses, range lists of every kind, implicit constants."""
    dwarf = Dwarf(5, wide=wide)
    program = line_program(ROWS, END) + line_program(COLD_ROWS, COLD + 16)
    lines = dwarf.line_table(["primary.c", "main.c"], program)
    text, short = (STRX, STRX1) if indexed else (STRP, STRING)
    pc = ADDRX if indexed else ADDR
    address = dwarf._address
    parts = dwarf.new_ranges(
        b"\x06" + MAIN.to_bytes(8, "little") + END.to_bytes(8, "little")
        + b"\x03" + uleb(address(COLD)) + uleb(16) + b"\0"
    )  # fmt: skip
    unit_parts = dwarf.new_ranges(
        b"\x02" + uleb(address(MAIN)) + uleb(address(END)) + b"\x01" + uleb(address(COLD))
        + b"\x04" + uleb(0) + uleb(16) + b"\0"
    )  # fmt: skip
    cold_leaf = dwarf.new_ranges(
        b"\x05" + COLD.to_bytes(8, "little") + b"\x04" + uleb(8) + uleb(12)
        + b"\x07" + (COLD + 12).to_bytes(8, "little") + uleb(4) + b"\0"
    )  # fmt: skip
    leaf = Die(SUBPROGRAM, [(NAME, short, "leaf"), (INLINE, IMPLICIT_CONST, 1)])
    declared = Die(
        SUBPROGRAM,
        [
            (NAME, text, "twice"),
            (LINKAGE, text, "_ZN5space5twiceEi"),
            (DECLARATION, FLAG_PRESENT, 1),
        ],
    )
    twice = Die(SUBPROGRAM, [(SPECIFICATION, REF4, declared), (INLINE, DATA1, 1)])
    main = Die(SUBPROGRAM, [(NAME, text, "main"), (RANGES, RNGLISTX, parts)], [
        Die(VARIABLE, [(NAME, short, "x"), (LOCATION, EXPRLOC, b"\x91\x10"), (0x1C, DATA16, 77)]),
        Die(INLINED, [(ORIGIN, REF4, twice), (LOW, pc, OUTER), (HIGH, UDATA, INNER + 16 - OUTER),
                      (CALL_FILE, IMPLICIT_CONST, 1), (CALL_LINE, DATA1, 11),
                      (CALL_COLUMN, DATA1, 7)], [
            Die(INLINED, [(ORIGIN, REF_ADDR, leaf), (LOW, ADDRX1 if indexed else ADDR, INNER),
                          (HIGH, DATA4, 8), (CALL_FILE, IMPLICIT_CONST, 1), (CALL_LINE, DATA1, 21),
                          (CALL_COLUMN, DATA1, 8)]),
        ]),
        Die(INLINED, [(ORIGIN, REF4, leaf), (RANGES, RNGLISTX, cold_leaf),
                      (CALL_FILE, UDATA, 1), (CALL_LINE, DATA1, 14), (CALL_COLUMN, DATA1, 9)]),
    ])  # fmt: skip
    bases = [(STR_OFFSETS_BASE, SEC_OFFSET, dwarf.string_base), (ADDR_BASE, SEC_OFFSET,
             dwarf.string_base), (RNGLISTS_BASE, SEC_OFFSET, dwarf.list_base)]  # fmt: skip
    dwarf.unit(Die(CU, [(NAME, LINE_STRP, "main.c"), (COMP_DIR, LINE_STRP, "/src"), *bases,
                        (STMT_LIST, SEC_OFFSET, lines), (LOW, ADDR, 0),
                        (RANGES, RNGLISTX, unit_parts)], [leaf, declared, twice, main])
    )  # fmt: skip
    return dwarf


VARIANTS = {
    "2": lambda: old(2),
    "3": lambda: old(3),
    "4": lambda: old(4),
    "4 in 64 bits": lambda: old(4, wide=True),
    "5": new,
    "5 in 64 bits": lambda: new(wide=True),
    "5 by offset": lambda: new(indexed=False),
}


def image(variant: str) -> ElfImage:
    """Return the program as an ELF file with debug information of this kind."""
    return ElfImage.from_bytes(elf(VARIANTS[variant]().sections()), f"dwarf {variant}")
