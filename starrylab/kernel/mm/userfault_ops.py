"""What a program does with memory that it watches (ioctl_userfaultfd(2)).

Each function takes the userfaultfd, and addresses that are checked here.  Those that fill
pages return how many bytes they did; they raise only if the first page cannot be done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi.errno import (
    EBUSY,
    EEXIST,
    EFAULT,
    EINVAL,
    ENOENT,
    ENOMEM,
    EPERM,
    ESRCH,
    LinuxError,
)
from ...abi.userfaultfd import (
    UFFD_FEATURE_WP_ASYNC,
    UFFD_FEATURE_WP_UNPOPULATED,
    UFFDIO_REGISTER_MODE_MINOR,
    UFFDIO_REGISTER_MODE_MISSING,
    UFFDIO_REGISTER_MODE_WP,
)
from ...machine.api import EXEC, PAGE_MASK, PAGE_SIZE, WRITE
from .areas import (
    ANON,
    UFFD_WP,
    VM_LOCKED,
    VM_NOWRITE,
    VM_SECRET,
    VM_SHARED,
    VM_UFFD,
    VM_UFFD_MINOR,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    Area,
)
from .backends import LINEAR
from .layout import MMAP_MIN_ADDR
from .shared import SharedPages
from .userfault import POISONED, PROTECTED, Userfaults, spaces_watch, unwatch, watcher

if TYPE_CHECKING:
    from .space import AddressSpace

_MODES: Final = {
    UFFDIO_REGISTER_MODE_MISSING: VM_UFFD_MISSING,
    UFFDIO_REGISTER_MODE_WP: VM_UFFD_WP,
    UFFDIO_REGISTER_MODE_MINOR: VM_UFFD_MINOR,
}

Fill = Callable[["AddressSpace", Area, int], None]  #: makes the page of an area, by its number


def space_of(context: Userfaults, gone: type[LinuxError] = ESRCH) -> AddressSpace:
    """Return the memory that ``context`` watches; raise ``gone`` if its program has ended."""
    space = context.space
    if space is None:
        raise gone
    return space


def check_range(space: AddressSpace, start: int, length: int) -> None:
    """Raise ``EINVAL`` for what cannot be a range of pages."""
    top = space.user_top
    if start & PAGE_MASK or length & PAGE_MASK or not length:
        raise EINVAL
    if not MMAP_MIN_ADDR <= start < top or length > top - start:
        raise EINVAL


# -- which memory ------------------------------------------------------------------------------


def register(context: Userfaults, start: int, length: int, modes: int) -> None:
    """Watch the areas between two addresses; holes do not matter (UFFDIO_REGISTER).

    Raises ``EINVAL`` (nothing there, or memory of another kind), ``EPERM`` (a file that may not
    be written), ``EBUSY`` (another userfaultfd watches it).
    """
    if not modes or modes & ~sum(_MODES):
        raise EINVAL
    space = space_of(context, ENOMEM)
    check_range(space, start, length)
    flags = sum(flag for mode, flag in _MODES.items() if modes & mode)
    end = start + length
    first, last = space.overlapping(start, end)
    if first >= last:
        raise EINVAL
    for area in space.areas[first:last]:
        if not _watchable(context, area, flags):
            raise EINVAL
        if area.flags & VM_NOWRITE:
            raise EPERM
        if watcher(area) not in (None, context):
            raise EBUSY

    def watch(area: Area) -> Area:
        inner = getattr(area.backend, "inner", area.backend)
        return area.backed(context.watched(inner, flags), area.flags & ~VM_UFFD | flags)

    space.rewrite(start, end, watch)


def _watchable(context: Userfaults, area: Area, flags: int) -> bool:
    """Tell whether such memory can be watched for this (vma_can_userfault)."""
    in_memory = _in_memory(area)
    if flags & VM_UFFD_MINOR and not in_memory:
        return False
    if context.features & UFFD_FEATURE_WP_ASYNC and flags == VM_UFFD_WP:
        return area.backend is not LINEAR
    return in_memory or (area.source is None and area.backend is not LINEAR)


def _in_memory(area: Area) -> bool:
    """Tell whether an area shows pages that exist in memory alone: shared memory, tmpfs."""
    source = area.source
    if source is None or area.flags & VM_SECRET:
        return False
    return isinstance(source, SharedPages) or getattr(source, "backing", source) is None


def unregister(context: Userfaults, start: int, length: int) -> None:
    """Watch no longer, and let who waits go on (UFFDIO_UNREGISTER)."""
    space = space_of(context, ENOMEM)
    check_range(space, start, length)
    end = start + length
    first, last = space.overlapping(start, end)
    areas = space.areas[first:last]
    if not areas or not all(_watchable(context, area, area.flags & VM_UFFD) for area in areas):
        raise EINVAL
    for area in areas:
        if area.flags & VM_UFFD:
            low, high = max(area.start, start), min(area.end, end)
            unwatch(space, low, high)
            context.wake(low, high)


# -- filling pages -----------------------------------------------------------------------------


def copy(
    context: Userfaults, caller: AddressSpace, dst: int, src: int, length: int, *, protect: bool
) -> int:
    """Fill missing pages with ``caller``'s memory at ``src`` (UFFDIO_COPY)."""
    space = space_of(context)
    check_range(space, dst, length)
    if not src or src + length >= 1 << 64:
        raise EINVAL

    def fill(space: AddressSpace, area: Area, vpn: int) -> None:
        data = caller.read(src + (vpn << 12) - dst, PAGE_SIZE)
        _must_miss(space, vpn)
        _must_not_be_cached(area, vpn)
        frame, bits = _new_frame(space, area, vpn)
        space.frames.view[frame : frame + PAGE_SIZE] = data
        _enter(space, area, vpn, frame | bits, protect=protect)

    return _fill(context, dst, length, fill, protect=protect)


