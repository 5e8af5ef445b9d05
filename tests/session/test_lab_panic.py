"""A bug in the kernel ends the machine, not the session."""

from __future__ import annotations

import socket
from types import SimpleNamespace

from starrylab.session.channel import LabChannel
from starrylab.session.lab import Session
from starrylab.session.protocol import Hello, Panic, Stop, encode, event_reader


def test_an_exception_of_the_kernel_is_reported_as_a_panic() -> None:
    ours, theirs = socket.socketpair()
    session = Session(LabChannel(theirs))
    kernel = SimpleNamespace(panic_text=None, exit_status=None, hart_lost=None)

    def panic(bug: BaseException) -> None:
        kernel.panic_text = repr(bug)

    def run() -> None:
        raise ZeroDivisionError("in the kernel")

    kernel.panic = panic
    lab = SimpleNamespace(
        kernel=kernel, run=run, door=SimpleNamespace(detach=lambda _: None), stop=lambda: None
    )
    session._lab = lab
    session._run(lab)
    ours.sendall(encode(Hello()) + encode(Stop()))
    assert session.run() == 0  # it still serves, until told to stop
    session._channel.close()
    events = event_reader().feed(ours.recv(65536))
    assert any(isinstance(event, Panic) and "ZeroDivision" in event.text for event in events)
    ours.close()
