"""Random addresses of large programs: the same functions, files, lines and inlined frames as LLVM
and binutils find."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from starrylab.debug.symbols import ElfImage, Symbols
from starrylab.userland import programs
from tests.oracle import debian, symbolizers
from tests.oracle.fixtures import _or_missing as or_missing

#: name -> packages, and what to look at in them: C after link-time optimisation, C++, and a C
#: library with assembly; all made by GCC, with DWARF 5, two of them in files of their own
LARGE = {
    "python": (("python3.13-dbg", "python3.13-minimal"), "usr/bin/python3.13"),
    "libstdc++": (("libstdc++6-14-dbg",), "usr/lib/riscv64-linux-gnu/debug/libstdc++.so.6"),
    "libc": (("libc6", "libc6-dbg"), "usr/lib/riscv64-linux-gnu/libc.so.6"),
}
ADDRESSES = 1700  #: of each


def load(name: str) -> tuple[Symbols, Path]:
    """Return a program's symbols, and the file that its debug information is in."""
    if name == "starry":  # made by clang, with musl
        path = programs("riscv64") / "starry"
        return Symbols.of(ElfImage.open(path), []), path
    packages, inside = LARGE[name]
    root = or_missing(lambda: debian.tree(name, packages))
    symbols = Symbols.of(ElfImage.open((root / inside).resolve()), [root / "usr/lib/debug"])
    return symbols, Path(symbols.debug_image.path)


def addresses(symbols: Symbols, count: int, seed: int) -> list[int]:
    text = symbols.image.section_table[".text"]
    chance = random.Random(seed)
    return sorted(text.address + chance.randrange(text.size) for _ in range(count))


def ours(symbols: Symbols, addr: int) -> list[symbolizers.Frame]:
    return [
        symbolizers.Frame(at.linkage_name or at.function, at.file, at.line, at.column)
        for at in symbols.lookup(addr)
    ]


def same_function(symbols: Symbols, addr: int, mine: str, theirs: str) -> bool:
    """Compare outermost names.

    LLVM 14 takes them from the symbol table, where one address may have several names (aliases, a
    constructor's C1 and C2), clones have suffixes (``.isra.0``, ``.cold``) and assemblers may leave
    local labels (``.L0``). We and binutils take what the compiler says the function is.
    """
    if mine == theirs or theirs.startswith((".L", "$")) or mine == theirs.partition(".")[0]:
        return True
    names = {symbol.address for symbol in symbols.table.named(theirs)}
    part = symbols.function_range(addr)
    return part is not None and any(part[0] <= start <= addr for start in names)


def differences(symbols, picked, others, *, columns: bool) -> list[str]:
    found = []
    for addr, other in zip(picked, others, strict=True):
        mine = ours(symbols, addr)
        if not columns:
            mine = [frame._replace(column=0) for frame in mine]
        if mine[-1].line == other[-1].line == 0 and len(mine) == len(other):
            # No line, so no file: LLVM names the unit's own in its place.
            mine[-1], other[-1] = mine[-1]._replace(file=""), other[-1]._replace(file="")
        same = (
            mine[:-1] == other[:-1]
            and mine[-1][1:] == other[-1][1:]
            and same_function(symbols, addr, mine[-1].function, other[-1].function)
        )
        if not same:
            found.append(f"{addr:#x}: {mine} but {other}")
    return found


@pytest.mark.parametrize("name", [*LARGE, "starry"])
def test_as_llvm_symbolizer(name: str) -> None:
    symbols, path = load(name)
    picked = addresses(symbols, ADDRESSES, seed=1)
    others = or_missing(lambda: symbolizers.llvm(path, picked))
    assert differences(symbols, picked, others, columns=True) == []
    if name != "libstdc++":  # which is built without optimisation
        assert sum(len(frames) > 1 for frames in others) > ADDRESSES / 20  # inlined ones are there


@pytest.mark.parametrize("name", [*LARGE, "starry"])
def test_as_addr2line(name: str) -> None:
    """binutils 2.40 now and then gives the unit's own file to a line of a file that it includes.

    Line 4296 of a file of 300 lines, for example. Those are the only differences, and LLVM is asked
    who is right.
    """
    symbols, path = load(name)
    picked = addresses(symbols, 200, seed=2)
    others = or_missing(lambda: symbolizers.addr2line(path, picked))
    wrong = [
        (addr, other)
        for addr, other in zip(picked, others, strict=True)
        if differences(symbols, [addr], [other], columns=False)
    ]
    assert len(wrong) <= 0.05 * len(picked)
    for addr, other in wrong:
        mine = ours(symbols, addr)
        assert [frame.line for frame in mine] == [frame.line for frame in other]
    asked = [addr for addr, _ in wrong]
    judged = or_missing(lambda: symbolizers.llvm(path, asked))
    assert differences(symbols, asked, judged, columns=True) == []
