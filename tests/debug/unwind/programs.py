"""The programs whose stacks are compared, and how each is built (zig, cached)."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from starrylab.userland import (
    BuildError,
    cache_folder,
    compiler_environment,
    compiler_version,
)
from tests.oracle import debian

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

#: Debian's cross compilers
GCC = "riscv64-linux-gnu-gcc"
GXX = "riscv64-linux-gnu-g++"

#: what the GNU programs and the Rust one load
LIBRARIES = ("libc6", "libstdc++6", "libgcc-s1")

GNU = (
    Program("gcc-O0", "walk.c", ("-O0",), (), True, (GCC,)),
    Program("gcc-O2", "walk.c", ("-O2",), (b"alternate",), True, (GCC,)),
    Program("gcc-Os-save-restore", "walk.c", ("-Os", "-msave-restore"), (), True, (GCC,)),
    Program("gcc-threads", "threads.c", ("-O2", "-pthread"), (), True, (GCC,), (1, 4000)),
    Program("g++-static", "throwing.cc", ("-O2", "-static"), (), False, (GXX,)),
    Program("g++-dynamic", "throwing.cc", ("-O1",), (), True, (GXX,)),
)


def rust(*, fetch: bool = True) -> Program:
    """Return the Rust program; raises debian.Unavailable."""
    return Program("rust-O", "walk.rs", ("-C", "opt-level=2"), (), True, rust_compiler(fetch=fetch))


def rust_compiler(*, fetch: bool = True) -> tuple[str, ...]:
    """Return the command that compiles Rust for the guest; raises debian.Unavailable."""
    if shutil.which(GCC) is None:
        raise debian.Unavailable(f"{GCC} is missing: it links")
    compiler = debian.tree("rustc", ("rustc",), arch="amd64", fetch=fetch)
    library = debian.tree("rust-std", ("libstd-rust-dev",), fetch=fetch)
    return (
        f"{compiler}/usr/lib64/ld-linux-x86-64.so.2",
        *("--library-path", f"{compiler}/usr/lib/x86_64-linux-gnu", f"{compiler}/usr/bin/rustc"),
        *("--edition", "2021", "--target", "riscv64gc-unknown-linux-gnu"),
        *("--sysroot", f"{library}/usr", "-C", f"linker={GCC}"),
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
    environment = compiler_environment()
    scratch = folder / f".{os.getpid()}"
    done = subprocess.run(
        [*arguments, "-o", str(scratch), str(source)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BuildError(f"{program.name}: {done.stderr[-800:]}")
    scratch.replace(output)
    return output
