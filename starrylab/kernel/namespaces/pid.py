"""Pid namespaces: numbers of processes of their own (pid_namespaces(7)).

A process has a number in the initial namespace, by which the kernel knows it everywhere, and, when
it is in another one, a `Pid` with its numbers in that one and in those above it.  Whoever is in the
initial namespace has none, and costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from ...abi.capability import CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN
from ...abi.errno import EAGAIN, EEXIST, EINVAL, ENOMEM, ENOSPC, EPERM
from ...abi.sched import CLONE_NEWPID
from .base import Namespace, Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..task.cred import Credentials
    from ..task.process import Process
    from .user import UserNamespace

_MAX_LEVEL: Final = 32
_RESERVED: Final = 300  #: where the search for a free number starts again


class Pid:
    """The numbers of one process or thread, or of the group or session that outlived it."""

    __slots__ = ("__weakref__", "inside", "number")

    def __init__(self, number: int) -> None:
        self.number = number  #: in the initial namespace
        self.inside: dict[PidNamespace, int] = {}


class PidTable:
    """All numbers of one kernel that mean something in other namespaces than the initial one."""

    def __init__(self) -> None:
        self.living: dict[int, Pid] = {}  #: of threads and zombies
        self.known: WeakValueDictionary[int, Pid] = WeakValueDictionary()
        self.maximum = 32768  #: first number that is never given

    def forget(self, number: int) -> None:
        """Note that a thread or a zombie is gone; its group or session may keep the number."""
        self.living.pop(number, None)


class PidNamespace(Namespace):
    """One pid namespace; ``parent`` is ``None`` for the initial one."""

    name = "pid"
    flag = CLONE_NEWPID

    def __init__(
        self,
        registry: Registry,
        user_ns: UserNamespace | None,
        table: PidTable,
        parent: PidNamespace | None = None,
        ino: int = 0,
    ) -> None:
        """Make a namespace without processes; ``ENOSPC`` if too deep."""
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        if self.level > _MAX_LEVEL:
            raise ENOSPC
        super().__init__(registry, user_ns, ino)
        self.table = table
        self.reaper: Process | None = None  #: its init; the initial namespace's is ``Kernel.init``
        self.dead = False  #: its init has ended, and nobody new comes in
        #: by their numbers here
        self.pids: WeakValueDictionary[int, Pid] = WeakValueDictionary()
        self._last = 0

    def child(self, user_ns: UserNamespace | None) -> PidNamespace:
        """Return a new namespace below this one."""
        return PidNamespace(self.registry, user_ns, self.table, self)

    def is_below(self, ancestor: PidNamespace) -> bool:
        """Tell whether ``ancestor`` is this namespace or above it."""
        here: PidNamespace | None = self
        while here is not None and here.level > ancestor.level:
            here = here.parent
        return here is ancestor

    # -- numbers

    def shown(self, number: int) -> int:
        """Return what the kernel's ``number`` is in this namespace; 0 if it is not in it."""
        if not self.level:
            return number
        pid = self.table.known.get(number)
        return 0 if pid is None else pid.inside.get(self, 0)

    def meant(self, number: int) -> int:
        """Return the kernel's number for this namespace's ``number``; 0 if nobody has it."""
        if not self.level:
            return number
        pid = self.pids.get(number)
        return 0 if pid is None else pid.number

    def enter(self, number: int, wanted: Sequence[int], cred: Credentials) -> Pid:
        """Give the kernel's ``number`` one here and in each namespace above but the initial one.

        ``wanted`` are clone3(2)'s set_tid, this namespace's first.  Raises ``ENOMEM`` for a dead
        namespace, ``EAGAIN`` without a free number, and for wanted ones ``EINVAL``, ``EPERM``,
        ``EEXIST``.
        """
        if self.dead:
            raise ENOMEM
        pid = Pid(number)
        here: PidNamespace | None = self
        depth = 0
        while here is not None and here.level:
            chosen = wanted[depth] if depth < len(wanted) else 0
            if depth < len(wanted):
                check_wanted(chosen, here, cred, taken=chosen in here.pids)
            local = chosen or here.free()
            pid.inside[here] = local
            here.pids[local] = pid
            here = here.parent
            depth += 1
        self.table.living[number] = self.table.known[number] = pid
        return pid

    def free(self) -> int:
        """Return a number that nobody has here; raise ``EAGAIN``."""
        number = self._last + 1
        for _ in range(2):
            while number < self.table.maximum:
                if number not in self.pids:
                    self._last = number
                    return number
                number += 1
            number = min(_RESERVED, self.table.maximum - 1)
        raise EAGAIN

    def __len__(self) -> int:
        return len(self.pids)


def check_wanted(number: int, ns: PidNamespace, cred: Credentials, *, taken: bool) -> None:
    """Check one of clone3(2)'s set_tid: raise ``EINVAL``, ``EPERM``, ``EEXIST``."""
    if not 1 <= number < ns.table.maximum or (ns.level and number != 1 and ns.reaper is None):
        raise EINVAL
    if not cred.capable_in(ns.user_ns, CAP_CHECKPOINT_RESTORE) and not cred.capable_in(
        ns.user_ns, CAP_SYS_ADMIN
    ):
        raise EPERM
    if taken:
        raise EEXIST
