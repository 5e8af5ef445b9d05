"""What a thread has to do with rings: those that it registered, those that it submitted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EBADF, EBUSY, EINVAL, EOPNOTSUPP
from ...abi.uring import RINGFD_REGISTRATIONS
from .ring import Ring

if TYPE_CHECKING:
    from ..task.cred import Credentials
    from ..thread import Thread

_ANY: Final = 0xFFFFFFFF


@dataclass(slots=True)
class RingSettings:
    """Who may make a ring: /proc/sys/kernel/io_uring_disabled and io_uring_group."""

    disabled: int = 0  #: 0: nobody is refused; 1: all but CAP_SYS_ADMIN and the group; 2: all
    group: int = -1

    def allow(self, cred: Credentials) -> bool:
        """Tell whether ``cred`` may make a ring."""
        if self.disabled == 0:
            return True
        if self.disabled == 2:
            return False
        return cred.capable(CAP_SYS_ADMIN) or (self.group >= 0 and cred.in_group(self.group))


class TaskRings:
    """The rings of one thread."""

    __slots__ = ("registered", "used", "workers")

    def __init__(self) -> None:
        self.registered: dict[int, Ring] = {}  #: IORING_REGISTER_RING_FDS
        self.used: WeakSet[Ring] = WeakSet()  #: rings with requests of this thread
        self.workers = [0, 0]  #: IORING_REGISTER_IOWQ_MAX_WORKERS, 0: as many as it takes

    def register(self, ring: Ring, index: int) -> int:
        """Give ``ring`` an index (2**32 - 1: any); ``EBUSY`` when it is taken."""
        if index == _ANY:
            index = next((i for i in range(RINGFD_REGISTRATIONS) if i not in self.registered), -1)
            if index < 0:
                raise EBUSY
        elif index >= RINGFD_REGISTRATIONS:
            raise EINVAL
        elif index in self.registered:
            raise EBUSY
        ring.acquire()
        self.registered[index] = ring
        return index

    def unregister(self, index: int) -> None:
        """Free an index."""
        if index >= RINGFD_REGISTRATIONS:
            raise EINVAL
        ring = self.registered.pop(index, None)
        if ring is not None:
            ring.release()

    def get(self, index: int) -> Ring:
        """Return the ring at an index; ``EINVAL``, ``EBADF``."""
        if not 0 <= index < RINGFD_REGISTRATIONS:
            raise EINVAL
        ring = self.registered.get(index)
        if ring is None:
            raise EBADF
        return ring

    def leave(self, thread: Thread, *, ends: bool) -> None:
        """Cancel what ``thread`` has under way, as it becomes another program.

        If it ends, requests stay as long as their ring does, as on Linux; but there is nobody
        any more to do their work when they are woken.
        """
        for ring in list(self.used):
            ring.cancel_all(
                lambda request: (
                    request.thread is thread and (not ends or isinstance(request.opened, Ring))
                )
            )
            if ring.maker is thread:
                ring.stop_poller()
        self.used.clear()
        registered, self.registered = self.registered, {}
        for ring in registered.values():
            ring.release()


def rings_of(thread: Thread) -> TaskRings:
    """Return what ``thread`` has to do with rings."""
    found = thread.kernel.urings.get(thread)
    if found is None:
        found = thread.kernel.urings[thread] = TaskRings()
    return found


def ring_at(thread: Thread, fd: int, *, registered: bool) -> Ring:
    """Return the ring of a descriptor, or of an index; ``EBADF``, ``EOPNOTSUPP``."""
    if registered:
        return rings_of(thread).get(fd)
    file = thread.file(fd)
    if not isinstance(file, Ring):
        raise EOPNOTSUPP
    return file