def zero(context: Userfaults, start: int, length: int) -> int:
    """Fill missing pages with zeros (UFFDIO_ZEROPAGE)."""
    check_range(space_of(context), start, length)

    def fill(space: AddressSpace, area: Area, vpn: int) -> None:
        _must_be_empty(space, vpn)
        frames = space.frames
        if not area.flags & VM_SHARED and not area.pte & EXEC:
            frame = frames.zero
            frames.refs[frame >> 12] += 1
            _enter(space, area, vpn, frame, protect=True, mark=False)
            return
        _must_not_be_cached(area, vpn)
        frame, bits = _new_frame(space, area, vpn)
        space.frames.view[frame : frame + PAGE_SIZE] = bytes(PAGE_SIZE)
        _enter(space, area, vpn, frame | bits, protect=False)

    return _fill(context, start, length, fill)


def resume(context: Userfaults, start: int, length: int, *, protect: bool) -> int:
    """Map pages that the file has already (UFFDIO_CONTINUE)."""
    check_range(space_of(context), start, length)

    def fill(space: AddressSpace, area: Area, vpn: int) -> None:
        source = area.source
        if not _in_memory(area) or source is None:
            raise EINVAL
        _must_miss(space, vpn)
        if not source.cached(area.index(vpn)):
            raise EFAULT
        shared = bool(area.flags & VM_SHARED)
        frame = source.frame(area.index(vpn), shared)
        space.frames.refs[frame >> 12] += 1
        _enter(space, area, vpn, frame, protect=protect or not shared, mark=protect)

    return _fill(context, start, length, fill, protect=protect)


def poison(context: Userfaults, start: int, length: int) -> int:
    """Make accesses to missing pages hardware errors (UFFDIO_POISON)."""
    check_range(space_of(context), start, length)

    def fill(space: AddressSpace, _: Area, vpn: int) -> None:
        _must_be_empty(space, vpn)
        spaces_watch(space).marks[vpn] = POISONED

    return _fill(context, start, length, fill)


def _fill(
    context: Userfaults, start: int, length: int, fill: Fill, *, protect: bool = False
) -> int:
    space = space_of(context)
    area = space.find(start)
    if area is None or start + length > area.end or not area.flags & VM_UFFD:
        raise ENOENT
    if protect and not area.flags & VM_UFFD_WP:
        raise EINVAL
    done = 0
    try:
        while done < length:
            fill(space, area, start + done >> 12)
            done += PAGE_SIZE
    except LinuxError:
        if not done:
            raise
    return done


def _must_miss(space: AddressSpace, vpn: int) -> None:
    if vpn in space.table:
        raise EEXIST


def _must_not_be_cached(area: Area, vpn: int) -> None:
    source = area.source
    if area.flags & VM_SHARED and source is not None and source.cached(area.index(vpn)):
        raise EEXIST


def _must_be_empty(space: AddressSpace, vpn: int) -> None:
    if vpn in space.table or vpn in spaces_watch(space).marks:
        raise EEXIST


def _new_frame(space: AddressSpace, area: Area, vpn: int) -> tuple[int, int]:
    """Return a frame for a page, with the reference of its entry, and what the entry has."""
    if not area.flags & VM_SHARED or area.source is None:
        return space.frames.alloc(), ANON
    try:
        frame = area.source.frame(area.index(vpn), write=True)
    except ENOMEM:
        raise
    except LinuxError:  # the file ends before
        raise EFAULT from None
    space.frames.refs[frame >> 12] += 1
    return frame, 0


