"""QEMU as a board: its monitor is started without a boot loader, its serial line is a socket."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from starrylab.boards import load
from starrylab.boards.images import monitor_program, pack
from starrylab.boards.monitor_build import monitor_elf
from starrylab.link.errors import LinkError
from starrylab.link.port import Port
from tests.oracle import qemu_system
from tests.oracle.fixtures import _or_missing

#: board -> command of QEMU, the form of the monitor that its -kernel takes
MACHINES = {
    "virt-riscv64": (qemu_system.riscv64, "riscv"),
    "virt-loongarch64": (qemu_system.loongarch64, "elf"),
}
_PATIENCE_S = 60.0


@contextmanager
def running(name: str, folder: Path, files: Sequence[Path] = ()) -> Iterator[str]:
    """Run the monitor of board ``name``; yield the name of its port, when it is there.

    The pages of ``files`` come with its image.
    """
    board = load(name)
    image = folder / f"{name}.bin"
    packed = [file.read_bytes() for file in files]
    command, form = MACHINES[name]
    program = monitor_program(board, monitor_elf(board.arch), packed)
    image.write_bytes(pack(program, board, form, 0))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    qemu = subprocess.Popen(
        [
            *_or_missing(command),
            *("-display", "none", "-monitor", "none", "-kernel", str(image)),
            *("-serial", f"tcp:127.0.0.1:{number},server=on,wait=on,nodelay=on"),
        ],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = f"socket://127.0.0.1:{number}"
        _opened(port).close()
        yield port
    finally:
        qemu.kill()
        qemu.wait()


def _opened(name: str) -> Port:
    """Open the port as soon as QEMU listens, and wait for what the monitor says first."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            port = Port.open(name)
            break
        except LinkError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    heard = bytearray()
    while b"StarryLab monitor" not in heard:
        assert time.monotonic() < end, bytes(heard)
        heard += port.read(timeout=1.0)
    return port
