"""Writing a process's memory as a debugger does: also where the process itself may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EFAULT, LinuxError
from ...kernel.mm.areas import VM_SHARED
from ...machine.api import PAGE_MASK, PAGE_SIZE, READ, WRITE
from .api import ControlError

if TYPE_CHECKING:
    from ...kernel.mm.areas import Area
    from ...kernel.mm.space import AddressSpace


def write_memory(space: AddressSpace, addr: int, data: bytes) -> None:
    """Write ``data``; private read-only pages are copied, as ptrace(2)'s POKETEXT does.

    Raises `ControlError`, and then nothing beyond the bad page is written.
    """
    done = 0
    while done < len(data):
        at = addr + done
        size = min(len(data) - done, PAGE_SIZE - (at & PAGE_MASK))
        _write_page(space, at, data[done : done + size])
        done += size


def _write_page(space: AddressSpace, addr: int, data: bytes) -> None:
    area = space.find(addr)
    if area is None:
        raise ControlError(f"cannot access memory at address {addr:#x}")
    try:
        if area.prot & WRITE:
            space.write(addr, data)
        else:
            _force(space, area, addr, data)
    except (EFAULT, LinuxError) as error:
        raise ControlError(f"cannot write memory at address {addr:#x}: {error}") from None
    entry = space.table.get(addr >> 12, 0)
    space.frames.code_changed(entry & ~PAGE_MASK)


def _force(space: AddressSpace, area: Area, addr: int, data: bytes) -> None:
    """Write to a page without permission, by lending it for the moment."""
    page = addr & ~PAGE_MASK
    if area.flags & VM_SHARED:
        raise ControlError(f"cannot write memory at address {addr:#x}: it is shared and read-only")
    prot = area.prot
    space.protect(page, PAGE_SIZE, READ | WRITE)
    try:
        space.write(addr, data)
    finally:
        space.protect(page, PAGE_SIZE, prot)
