"""Where the hart is told to stop: addresses and bytes, by address space, with those who asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from ...machine.api import READ, WRITE, HartDebug, Watched
from ..peek import Peek
from .api import Access

if TYPE_CHECKING:
    from ...kernel.mm.space import AddressSpace
    from ...machine.api import Hart

ACCESSES: Final = {Access.WRITE: WRITE, Access.READ: READ, Access.ANY: READ | WRITE}

_NOBODY: Final[frozenset[Hashable]] = frozenset()


class Places:
    """Breakpoint addresses; each is set as long as it has an owner."""

    def __init__(self, hart: Hart) -> None:
        self._debug: HartDebug = hart.debug()
        self._owners: dict[AddressSpace, dict[int, set[Hashable]]] = {}

    def add(self, space: AddressSpace, addr: int, owner: Hashable) -> None:
        """Break at ``addr`` for ``owner``."""
        owners = self._owners.setdefault(space, {})
        if addr in owners:
            owners[addr].add(owner)
        else:
            owners[addr] = {owner}
            self._apply(space)

    def remove(self, space: AddressSpace, addr: int, owner: Hashable) -> None:
        """Undo `add`; no error if there is nothing to undo."""
        owners = self._owners.get(space, {})
        found = owners.get(addr)
        if found is None:
            return
        found.discard(owner)
        if not found:
            del owners[addr]
            self._apply(space)

    def owners(self, space: AddressSpace, addr: int) -> Iterable[Hashable]:
        """Return who wants to break at ``addr``."""
        return self._owners.get(space, {}).get(addr, _NOBODY)

    def forget(self, space: AddressSpace) -> None:
        """Drop everything in ``space``."""
        if self._owners.pop(space, None):
            self._debug.set_breakpoints(space.table, ())

    def spaces(self) -> set[AddressSpace]:
        """Return the address spaces with breakpoints."""
        return set(self._owners)

    def _apply(self, space: AddressSpace) -> None:
        owners = self._owners[space]
        self._debug.set_breakpoints(space.table, owners)
        if not owners:
            del self._owners[space]


class Change(NamedTuple):
    """Watched bytes that are not what they were."""

    watch: Watch
    old: bytes
    new: bytes


class Watch(NamedTuple):
    """Bytes that somebody watches."""

    addr: int
    size: int
    access: Access
    owner: Hashable


class Watches:
    """Watched bytes, and what was in them when somebody looked last."""

    def __init__(self, hart: Hart) -> None:
        self._debug: HartDebug = hart.debug()
        self._watches: dict[AddressSpace, dict[Watch, bytes]] = {}

    def __bool__(self) -> bool:
        return bool(self._watches)

    def add(self, space: AddressSpace, watch: Watch) -> None:
        """Watch bytes of ``space``."""
        watches = self._watches.setdefault(space, {})
        watches[watch] = Peek(space).read(watch.addr, watch.size)
        self._apply(space)

    def remove(self, space: AddressSpace, watch: Watch) -> None:
        """Undo `add`; no error if there is nothing to undo."""
        watches = self._watches.get(space)
        if watches is not None and watches.pop(watch, None) is not None:
            self._apply(space)

    def forget(self, space: AddressSpace) -> None:
        """Drop everything in ``space``."""
        if self._watches.pop(space, None):
            self._debug.set_watched(space.table, ())

    def touched(self, space: AddressSpace, addr: int, size: int, access: int) -> list[Change]:
        """Return the watches that an access meets, with their bytes before and after it."""
        watches = self._watches.get(space, {})
        peek = Peek(space)
        found = []
        for watch, old in watches.items():
            if addr < watch.addr + watch.size and watch.addr < addr + size:
                new = peek.read(watch.addr, watch.size)
                watches[watch] = new
                if ACCESSES[watch.access] & access:
                    found.append(Change(watch, old, new))
        return found

    def changed(self, space: AddressSpace) -> list[Change]:
        """Return the watches for writes whose bytes changed otherwise: the kernel did it."""
        watches = self._watches.get(space)
        if not watches:
            return []
        peek = Peek(space)
        found = []
        for watch, old in watches.items():
            new = peek.read(watch.addr, watch.size)
            if new != old:
                watches[watch] = new
                if watch.access is not Access.READ:
                    found.append(Change(watch, old, new))
        return found

    def spaces(self) -> set[AddressSpace]:
        """Return the address spaces with watched bytes."""
        return set(self._watches)

    def _apply(self, space: AddressSpace) -> None:
        watches = self._watches[space]
        ranges = [Watched(w.addr, w.size, ACCESSES[w.access]) for w in watches]
        self._debug.set_watched(space.table, ranges)
        if not watches:
            del self._watches[space]
