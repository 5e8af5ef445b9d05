"""What a program registers with a ring: files and buffers by index (io_uring_register(2)).

A slot may have a tag: a completion with it says that what was in the slot is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from ...abi.errno import EBADF, EFAULT, EINVAL, ENFILE
from ..files.file import File

if TYPE_CHECKING:
    from ..mm.space import AddressSpace

T = TypeVar("T")


class Node(Generic[T]):
    """One registered thing, which may outlive its slot while requests use it."""

    __slots__ = ("_gone", "item", "tag", "users")

    def __init__(self, item: T, tag: int, gone: Callable[[Node[T]], object]) -> None:
        self.item = item
        self.tag = tag
        self.users = 1  #: the slot, and requests
        self._gone = gone

    def release(self) -> None:
        """Count one user less; the last one disposes of it."""
        self.users -= 1
        if not self.users:
            self._gone(self)


class Slots(Generic[T]):
    """A table of registered things."""

    __slots__ = ("_dispose", "_tell", "nodes")

    def __init__(
        self, size: int, dispose: Callable[[T], object], tell: Callable[[int], object]
    ) -> None:
        self.nodes: list[Node[T] | None] = [None] * size
        self._dispose = dispose
        self._tell = tell  #: posts a completion with a tag

    def __len__(self) -> int:
        return len(self.nodes)

    def put(self, index: int, item: T, tag: int = 0) -> None:
        """Put ``item`` into a slot; what was there goes."""
        self.clear(index)
        self.nodes[index] = Node(item, tag, self._gone)

    def _gone(self, node: Node[T]) -> None:
        self._dispose(node.item)
        if node.tag:
            self._tell(node.tag)

    def clear(self, index: int) -> bool:
        """Empty a slot; False if it was empty."""
        node, self.nodes[index] = self.nodes[index], None
        if node is not None:
            node.release()
        return node is not None

    def forget(self) -> None:
        """Empty all, and tell nobody."""
        for node in self.nodes:
            if node is not None:
                node.tag = 0
        self.clear_all()

    def clear_all(self) -> None:
        """Empty all."""
        for index in range(len(self.nodes)):
            self.clear(index)


class FixedFiles(Slots[File]):
    """Registered files: what IOSQE_FIXED_FILE and direct descriptors name."""

    __slots__ = ("_first", "_last", "_next")

    def __init__(self, size: int, tell: Callable[[int], object]) -> None:
        super().__init__(size, File.release, tell)
        self._first, self._last = 0, size
        self._next = 0

    def set_range(self, first: int, last: int) -> None:
        """Choose free slots from ``first`` up to ``last``, excluded (FILE_ALLOC_RANGE)."""
        self._first = self._next = first
        self._last = last

    def get(self, index: int) -> Node[File]:
        """Return what is in a slot; ``EBADF`` for nothing."""
        node = self.nodes[index] if 0 <= index < len(self.nodes) else None
        if node is None:
            raise EBADF
        return node

    def free_slot(self) -> int:
        """Return an empty slot of the range; ``ENFILE`` for none."""
        size = self._last - self._first
        for step in range(size):
            index = self._first + (self._next - self._first + step) % size
            if self.nodes[index] is None:
                self._next = index + 1
                return index
        raise ENFILE

    def install(self, file: File, index: int | None) -> int:
        """Put ``file`` into a slot, a free one for ``None``; return its index."""
        if index is None:
            index = self.free_slot()
        elif index >= len(self.nodes):
            raise EINVAL
        file.acquire()
        self.put(index, file)
        return index


class Span(NamedTuple):
    """A registered buffer: memory of whoever registered it, whoever submits."""

    addr: int
    size: int  #: bytes
    mm: AddressSpace


class FixedBuffers(Slots[Span]):
    """Registered buffers.  They stay the program's memory: an unmapped one answers ``EFAULT``."""

    __slots__ = ()

    def __init__(self, size: int, tell: Callable[[int], object]) -> None:
        super().__init__(size, lambda _: None, tell)

    def get(self, index: int) -> Node[Span]:
        """Return what is in a slot; ``EFAULT`` for nothing."""
        node = self.nodes[index] if index < len(self.nodes) else None
        if node is None:
            raise EFAULT
        return node

    @staticmethod
    def check(node: Node[Span], addr: int, size: int) -> None:
        """Raise ``EFAULT`` unless ``size`` bytes at ``addr`` lie in the buffer."""
        start, length, _ = node.item
        if addr < start or addr + size > start + length:
            raise EFAULT
