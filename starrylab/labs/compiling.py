"""Compile a student's C files for the guest where the compiler can read nothing but them.

A source may take in what it likes (`#include`, `#embed`, `.incbin`), and make a compiler work
for ever.  So a process of its own gives up all other files and has limits before it calls the
compiler: Landlock where there is one, and for hosts without it a look at the sources.
"""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from ..base.folders import cache_folder
from ..userland import BuildError, compile_c, compiler_cache, programs
from .api import Refused
from .catalog import LabError
from .pace import slowness
from .sandbox import landlock, places
from .sandbox.places import Places
from .student import missing
from .texts import Text

_ARCH: Final = "riscv64"
_ERROR_LINES: Final = 12  #: of the compiler's complaint
_SECONDS: Final = 20.0  #: of a reference host, for one program
_PATIENCE: Final = 10  #: times that, on a host that has other things to do
_LARGEST: Final = 64 << 20  #: bytes of a file that the compiler writes
_MEMORY: Final = 4 << 30  #: bytes of address space
_REFUSED: Final = 3  #: exit status of the process for what is the student's


def compile_program(folder: Path, sources: tuple[str, ...], flags: tuple[str, ...] = ()) -> bytes:
    """Return the ELF file made of ``sources`` in ``folder``.

    Raises `Refused` with the compiler's words; `LabError` where there is no compiler.
    """
    for name in sources:
        if not (folder / name).is_file():
            raise Refused(missing(name))
        _refuse_foreign_files(folder / name)
    try:
        _build_c_library()
    except BuildError as error:
        raise LabError(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="starrylab-compile-") as scratch:
        status, said = _run(folder, Path(scratch), sources, flags)
    if status == 0:
        return Path(said).read_bytes()
    words = "\n".join(said.replace(f"{folder}/", "").splitlines()[:_ERROR_LINES])
    if status != _REFUSED or words.startswith(sys.executable):  # Python itself says something
        raise LabError(f"the C compiler cannot be run: {words}")
    lines = words.splitlines() or [""]
    first = next((line for line in lines if "error: " in line), lines[0])
    raise Refused(
        Text(f"{sources[0]} does not compile: {first}", f"{sources[0]} 无法编译：{first}"), words
    )


def _build_c_library() -> None:
    """Let the compiler build its C library, which takes a minute, without the limits."""
    programs(_ARCH)
    if (compiler_cache() / "o").is_dir():
        return
    with tempfile.TemporaryDirectory() as scratch:  # the programs were here, its cache was not
        source = Path(scratch) / "first.c"
        source.write_text(f"int main(void) {{ return {secrets.randbits(30)} & 1; }}\n")
        compile_c([source], _ARCH)


def _run(
    folder: Path, scratch: Path, sources: tuple[str, ...], flags: tuple[str, ...]
) -> tuple[int, str]:
    """Return a status, and the program's path or what went wrong."""
    seconds = _PATIENCE * _SECONDS * slowness()
    command = [sys.executable, "-P", "-m", __spec__.name, str(folder), str(scratch)]
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [*command, str(len(sources)), *sources, *flags],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(scratch)}, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return _REFUSED, f"the compiler was not done after {seconds:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output.decode(errors="replace").strip()


def _refuse_foreign_files(path: Path) -> None:
    """Let a source take in its own folder's headers and the system's, nothing else."""
    for line in path.read_text(errors="replace").splitlines():
        words = line.strip()
        taken = words.startswith("#") and ("include" in words or "embed" in words)
        if "incbin" in words or (taken and (".." in words or '"/' in words or "</" in words)):
            raise Refused(
                Text(
                    f"{path.name} takes in a file from outside its folder: {words}",
                    f"{path.name} 引用了目录之外的文件：{words}",
                )
            )


def _confine(folder: Path, scratch: Path) -> None:
    cache = cache_folder()
    own = places(folder)
    writable = (scratch, cache / "programs", compiler_cache(), *own.writable)
    landlock.restrict(Places((*own.readable, *_interpreter()), own.listable, writable))
    seconds = int(_SECONDS * slowness()) + 1
    for kind, value in (
        (resource.RLIMIT_FSIZE, _LARGEST),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _interpreter() -> list[Path]:
    """Return what a new Python needs before its own modules: it is started once more for zig."""
    files = [Path(sys.executable), Path(sys.executable).resolve(), Path(sys.prefix, "pyvenv.cfg")]
    libraries = sysconfig.get_config_var("LIBDIR")  # of one that is itself a shared library
    return files + (list(Path(libraries).glob("*.so*")) if libraries else [])


def main(arguments: list[str]) -> int:
    """Compile ``FOLDER SCRATCH COUNT SOURCE... FLAG...`` and print the program's path."""
    folder, scratch, count = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    sources, flags = arguments[3 : 3 + count], arguments[3 + count :]
    _confine(folder, scratch)
    try:
        built = compile_c([folder / name for name in sources], _ARCH, flags=flags)
    except BuildError as error:
        first, _, words = str(error).partition("\n")
        sys.stdout.write(words or first)
        return _REFUSED if words else 1
    sys.stdout.write(str(built))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
