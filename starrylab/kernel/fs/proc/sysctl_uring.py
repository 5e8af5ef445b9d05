"""/proc/sys/kernel/io_uring_disabled, io_uring_group: who may make a ring (io_uring_setup(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._declare import proc
from ._numbers import setting

if TYPE_CHECKING:
    from ...kernel import Kernel
    from ...thread import Thread


def _set_disabled(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.ring_settings.disabled = setting(thread, data, 0, 2)


def _set_group(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.ring_settings.group = setting(thread, data, -1)


@proc("sys/kernel/io_uring_disabled", mode=0o644, write=_set_disabled)
def io_uring_disabled(kernel: Kernel) -> str:
    """Show who may make a ring: 0 everybody, 1 CAP_SYS_ADMIN and a group, 2 nobody."""
    return f"{kernel.ring_settings.disabled}\n"


@proc("sys/kernel/io_uring_group", mode=0o644, write=_set_group)
def io_uring_group(kernel: Kernel) -> str:
    """Show the group that may make a ring all the same; -1 for none."""
    return f"{kernel.ring_settings.group}\n"
