"""reboot(2): the way a guest's init turns the machine off."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_BOOT
from ...abi.errno import EINVAL
from ...abi.signal import SIGHUP, SIGINT
from ..core.sched import park_killable
from ..task.namespaces import pid_namespace
from ._declare import syscall
from ._types import Ptr, UInt

if TYPE_CHECKING:
    from ..namespaces.pid import PidNamespace
    from ..thread import Thread

# <linux/reboot.h>
_MAGIC1: Final = 0xFEE1DEAD
_MAGIC2: Final = frozenset({0x28121969, 0x05121996, 0x16041998, 0x20112000})
_CAD_OFF, _CAD_ON = 0, 0x89ABCDEF  #: whether Ctrl-Alt-Del restarts; a serial line has none
_RESTART: Final = 0x01234567
_ENDS: Final = frozenset({_RESTART, 0xCDEF0123, 0x4321FEDC})  #: RESTART, HALT, POWER_OFF


@syscall(partial="a restart ends the lab, which its front end can start again")
def reboot(
    t: Thread, magic1: UInt, magic2: UInt, command: UInt, arg: Ptr
) -> Coroutine[object, object, int] | None:
    """reboot(2)."""
    ns = pid_namespace(t)
    t.cred.require_in(ns.user_ns, CAP_SYS_BOOT)
    if magic1 != _MAGIC1 or magic2 not in _MAGIC2:
        raise EINVAL
    if ns.level:
        _end_namespace(t, ns, command)
        return None
    if command in (_CAD_OFF, _CAD_ON):
        return None
    if command not in _ENDS:
        raise EINVAL
    t.kernel.power_off()
    return _never()


def _end_namespace(t: Thread, ns: PidNamespace, command: int) -> None:
    """End a pid namespace; its init seems killed by SIGHUP, or SIGINT (pid_namespaces(7))."""
    if command not in _ENDS:
        raise EINVAL
    if ns.reaper is not None:
        ns.reaper.exit_group(SIGHUP if command == _RESTART else SIGINT)
    t.exit_thread(0)


async def _never() -> int:
    while True:
        await park_killable()
