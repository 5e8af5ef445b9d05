"""Programs on a real machine, stopped where they call getppid(2), beside gdb on their core."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from starrylab.debug.core_file import EVERYTHING, write_core
from starrylab.debug.inspect import InspectedThread, Inspector
from starrylab.debug.stack import Stacks
from starrylab.kernel import boot
from starrylab.kernel.fs.hostfs_access import HostFolder
from starrylab.kernel.fs.overlay import OverlayFs
from starrylab.kernel.kernel import Kernel
from starrylab.kernel.thread import Thread
from starrylab.machine.door import VirtualDoor
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn.hart import UnicornHart
from starrylab.userland import build, compiler_environment

PROGRAMS = Path(__file__).parent / "programs"
_VALUE = re.compile(r"(?m)^([\w:]+) = (.*)$")


def compiled(name: str, *flags: str) -> Path:
    """Build a program of this folder for riscv64."""
    return build.compile_c([PROGRAMS / name], "riscv64", flags=("-gdwarf-5", *flags))


def compiled_cxx(name: str | Path, *flags: str) -> Path:
    """Build a C++ program, of this folder or by its path, with libc++ for riscv64, once."""
    source = PROGRAMS / name
    arguments = [sys.executable, "-m", "ziglang", "c++", "-target", "riscv64-linux-musl", "-static",
                 "-std=c++17", "-g", "-gdwarf-5", "-fno-sanitize=undefined", *flags]  # fmt: skip
    seed = "\0".join([build.compiler_version(), *arguments]).encode() + source.read_bytes()
    folder = (
        build.cache_folder() / "programs" / f"{source.name}-{hashlib.sha256(seed).hexdigest()[:16]}"
    )
    output = folder / source.stem
    if not output.exists():
        folder.mkdir(parents=True, exist_ok=True)
        environment = compiler_environment()
        scratch = folder / f".{os.getpid()}"
        command = [*arguments, "-o", str(scratch), str(source)]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        scratch.replace(output)
    return output


def run(
    program: Path,
    at_stop: Callable[[InspectedThread, Kernel], None],
    *,
    root: Path | None = None,
    argv: Sequence[bytes] = (),
) -> None:
    """Run a program; look at it each time that it calls getppid(2).

    With a ``root`` the program's folder is /prog in it.
    """
    kernel = boot.build(UnicornHart(HostRam(64 << 20)), VirtualDoor())
    now, pool = kernel.clock.realtime, kernel.pool
    boot.mount_root(kernel, OverlayFs(now, pool, HostFolder(root or program.parent)))
    place = b"/"
    if root is not None:
        place = b"/prog/"
        boot.mount_at(kernel, b"/prog", OverlayFs(now, pool, HostFolder(program.parent)), b"prog")
    inspector = Inspector(Stacks(kernel))
    problems: list[BaseException] = []

    def entered(thread: Thread, entry: object, registers: Sequence[int]) -> None:
        if getattr(entry, "name", "") == "getppid" and not problems:
            try:
                at_stop(inspector.thread(thread), kernel)
            except BaseException as error:  # an event's listener must not stop the kernel
                problems.append(error)

    kernel.events.subscribe("syscall_enter", entered)
    config = boot.BootConfig([place + program.name.encode(), *argv], (), is_init=False)
    boot.start(kernel, config, lambda _thread: [])
    kernel.executor.run()
    if problems:
        raise problems[0]
    assert kernel.panic_text is None, kernel.panic_text


def gdb(program: Path, core: Path, commands: Sequence[str]) -> list[str]:
    """Return what gdb prints for each of these commands."""
    if shutil.which("gdb-multiarch") is None:
        pytest.skip("no gdb-multiarch")
    script = ["set width 0", "set height 0", "set print repeats 10", "set print null-stop on"]
    for command in commands:
        script += [r'printf "\n@@@\n"', *command.splitlines()]
    arguments = [argument for line in script for argument in ("-ex", line)]
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", *arguments, str(program), str(core)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return [text.strip("\n") for text in done.stdout.split("\n@@@\n")[1:]]


def assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each line of ``info locals``."""
    return ((match[1], match[2]) for match in _VALUE.finditer(text))


def core_of(stopped: InspectedThread, folder: Path) -> Path:
    """Write a core file of the stopped program."""
    path = folder / "core"
    with path.open("wb") as file:
        write_core(stopped.thread.process, file, current=stopped.thread, wanted=EVERYTHING)
    return path
