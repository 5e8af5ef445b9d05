"""What bpf(2) makes: numbered objects that live as long as somebody holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from ...abi.errno import ENOENT


class BpfObject:
    """A map, program, type information or link: held by descriptors, pins and other objects."""

    __slots__ = ("__weakref__", "_table", "id", "refs")

    def __init__(self) -> None:
        self.id = 0  #: 0 until it is in a table
        self.refs = 0
        self._table: Table[BpfObject] | None = None

    def acquire(self) -> None:
        """Count one more holder."""
        self.refs += 1

    def release(self) -> None:
        """Count one holder less; the last one ends the object."""
        self.refs -= 1
        if not self.refs:
            if self._table is not None:
                self._table.remove(self)
            self.freed()

    def freed(self) -> None:
        """Let go of what the object holds; called once."""


T = TypeVar("T", bound=BpfObject)


class Table(Generic[T]):
    """All objects of a kind by their numbers, which are not used twice."""

    def __init__(self) -> None:
        self._objects: dict[int, T] = {}
        self._last = 0

    def add(self, thing: T) -> None:
        """Give ``thing`` a number."""
        self._last += 1
        thing.id = self._last
        thing._table = self  # type: ignore[assignment]  # noqa: SLF001  # one mechanism
        self._objects[thing.id] = thing

    def remove(self, thing: BpfObject) -> None:
        """Forget an object."""
        del self._objects[thing.id]

    def get(self, number: int) -> T:
        """Return an object; raise ``ENOENT``."""
        found = self._objects.get(number)
        if found is None:
            raise ENOENT
        return found

    def after(self, number: int) -> int:
        """Return the next number in use after ``number``; raise ``ENOENT``."""
        following = min((n for n in self._objects if n > number), default=0)
        if not following:
            raise ENOENT
        return following

    def __iter__(self) -> Iterator[T]:
        """Iterate over the objects by number."""
        return iter(list(self._objects.values()))
