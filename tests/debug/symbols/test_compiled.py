"""What a real compiler writes in each version of DWARF, split and 64-bit ones too: one answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.debug.symbols import ElfImage, Symbols

SOURCE = """\
#include <stdio.h>
static inline __attribute__((always_inline)) int leaf(int x) { return printf("%d\\n", x * 3); }
static inline __attribute__((always_inline)) int twice(int x) { return leaf(x) + leaf(x + 1); }
__attribute__((noinline)) int helper(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += twice(i);
    return sum;
}
int main(int argc, char **argv)
{
    return helper(argc) > 3;
}
"""
VARIANTS = [
    "-gdwarf-2",
    "-gdwarf-3",
    "-gdwarf-4",
    "-gdwarf-5",
    "-gdwarf-5 -gdwarf64",
    "-gdwarf-4 -gsplit-dwarf",
    "-gdwarf-5 -gsplit-dwarf",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "inlined.c").write_text(SOURCE)
    return folder


def build(folder: Path, flags: str) -> Path:
    name = flags.replace(" ", "").strip("-")
    base = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-target",
        "riscv64-linux-musl",
        "-O1",
        "-static",
    ]
    base += ["-fno-sanitize=undefined"]
    compiled = [*base, *flags.split(), "-c", "inlined.c", "-o", f"{name}.o"]
    for command in (compiled, [*base, "-g", f"{name}.o", "-o", name]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=280)
    return folder / name


@pytest.mark.parametrize("flags", VARIANTS)
def test_one_program(folder: Path, flags: str) -> None:
    path = build(folder, flags)
    symbols = Symbols.of(ElfImage.open(path), [])
    (helper,) = symbols.find_function("helper")
    assert (Path(helper.file).name, helper.line) == ("inlined.c", 7)
    assert helper.prologue_end > helper.address
    part = symbols.function_range(helper.address)
    assert part is not None
    seen = set()
    for addr in range(*part, 2):
        fresh = Symbols.of(ElfImage.open(path), []).lookup(addr) if addr % 16 == 0 else None
        frames = symbols.lookup(addr)
        assert fresh in (None, frames)  # a part of the unit is as good as all of it
        assert frames[-1].function == "helper"
        assert [frame.inlined for frame in frames] == [True] * (len(frames) - 1) + [False]
        seen.add(tuple((frame.function, frame.line) for frame in frames))
    assert (("leaf", 2), ("twice", 3), ("helper", 8)) in seen
    assert (("helper", 7),) in seen
    inlined = symbols.find_function("leaf")
    assert len(inlined) == 2
    assert all(match.inlined and part[0] < match.address < part[1] for match in inlined)
    (at,) = symbols.find_line("inlined.c", 13)
    assert symbols.lookup(at)[0].function == "main"


def test_a_lost_split_file_leaves_the_symbol_table(folder: Path) -> None:
    path = build(folder, VARIANTS[-1])
    content = path.read_bytes().replace(b"-inlined.dwo\0", b"-removed.dwo\0")
    symbols = Symbols.of(ElfImage.from_bytes(content, "moved"), [])
    (helper,) = symbols.find_function("helper")
    (frame,) = symbols.lookup(helper.address)
    assert (frame.function, Path(frame.file).name, frame.line) == ("helper", "inlined.c", 5)
