"""Run a program in a lab of this process, on a hart of the test's choice."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starrylab.machine.api import Hart, HartLost
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import UnicornHart
from starrylab.session import assemble as assembly
from starrylab.session.assemble import HostIo, assemble
from starrylab.session.config import Bind, LabConfig
from starrylab.userland import compile_c


@dataclass(frozen=True, slots=True)
class Result:
    """What a program left behind."""

    stdout: bytes
    stderr: bytes
    status: int


def run(
    make_hart: Callable[[HostRam], Hart],
    argv: Sequence[str],
    monkeypatch,
    share: Path | None = None,
    root: Path | None = None,
) -> Result:
    """Run ``argv`` on the hart; ``share`` is at /tmp/share."""
    outputs = bytearray(), bytearray()
    stdin = os.open(os.devnull, os.O_RDONLY)
    io = HostIo(
        emit_console=len,
        emit=tuple(lambda data, out=out: (out.extend(data), len(data))[1] for out in outputs),
        stdin_tty=False,
        stdout_tty=False,
        stderr_tty=False,
        stdin_fd=stdin,
    )
    monkeypatch.setattr(assembly, "make_hart", lambda config: make_hart(HostRam(config.memory)))
    config = LabConfig(
        rootfs=None if root is None else str(root),
        binds=() if share is None else (Bind(str(share), b"/tmp/share"),),
        argv=tuple(word.encode() for word in argv),
        memory=64 << 20,
        cwd=b"/tmp",
    )
    lab = assemble(config, io)
    try:
        try:
            status = lab.run()
        except HartLost as error:
            lab.kernel.panic(error)
        lab.finish_output()
        assert lab.kernel.panic_text is None, lab.kernel.panic_text
    finally:
        os.close(stdin)
        lab.hart.close()
    return Result(bytes(outputs[0]), bytes(outputs[1]), status)


def everything() -> Path:
    """Return the program that does a bit of everything; raises `BuildError`."""
    return compile_c([Path(__file__).parent / "board_program.c"], "riscv64")


def compared(program: Path, make_hart: Callable[[HostRam], Hart], monkeypatch) -> None:
    """Assert that a program does on a hart what it does on unicorn."""
    argv = [f"/tmp/share/{program.name}", "word"]
    expected = run(UnicornHart, argv, monkeypatch, share=program.parent)
    result = run(make_hart, argv, monkeypatch, share=program.parent)
    assert result.stdout.decode() == expected.stdout.decode()
    assert result == expected
