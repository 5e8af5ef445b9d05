"""A process's memory as others reach it: debuggers write where the process itself may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EFAULT
from ...machine.api import PAGE_MASK, PAGE_SIZE, READ, WRITE
from .areas import VM_SECRET, VM_SHARED

if TYPE_CHECKING:
    from .areas import Area
    from .space import AddressSpace


def peek(space: AddressSpace, addr: int, size: int) -> bytes:
    """Read the memory of another process; ``EFAULT`` where nothing is, or secret memory."""
    _refuse_secrets(space, addr, size)
    return space.read(addr, size)


def _refuse_secrets(space: AddressSpace, addr: int, size: int) -> None:
    """Raise ``EFAULT`` for what memfd_secret(2) keeps from everybody else."""
    first, last = space.overlapping(addr, addr + size)
    if any(area.flags & VM_SECRET for area in space.areas[first:last]):
        raise EFAULT


def poke(space: AddressSpace, addr: int, data: bytes) -> None:
    """Write ``data``; private read-only pages are copied first (ptrace(2), PTRACE_POKETEXT).

    Raises ``EFAULT`` where nothing is mapped, at secret memory, and at shared pages that are
    read-only, after writing what lies before.
    """
    _refuse_secrets(space, addr, len(data))
    done = 0
    while done < len(data):
        at = addr + done
        size = min(len(data) - done, PAGE_SIZE - (at & PAGE_MASK))
        _poke_page(space, at, data[done : done + size])
        done += size


def _poke_page(space: AddressSpace, addr: int, data: bytes) -> None:
    area = space.find(addr)
    if area is None:
        raise EFAULT
    if area.prot & WRITE:
        space.write(addr, data)
    else:
        _force(space, area, addr, data)
    entry = space.table.get(addr >> 12, 0)
    space.frames.code_changed(entry & ~PAGE_MASK)


def _force(space: AddressSpace, area: Area, addr: int, data: bytes) -> None:
    """Write to a page without permission, by lending it for the moment."""
    if area.flags & VM_SHARED:
        raise EFAULT
    page, prot = addr & ~PAGE_MASK, area.prot
    sealed, space.sealed = space.sealed, False  # a debugger may also where mseal(2) forbids it
    space.protect(page, PAGE_SIZE, READ | WRITE)
    try:
        space.write(addr, data)
    finally:
        space.protect(page, PAGE_SIZE, prot)
        space.sealed = sealed
