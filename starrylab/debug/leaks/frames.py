"""An audit of physical memory: every frame in use, and everybody who holds it.

The holders of frames are few kinds of objects, so what they hold can be added up and compared
with the allocator's reference counts, exactly, whether or not allocations are recorded:

* a frame that nobody holds is lost: nothing can ever free it;
* one with more references than holders outlives them;
* one with fewer would be given to somebody else while it is in use, which is a worse bug.

A new kind of holder is one line in `_HOLDERS`.  Valid whenever no system call is running.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ...kernel.files.pipe_buffer import PipeBuffer
from ...kernel.ipc.objects import Charge
from ...kernel.mm.frames import MemoryKind
from ...kernel.mm.heap import KernelHeap
from ...kernel.mm.pages import PageMap
from ...kernel.mm.shared import SharedPages
from ...kernel.net.unix.socket import UnixSocket
from ...kernel.vfs.page_store import PageStore
from .kinds import attributes

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel

_SHIFT: Final = 12
_UNCHARGED: Final = 1 << 62  #: what a buffer without a heap has as its charge


@dataclass(frozen=True, slots=True)
class Held:
    """One reference to a frame."""

    holder: object
    how: str  #: "page 0x10000", "page table", "page 3 of the file"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A frame whose references do not add up."""

    frame: int  #: byte offset in RAM
    kind: str  #: of `MemoryKind`
    references: int  #: that the allocator counts
    held: tuple[Held, ...]  #: that were found

    @property
    def lost(self) -> bool:
        """Whether nobody holds it."""
        return not self.held

    @property
    def excess(self) -> int:
        """References that nobody will ever give back; negative: holders that are not counted."""
        return self.references - len(self.held)


class FrameMap:
    """Who holds which frame of a kernel, at one moment."""

    def __init__(self, kernel: Kernel) -> None:
        self._frames = kernel.frames
        self._held: dict[int, list[Held]] = {}
        self._add(kernel.frames.zero, Held(kernel.frames, "the page of zeros"))
        self._add(kernel.vdso.code_frame, Held(kernel.vdso, "the vDSO"))
        self._add(kernel.vdso.data_frame, Held(kernel.vdso, "the data of the vDSO"))
        #: Pages of files that can be had again from where they came from.
        self.clean: set[int] = set()
        for thing in gc.get_objects():
            holders = _holders_for(type(thing))
            if holders is not None and holders[0](thing) is kernel.frames:
                for frame, how in holders[1](thing):
                    self._add(frame, Held(thing, how))
                if isinstance(thing, PageStore) and thing.backing is not None:
                    self.clean |= {f for index, f in thing.content if index not in thing.dirty}

    def _add(self, frame: int, held: Held) -> None:
        self._held.setdefault(frame >> _SHIFT, []).append(held)

    def holders(self, frame: int) -> tuple[Held, ...]:
        """Return who holds the frame at a byte offset."""
        return tuple(self._held.get(frame >> _SHIFT, ()))

    def in_use(self) -> Iterator[tuple[int, str]]:
        """Yield byte offset and kind of every frame that is not free."""
        for number, kind in enumerate(self._frames.kinds):
            if kind:
                yield number << _SHIFT, MemoryKind(kind).name

    def wrong(self) -> list[Wrong]:
        """Return the frames whose references do not add up, lowest first."""
        found: list[Wrong] = []
        kinds, refs = self._frames.kinds, self._frames.refs
        for number, kind in enumerate(kinds):
            held = self._held.get(number, [])
            references = refs[number] if kind else 0
            if references != len(held):
                name = MemoryKind(kind).name
                found.append(Wrong(number << _SHIFT, name, references, tuple(held)))
        return found


def heap_unaccounted(kernel: Kernel) -> int:
    """Return bytes charged to the kernel's heap for which no buffer is there; 0 if it adds up."""
    charged = 0
    for thing in gc.get_objects():
        if isinstance(thing, (Charge, PipeBuffer, UnixSocket)):
            own = dict(attributes(thing))
            charge = own.get("charged", own.get("_charged", 0))
            if own.get("_heap") is kernel.heap and charge < _UNCHARGED:
                charged += charge
    return kernel.heap.used - charged


def usage(kernel: Kernel) -> Counter[str]:
    """Return bytes in use by kind of frame."""
    return Counter(
        {kind.name: size for kind, size in kernel.frames.usage().items() if kind and size}
    )


# -- the kinds of holders ----------------------------------------------------------------


def _space_frames(space: Any) -> Iterator[tuple[int, str]]:
    for vpn, entry in space.table.items():
        yield entry, f"page {vpn << _SHIFT:#x}"
    for region, frame in space.regions.items():
        what = "root of the page table" if region < 0 else f"page table for {region << 21:#x}"
        yield frame, what


def _shared_frames(pages: Any) -> Iterator[tuple[int, str]]:
    return ((frame, f"page {index}") for index, frame in pages.pages.items())


def _store_frames(store: Any) -> Iterator[tuple[int, str]]:
    return ((frame, f"page {index} of the file") for index, frame in store.content)


def _heap_frames(heap: Any) -> Iterator[tuple[int, str]]:
    return ((frame, "the kernel's heap") for frame in heap.frames())


def _heap_allocator(heap: Any) -> Any:
    return dict(attributes(heap)).get("_frames")


_Holder = tuple[Callable[[Any], Any], Callable[[Any], Iterator[tuple[int, str]]]]

#: class -> its allocator, and its frames
_HOLDERS: Final[Mapping[type[Any], _Holder]] = MappingProxyType(
    {
        PageMap: (lambda space: space.frames, _space_frames),
        SharedPages: (lambda pages: pages.frames, _shared_frames),
        PageStore: (lambda store: store.pool.frames, _store_frames),
        KernelHeap: (_heap_allocator, _heap_frames),
    }
)


def _holders_for(cls: type[Any]) -> _Holder | None:
    for base in cls.__mro__:
        found = _HOLDERS.get(base)
        if found is not None:
            return found
    return None
