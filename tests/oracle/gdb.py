"""gdb-multiarch reads core files: the oracle for stacks (Debian package gdb-multiarch).

One gdb serves many core files: its own Python walks the frames of each and writes JSON.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import debian

_SCRIPT = """
import gdb, json
KINDS = {gdb.NORMAL_FRAME: "normal", gdb.INLINE_FRAME: "inlined", gdb.SIGTRAMP_FRAME: "signal",
         gdb.TAILCALL_FRAME: "tail call"}
for setting in ("pagination off", "confirm off", "backtrace past-main on", "debuginfod enabled off",
                "stack-cache off", "code-cache off", "auto-load safe-path /nonexistent"):
    gdb.execute("set " + setting)

def frames():
    found = []
    try:
        frame = gdb.newest_frame()
        while frame is not None:
            place = frame.find_sal()
            symtab = place.symtab
            found.append([KINDS.get(frame.type(), "other"), frame.pc(), frame.name() or "",
                          symtab.filename if symtab else "", place.line if symtab else 0])
            frame = frame.older()
        return found, ""
    except gdb.error as error:
        return found, str(error)

out = []
for core in CORES:
    # All of it anew: gdb keeps memory and libraries of the core file before.
    gdb.execute("core-file", to_string=True)
    if DYNAMIC:
        gdb.execute("file", to_string=True)
        gdb.execute("file " + PROGRAM, to_string=True)
    gdb.execute("maint flush dcache", to_string=True)
    gdb.execute("core-file " + core, to_string=True)
    libraries = "No shared" not in gdb.execute("info sharedlibrary", to_string=True)
    threads = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        threads[thread.ptid[1]] = [*frames(), libraries]
    out.append(threads)
with open(OUTPUT, "w") as file:
    json.dump(out, file)
"""


class Unavailable(Exception):
    """gdb-multiarch is missing; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class GdbFrame:
    """One line of gdb's backtrace."""

    kind: str  #: "normal", "inlined", "signal", "tail call"
    pc: int
    function: str  #: without the parameters
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class GdbStack:
    """What gdb makes of one core file."""

    frames: tuple[GdbFrame, ...]
    error: str  #: why gdb gave up; "" if it did not
    libraries: bool  #: gdb found the loader's list of shared libraries


def program() -> str:
    """Return the path of gdb; raises Unavailable."""
    path = shutil.which("gdb-multiarch")
    if path is None:
        raise Unavailable("gdb-multiarch is missing; install it: apt install gdb-multiarch")
    return path


def loongarch64() -> tuple[str, ...]:
    """Return the command of a gdb that knows LoongArch; raises Unavailable.

    Debian's bookworm has none that does, so it is trixie's, with its own C library.
    """
    try:
        root = debian.tree("gdb-multiarch", ("gdb-multiarch",), arch="amd64", suite="trixie")
    except debian.Unavailable as error:
        raise Unavailable(f"no gdb for loongarch64: {error}") from error
    return (*debian.host_command(root, "gdb-multiarch"), "-nx")


def stacks(
    executable: Path, cores: Sequence[Path], folder: Path, *, root: Path | None = None,
) -> list[dict[int, GdbStack]]:  # fmt: skip
    """Return gdb's stacks by thread id for each core file of ``executable``.

    ``root`` has its libraries.
    """
    output = folder / "gdb.json"
    script = folder / "gdb.py"
    values = {
        "CORES": [str(core) for core in cores],
        "PROGRAM": str(executable),
        "OUTPUT": str(output),
        "DYNAMIC": root is not None,
    }
    script.write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()) + _SCRIPT)
    command = [program(), "-nx", "--batch", "-ex", f"set sysroot {root or '/nonexistent'}"]
    command += ["-ex", f"file {executable}", "-x", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if not output.exists():
        raise RuntimeError(f"gdb failed: {' '.join(done.stderr.split())[-400:]}")
    cores_of_threads = json.loads(output.read_text())
    return [
        {
            int(tid): GdbStack(tuple(GdbFrame(*frame) for frame in frames), error, libraries)
            for tid, (frames, error, libraries) in threads.items()
        }
        for threads in cores_of_threads
    ]