def _enter(
    space: AddressSpace, area: Area, vpn: int, entry: int, *, protect: bool, mark: bool = True
) -> None:
    """Put an entry into the table; ``protect`` keeps it from being written as yet."""
    if vpn >> 9 not in space.regions:
        space.add_region(vpn >> 9)
    spaces_watch(space).marks.pop(vpn, None)
    entry |= area.pte & ~WRITE if protect else area.pte
    if protect and mark:
        entry |= UFFD_WP
    if entry & EXEC:
        space.frames.code[entry >> 12] = 1
    space.table[vpn] = entry


# -- write protection --------------------------------------------------------------------------


def protect(context: Userfaults, start: int, length: int, *, on: bool) -> None:
    """Let writes be told, or go on (UFFDIO_WRITEPROTECT); ``ENOENT`` where nobody asked for it."""
    space = space_of(context)
    check_range(space, start, length)
    first, last = space.overlapping(start, start + length)
    areas = space.areas[first:last]
    if not areas:
        raise ENOENT
    for area in areas:
        if not area.flags & VM_UFFD_WP:
            raise ENOENT
        low, high = max(area.start, start) >> 12, min(area.end, start + length) >> 12
        if on:
            marks_too = context.features & UFFD_FEATURE_WP_UNPOPULATED or area.source is not None
            protect_pages(space, low, high, marks_too=bool(marks_too))
        else:
            _release(space, low, high)


def protect_pages(space: AddressSpace, low: int, high: int, *, marks_too: bool) -> None:
    """Protect pages ``low`` up to ``high``; ``marks_too``: also those that are not there yet."""
    table = space.table
    pages = space.present(low, high)
    space.write_protect(pages)
    for vpn in pages:
        table[vpn] |= UFFD_WP
    if marks_too:
        marks = spaces_watch(space).marks
        for vpn in range(low, high):
            if vpn not in table:
                marks.setdefault(vpn, PROTECTED)


def _release(space: AddressSpace, low: int, high: int) -> None:
    for vpn in space.present(low, high):
        space.table[vpn] &= ~UFFD_WP  # the next write is a fault that grants it
    marks = spaces_watch(space).marks
    for vpn in [v for v, mark in marks.items() if low <= v < high and mark == PROTECTED]:
        del marks[vpn]


# -- moving ------------------------------------------------------------------------------------


def move(context: Userfaults, dst: int, src: int, length: int, *, holes: bool) -> int:
    """Move private pages without copying them (UFFDIO_MOVE).

    Raises ``ENOENT`` for a page that is missing at ``src`` (but with ``holes``), ``EEXIST`` for one
    that is there at ``dst``, ``EBUSY`` for one that a fork shares.
    """
    space = space_of(context)
    check_range(space, dst, length)
    check_range(space, src, length)
    source, target = space.find(src), space.find(dst)
    if source is None or target is None:
        raise EINVAL
    if src + length > source.end or dst + length > target.end:
        raise EINVAL
    _check_move(context, source, target)
    done = 0
    try:
        while done < length:
            _move_page(space, src + done >> 12, dst + done >> 12, holes=holes)
            done += PAGE_SIZE
    except LinuxError:
        if not done:
            raise
    finally:
        if done:
            space.flush()
    return done


def _check_move(context: Userfaults, source: Area, target: Area) -> None:
    """Raise ``EINVAL`` for areas that pages cannot move between (validate_move_areas)."""
    if source.source is not None or target.source is not None:
        raise EINVAL
    if source.prot != target.prot or (source.flags ^ target.flags) & VM_LOCKED:
        raise EINVAL
    if not source.prot & WRITE or LINEAR in (source.backend, target.backend):
        raise EINVAL
    if watcher(target) is not context:
        raise EINVAL


def _move_page(space: AddressSpace, src: int, dst: int, *, holes: bool) -> None:
    table = space.table
    _must_miss(space, dst)
    entry = table.get(src)
    if entry is None:
        if not holes:
            raise ENOENT
        return
    if entry & ANON and space.frames.refs[entry >> 12] != 1:
        raise EBUSY
    if dst >> 9 not in space.regions:
        space.add_region(dst >> 9)
    spaces_watch(space).marks.pop(dst, None)
    table[dst] = table.pop(src) & ~UFFD_WP
    if entry & EXEC:
        space.frames.code[entry >> 12] = 1
