"""Resources that tasks share or copy (design document 2.2, ``scope-local``).

An `Item` declares a resource: how to make one, how to copy it, what to do when a scope
lets go of it.  A `Scope` holds one box per item; a process has a scope, and clone(2)'s
flags decide for each item whether the child's scope shares the box or gets a copy.  The
global scope serves kernel tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Item(Generic[T]):
    """A kind of resource, such as "the file descriptor table"."""

    def __init__(
        self,
        name: str,
        make: Callable[[], T],
        copy: Callable[[T], T],
        drop: Callable[[T], object] | None = None,
    ) -> None:
        self.name = name
        self.make = make
        self.copy = copy
        self.drop = drop

    def __repr__(self) -> str:
        return f"Item({self.name})"


class ItemBox(Generic[T]):
    """One resource and the number of scopes that hold it."""

    __slots__ = ("holders", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self.holders = 1


class Scope:
    """The resources of one task."""

    __slots__ = ("_boxes",)

    def __init__(self) -> None:
        self._boxes: dict[Item[Any], ItemBox[Any]] = {}

    def get(self, item: Item[T]) -> T:
        """Return this scope's resource, made now if it has none."""
        box = self._boxes.get(item)
        if box is None:
            box = self._boxes[item] = ItemBox(item.make())
        value: T = box.value
        return value

    def set(self, item: Item[T], value: T) -> None:
        """Replace this scope's resource; other holders of the old one keep it."""
        if item in self._boxes:
            self.drop(item)
        self._boxes[item] = ItemBox(value)

    def share_from(self, item: Item[T], other: Scope) -> T:
        """Hold the very resource that ``other`` holds."""
        value = other.get(item)
        box = other._boxes[item]
        if item in self._boxes:
            self.drop(item)
        box.holders += 1
        self._boxes[item] = box
        return value

    def copy_from(self, item: Item[T], other: Scope) -> T:
        """Hold a copy of the resource that ``other`` holds."""
        value = item.copy(other.get(item))
        self.set(item, value)
        return value

    def unshare(self, item: Item[T]) -> T:
        """Make the resource this scope's own, copying it if others hold it too."""
        if self.holders(item) > 1:
            return self.copy_from(item, self)
        return self.get(item)

    def holders(self, item: Item[Any]) -> int:
        """Return how many scopes hold this scope's resource; 0 if it has none."""
        box = self._boxes.get(item)
        return box.holders if box is not None else 0

    def drop(self, item: Item[Any]) -> None:
        """Let go of the resource; the last holder disposes of it."""
        box = self._boxes.pop(item, None)
        if box is None:
            return
        box.holders -= 1
        if not box.holders and item.drop is not None:
            item.drop(box.value)

    def share_all_from(self, other: Scope) -> None:
        """Hold every resource that ``other`` holds; for a scope that is still empty.

        A new thread does this, so it is one dict copy.
        """
        boxes = self._boxes = other._boxes.copy()
        for box in boxes.values():
            box.holders += 1

    def close(self) -> None:
        """Let go of everything."""
        boxes, self._boxes = self._boxes, {}
        for item, box in boxes.items():
            box.holders -= 1
            if not box.holders and item.drop is not None:
                item.drop(box.value)

    def __iter__(self) -> Iterator[tuple[Item[Any], ItemBox[Any]]]:
        return iter(self._boxes.items())


class ActiveScope:
    """The scope of whatever runs now; the global scope when that is a kernel task."""

    def __init__(self) -> None:
        self.globals = Scope()
        self._current = self.globals

    @property
    def current(self) -> Scope:
        """The scope in force."""
        return self._current

    def enter(self, scope: Scope | None) -> None:
        """Make ``scope`` current; ``None`` means the global one."""
        self._current = self.globals if scope is None else scope


class LocalItem(Generic[T]):
    """Typed access to the current scope's resource."""

    def __init__(self, active: ActiveScope, item: Item[T]) -> None:
        self._active = active
        self._item = item

    def get(self) -> T:
        """Return the current scope's resource."""
        return self._active.current.get(self._item)
