"""Compile C for the guest with the zig compiler of the ``ziglang`` wheel, once, and keep it.

The wheel brings clang, lld, the musl sources and the Linux headers of every architecture, so a
build needs no network and no cross compiler. What was built is found again by a hash of
everything that goes into it: sources, headers beside them, flags and compiler version.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..base.folders import cache_folder
from .compiler import compiler_environment, compiler_folder, compiler_version

Progress = Callable[[str], None]

_ROOM: Final = 256 << 20  #: bytes that the compiler and its C library want in the cache

SOURCES = Path(__file__).parent / "src"

#: where debug information says the sources are; the built-in root tree has them there too
SOURCE_PREFIX = "/usr/src/starrylab"

#: architecture -> arguments that choose it
TARGETS: Final[dict[str, tuple[str, ...]]] = {
    "riscv64": ("-target", "riscv64-linux-musl"),
    "aarch64": ("-target", "aarch64-linux-musl"),
    # Without LSX, LASX and unaligned access: what the smallest LoongArch64 core executes.
    "loongarch64": ("-target", "loongarch64-linux-musl", "-mcpu=la64v1_0-lsx-lasx-ual"),
    "x86_64": ("-target", "x86_64-linux-musl"),
}

#: The debugger shows these programs: every function keeps a frame, and code stays near its source.
FLAGS = (
    "-static",
    "-std=gnu11",
    "-O1",
    "-g",
    "-fno-omit-frame-pointer",
    "-fno-sanitize=undefined",  # zig's default in unoptimised builds: would trap in our fault demos
    "-fno-stack-protector",
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
)


class BuildError(Exception):
    """The compiler is missing or refused the sources; the message says what to do."""


def programs(arch: str, *, progress: Progress | None = None) -> Path:
    """Return the folder that holds ``starry``, all built-in programs in one ELF.

    Raises BuildError when it has to be built and cannot be.
    """
    sources = sorted(SOURCES.glob("*.c"))
    return compile_c(sources, arch, name="starry", progress=progress).parent


def compile_c(
    sources: Sequence[Path],
    arch: str,
    *,
    cache: Path | None = None,
    flags: Sequence[str] = (),
    name: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Return a static ELF built from `sources`, building it on first use.

    `name` is the file's name, by default the stem of the first source; `flags` follow the
    standard ones. Raises BuildError.
    """
    if arch not in TARGETS:
        raise BuildError(f"no C compiler target for {arch}; known: {', '.join(TARGETS)}")
    arguments = [*TARGETS[arch], *FLAGS, *flags]
    name = name or sources[0].stem
    folder = (cache or cache_folder()) / "programs"
    output = folder / f"{name}-{arch}-{_key(sources, arguments)}" / name
    if not output.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder / f".{name}-{arch}.lock"):
                if not output.exists():
                    _build(sources, arguments, output, progress)
        except OSError as error:
            raise BuildError(_no_cache(folder, error)) from error
    return output


def _no_cache(folder: Path, error: OSError) -> str:
    return (
        f"cannot keep what the C compiler builds in {folder}: {error.strerror}; make room or give "
        f"permission there, or set XDG_CACHE_HOME to a folder with {_ROOM >> 20} MiB free"
    )


def _key(sources: Sequence[Path], arguments: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join([compiler_version(), SOURCE_PREFIX, *arguments]).encode())
    headers = {header for source in sources for header in source.parent.glob("*.h")}
    for path in [*sources, *sorted(headers)]:
        content = path.read_bytes()
        digest.update(f"\0{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time build; the others find its result when they get the lock."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(
    sources: Sequence[Path], arguments: Sequence[str], output: Path, progress: Progress | None
) -> None:
    if compiler_folder() is None:
        raise BuildError("the C compiler is missing; install it with: pip install ziglang")
    if progress is not None:
        progress(f"Building {output.name} (first use; up to a minute when the C library is new)")
    with tempfile.TemporaryDirectory(dir=output.parent.parent, prefix=".build-") as scratch:
        built = Path(scratch) / output.name
        folders = {source.parent for source in sources}
        result = subprocess.run(
            [
                *(sys.executable, "-m", "ziglang", "cc", *arguments),
                *(f"-ffile-prefix-map={folder}={SOURCE_PREFIX}" for folder in sorted(folders)),
                *("-o", str(built), *map(str, sources)),
            ],
            env=compiler_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            if "NoSpaceLeft" in result.stderr or "No space left" in result.stderr:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise BuildError(f"the C compiler could not build {output.name}:\n{result.stderr}")
        # A rename within one file system is atomic: nobody ever sees half a program.
        output.parent.mkdir(exist_ok=True)
        built.replace(output)
