"""Split files in a package (``.dwp``): the same answers as from the files themselves."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.debug.dwarf.module import DebugData, ModuleData
from starrylab.debug.symbols import ElfImage, Location, Symbols
from tests.debug.symbols.test_compiled import SOURCE
from tests.oracle.fixtures import _missing as missing

OTHER = """\
struct pair { int first; long second; };
static inline __attribute__((always_inline)) long add(struct pair p) { return p.first + p.second; }
__attribute__((noinline)) long other(long n)
{
    struct pair p = { (int)n, n * 7 };
    return add(p);
}
"""
ZIG = [sys.executable, "-m", "ziglang", "cc", "-target", "riscv64-linux-musl", "-O1", "-static"]
VARIANTS = ["-gdwarf-4", "-gdwarf-5 -fdebug-types-section"]


@pytest.fixture(scope="module", params=VARIANTS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program of two units with its package and without split files."""
    packer = shutil.which("llvm-dwp")
    if packer is None:
        missing("llvm-dwp is missing; install llvm")
    folder = tmp_path_factory.mktemp("packed")
    source = "long other(long);\n" + SOURCE.replace("> 3", "> other(argc)")
    (folder / "inlined.c").write_text(source)
    (folder / "other.c").write_text(OTHER)
    flags = ["-gsplit-dwarf", "-fno-sanitize=undefined", *request.param.split()]
    for name in ("inlined", "other"):
        run(folder, [*ZIG, *flags, "-c", f"{name}.c", "-o", f"{name}.o"])
    run(folder, [*ZIG, "-g", "inlined.o", "other.o", "-o", "split"])
    run(folder, [packer, "-e", "split", "-o", "packed.dwp"])
    (folder / "program").write_bytes((folder / "split").read_bytes())
    return folder


def run(folder: Path, command: list[str]) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=280)


def answers(path: Path) -> dict[int, list[Location]]:
    symbols = Symbols.of(ElfImage.open(path), [])
    found = {}
    for name in ("helper", "main", "other"):
        (match,) = symbols.find_function(name)
        part = symbols.function_range(match.address)
        assert part is not None
        found |= {addr: symbols.lookup(addr) for addr in range(*part, 2)}
    return found


def test_a_package_answers_as_its_files_do(program: Path, tmp_path: Path) -> None:
    from_files = answers(program / "split")
    path = alone(program, tmp_path)
    assert [at.function for at in answers(path)[next(iter(from_files))]] == ["helper"]
    assert all(len(frames) == 1 for frames in answers(path).values())  # nothing is left of them
    (tmp_path / "program.dwp").write_bytes((program / "packed.dwp").read_bytes())
    assert answers(path) == from_files
    functions = {frame.function for frames in from_files.values() for frame in frames}
    assert functions == {"helper", "twice", "leaf", "main", "other", "add"}


def test_types_of_a_package(program: Path, tmp_path: Path) -> None:
    path = alone(program, tmp_path)
    (tmp_path / "program.dwp").write_bytes((program / "packed.dwp").read_bytes())
    module = ModuleData(DebugData(ElfImage.open(path)), 0)
    found = [kind for kind in module.types_named("pair") if not kind.declaration]
    assert [member.name for member in found[0].body.members] == ["first", "second"]


def test_a_broken_package_is_as_good_as_none(program: Path, tmp_path: Path) -> None:
    path = alone(program, tmp_path)
    whole = (program / "packed.dwp").read_bytes()
    chance = random.Random(5)
    for _ in range(8):
        broken = bytearray(whole[: chance.randrange(64, len(whole))])
        for _ in range(chance.randrange(20)):
            broken[chance.randrange(64, len(broken))] = chance.randrange(256)
        (tmp_path / "program.dwp").write_bytes(broken)
        found = answers(path)
        assert {frames[-1].function for frames in found.values()} >= {"main"}


def alone(program: Path, folder: Path) -> Path:
    """Return a copy of the program that finds no split file any more."""
    content = (program / "program").read_bytes()
    for name in (b"inlined.dwo\0", b"other.dwo\0"):
        assert name in content
        content = content.replace(name, name.replace(b"dwo", b"gon"))
    path = folder / "program"
    path.write_bytes(content)
    return path
