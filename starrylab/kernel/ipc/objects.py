"""What System V message queues and semaphore sets share: identifiers, keys, owners, modes.

Shared memory has its own table (`mm.sysv`), since its segments end later than their keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from ...abi.capability import CAP_IPC_OWNER
from ...abi.errno import EACCES, EEXIST, EINVAL, ENOENT, ENOSPC
from ...abi.ipc import IPC_CREAT, IPC_EXCL, IPC_PRIVATE
from ..mm.sysv import IpcPerm

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap
    from ..mm.sysv import Caller
    from ..namespaces.user import UserNamespace

MOST: Final = 32_000  #: objects of a kind: MSGMNI, SEMMNI
_SEQUENCE: Final = 1 << 15  #: an identifier is sequence * this + slot (IPCMNI)
_PAGE: Final = 4096


class Charge:
    """Pages of the kernel's heap that stand for what an object holds."""

    __slots__ = ("_charged", "_heap")

    def __init__(self, heap: KernelHeap | None) -> None:
        self._heap = heap
        self._charged = 0

    def cover(self, size: int) -> None:
        """Charge for ``size`` bytes, if they are more than ever; raise ``ENOMEM``."""
        if self._heap is not None and size > self._charged:
            pages = -(-size // _PAGE) * _PAGE
            self._heap.charge(pages - self._charged)
            self._charged = pages

    def end(self) -> None:
        """Give everything back."""
        if self._heap is not None:
            self._heap.discharge(self._charged)
            self._charged = 0


class IpcObject:
    """Something with a key, an identifier and an owner."""

    __slots__ = ("cgid", "charge", "ctime", "cuid", "gid", "id", "key", "mode", "removed", "uid",
                 "user_ns")  # fmt: skip

    def __init__(self, owner: Caller, mode: int, now: int, heap: KernelHeap | None) -> None:
        self.id = -1  #: `IpcTable` sets both
        self.key = IPC_PRIVATE
        self.user_ns: UserNamespace | None = None  #: that of the table
        self.mode = mode  #: permission bits
        self.uid = self.cuid = owner.euid
        self.gid = self.cgid = owner.egid
        self.ctime = now  #: seconds
        self.removed = False
        self.charge = Charge(heap)

    def check(self, caller: Caller, wanted: int) -> None:
        """Raise ``EACCES`` unless ``caller`` has the permission bits ``wanted`` (0..7)."""
        granted = self.mode
        if caller.euid in (self.cuid, self.uid):
            granted >>= 6
        elif caller.in_group(self.cgid) or caller.in_group(self.gid):
            granted >>= 3
        if wanted & ~granted & 7 and not caller.capable_in(self.user_ns, CAP_IPC_OWNER):
            raise EACCES

    @property
    def perm(self) -> IpcPerm:
        """``struct ipc64_perm``."""
        sequence = self.id // _SEQUENCE & 0xFFFF
        return IpcPerm(self.key, self.uid, self.gid, self.cuid, self.cgid, self.mode, sequence)

    def set_perm(self, perm: IpcPerm, now: int) -> None:
        """IPC_SET; raise ``EINVAL`` for ids that are none."""
        if 0xFFFFFFFF in (perm.uid, perm.gid):
            raise EINVAL
        self.uid, self.gid = perm.uid, perm.gid
        self.mode = perm.mode & 0o777
        self.ctime = now

    def ended(self) -> None:
        """Wake whoever waits: the object is gone."""


T = TypeVar("T", bound=IpcObject)


class IpcTable(Generic[T]):
    """The objects of one kind in one IPC namespace, which belongs to ``user_ns``."""

    def __init__(self, user_ns: UserNamespace | None = None) -> None:
        self.user_ns = user_ns
        self._slots: dict[int, T] = {}
        self._keys: dict[int, T] = {}
        self._next = 0

    def get(
        self,
        key: int,
        flags: int,
        caller: Caller,
        make: Callable[[], T],
        fits: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Find or make an object; ``fits`` says whether one is as large as wanted.

        Raises ``ENOENT``, ``EEXIST``, ``EINVAL``, ``EACCES``, ``ENOSPC``.
        """
        found = self._keys.get(key) if key != IPC_PRIVATE else None
        if found is None:
            if key != IPC_PRIVATE and not flags & IPC_CREAT:
                raise ENOENT
            return self._add(key, make)
        if flags & IPC_CREAT and flags & IPC_EXCL:
            raise EEXIST
        if not fits(found):
            raise EINVAL
        found.check(caller, (flags >> 6 | flags >> 3 | flags) & 7)
        return found

    def _add(self, key: int, make: Callable[[], T]) -> T:
        made = make()
        if len(self._slots) >= MOST:
            raise ENOSPC
        slot = next(i for i in range(MOST) if i not in self._slots)
        made.id = self._next * _SEQUENCE + slot
        self._next = (self._next + 1) & 0xFFFF
        self._slots[slot] = made
        made.key, made.user_ns = key, self.user_ns
        if key != IPC_PRIVATE:
            self._keys[key] = made
        return made

    def find(self, id_: int) -> T:
        """Return the object with an identifier; raise ``EINVAL``."""
        found = self._slots.get(id_ % _SEQUENCE) if id_ >= 0 else None
        if found is None or found.id != id_:
            raise EINVAL
        return found

    def at(self, slot: int) -> T:
        """Return the object in a slot (MSG_STAT, SEM_STAT); raise ``EINVAL``."""
        try:
            return self._slots[slot]
        except KeyError:
            raise EINVAL from None

    def remove(self, thing: T) -> None:
        """Take an object away (IPC_RMID)."""
        del self._slots[thing.id % _SEQUENCE]
        if thing.key != IPC_PRIVATE:
            del self._keys[thing.key]
        thing.removed = True
        thing.charge.end()
        thing.ended()

    def highest_slot(self) -> int:
        """Return the highest slot in use, 0 for none."""
        return max(self._slots, default=0)

    def __iter__(self) -> Iterator[T]:
        return iter([self._slots[slot] for slot in sorted(self._slots)])

    def __len__(self) -> int:
        return len(self._slots)
