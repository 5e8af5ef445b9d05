"""The programs whose stacks are compared, and how each is built (zig, cached)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from starrylab.userland import BuildError, cache_folder
from starrylab.userland.build import compiler_version

SOURCES = Path(__file__).parent / "programs"
_ZIG = ("-fno-sanitize=undefined", "-Wno-everything")  #: zig's default would trap
MUSL = ("-target", "riscv64-linux-musl", "-static")
GLIBC = ("-target", "riscv64-linux-gnu.2.36")


@dataclass(frozen=True, slots=True)
class Program:
    """One way to build one source."""

    name: str
    source: str
    flags: tuple[str, ...]
    arguments: tuple[bytes, ...] = ()
    dynamic: bool = False  #: needs a root tree with glibc
    compiler: tuple[str, ...] = ()  #: instead of zig's
    gap: tuple[int, int] = (1, 30_000)  #: instructions between two stops


PROGRAMS = (
    Program("c-O0", "walk.c", (*MUSL, "-O0", "-fno-stack-protector")),
    Program("c-O2", "walk.c", (*MUSL, "-O2"), (b"alternate",)),
    Program("c-O2-fp", "walk.c", (*MUSL, "-O2", "-fno-omit-frame-pointer")),
    Program("c-glibc", "walk.c", (*GLIBC, "-O2"), dynamic=True),
    Program("c-glibc-pie", "walk.c", (*GLIBC, "-O1", "-fPIE", "-pie"), (b"alternate",), True),
    Program("c-threads", "threads.c", (*MUSL, "-O1"), gap=(1, 4000)),
    Program("c++-exceptions", "throwing.cc", (*MUSL, "-O1")),
)


def build(program: Program) -> Path:
    """Return the ELF file, built on first use; raises BuildError."""
    source = SOURCES / program.source
    compiler = program.compiler or (sys.executable, "-m", "ziglang", "cc")
    if not program.compiler and source.suffix == ".cc":
        compiler = (*compiler[:-1], "c++")
    arguments = (*compiler, "-g", *(() if program.compiler else _ZIG), *program.flags)
    digest = hashlib.sha256("\0".join((compiler_version(), *arguments)).encode())
    digest.update(source.read_bytes())
    folder = cache_folder() / "programs" / f"stacks-{program.name}-{digest.hexdigest()[:16]}"
    output = folder / program.name
    if output.exists():
        return output
    folder.mkdir(parents=True, exist_ok=True)
    zig = str(cache_folder() / "zig")
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": zig, "ZIG_LOCAL_CACHE_DIR": zig}
    scratch = folder / f".{os.getpid()}"
    done = subprocess.run(
        [*arguments, "-o", str(scratch), str(source)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BuildError(f"{program.name}: {done.stderr[-800:]}")
    scratch.replace(output)
    return output
