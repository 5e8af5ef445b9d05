"""Calls about terminals: vhangup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.capability import CAP_SYS_TTY_CONFIG
from ._declare import syscall

if TYPE_CHECKING:
    from ..thread import Thread


@syscall()
def vhangup(t: Thread) -> None:
    """vhangup(2)."""
    t.cred.require(CAP_SYS_TTY_CONFIG)
    tty = t.process.session.terminal
    if tty is not None:
        tty.hang_up()
