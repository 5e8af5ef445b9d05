"""Priorities of requests to disks: ioprio_set(2), ioprio_get(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_ADMIN, CAP_SYS_NICE
from ...abi.errno import EINVAL, EPERM, ESRCH
from ...abi.resource import PRIO_PGRP, PRIO_PROCESS, PRIO_USER
from ._declare import syscall
from ._types import Int
from .scheduling import targets

if TYPE_CHECKING:
    from ..thread import Thread

# <linux/ioprio.h>
_CLASS_SHIFT: Final = 13
_LEVELS: Final = 7  #: mask of the level in a class
_NONE, _REALTIME, _BEST_EFFORT, _IDLE = range(4)
_UNSET: Final = _BEST_EFFORT << _CLASS_SHIFT | 4  #: what no priority counts as against others
_WHO: Final = {1: PRIO_PROCESS, 2: PRIO_PGRP, 3: PRIO_USER}  #: IOPRIO_WHO_*
_PARTIAL: Final = "kept and inherited; no file system is on a disk whose requests it would order"


def _targets(t: Thread, which: int, who: int) -> list[Thread]:
    if which not in _WHO:
        raise EINVAL
    found = list(targets(t, _WHO[which], who))
    if not found:
        raise ESRCH
    return found


def _class_of(priority: int) -> int:
    return priority >> _CLASS_SHIFT & 7


@syscall(partial=_PARTIAL)
def ioprio_set(t: Thread, which: Int, who: Int, priority: Int) -> None:
    """ioprio_set(2)."""
    kind, level = _class_of(priority), priority & _LEVELS
    if kind > _IDLE or (kind == _NONE and level):
        raise EINVAL
    if kind == _REALTIME and not (t.cred.capable(CAP_SYS_ADMIN) or t.cred.capable(CAP_SYS_NICE)):
        raise EPERM
    for target in _targets(t, which, who):
        own = t.cred.uid in (0, target.cred.uid) or t.cred.euid == target.cred.uid
        if not own and not t.cred.capable(CAP_SYS_NICE):
            raise EPERM
        t.kernel.io_priorities[target] = priority & 0xFFFF


@syscall(partial=_PARTIAL)
def ioprio_get(t: Thread, which: Int, who: Int) -> int:
    """ioprio_get(2): of several the highest."""
    kept = t.kernel.io_priorities
    found = [kept.get(target, 0) for target in _targets(t, which, who)]
    if len(found) == 1:
        return found[0]
    return min(p if _class_of(p) else _UNSET for p in found)
