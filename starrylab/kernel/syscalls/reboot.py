"""reboot(2): the way a guest's init turns the machine off."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_BOOT
from ...abi.errno import EINVAL
from ..core.sched import park_killable
from ._declare import syscall
from ._types import Ptr, UInt

if TYPE_CHECKING:
    from ..thread import Thread

# <linux/reboot.h>
_MAGIC1: Final = 0xFEE1DEAD
_MAGIC2: Final = frozenset({0x28121969, 0x05121996, 0x16041998, 0x20112000})
_CAD_OFF, _CAD_ON = 0, 0x89ABCDEF  #: whether Ctrl-Alt-Del restarts; a serial line has none
_ENDS: Final = frozenset({0x01234567, 0xCDEF0123, 0x4321FEDC})  #: RESTART, HALT, POWER_OFF


@syscall(partial="a restart ends the lab, which its front end can start again")
def reboot(
    t: Thread, magic1: UInt, magic2: UInt, command: UInt, arg: Ptr
) -> Coroutine[object, object, int] | None:
    """reboot(2)."""
    t.cred.require(CAP_SYS_BOOT)
    if magic1 != _MAGIC1 or magic2 not in _MAGIC2:
        raise EINVAL
    if command in (_CAD_OFF, _CAD_ON):
        return None
    if command not in _ENDS:
        raise EINVAL
    t.kernel.power_off()
    return _never()


async def _never() -> int:
    while True:
        await park_killable()
