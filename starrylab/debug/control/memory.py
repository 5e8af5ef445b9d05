"""Writing a process's memory as a debugger does: also where the process itself may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EFAULT, LinuxError
from ...kernel.mm.areas import VM_SHARED
from ...kernel.mm.poke import poke
from ...machine.api import WRITE
from .api import ControlError

if TYPE_CHECKING:
    from ...kernel.mm.space import AddressSpace


def write_memory(space: AddressSpace, addr: int, data: bytes) -> None:
    """Write ``data``; private read-only pages are copied, as ptrace(2)'s POKETEXT does.

    Raises `ControlError`, and then nothing beyond the bad page is written.
    """
    try:
        poke(space, addr, data)
    except (EFAULT, LinuxError) as error:
        area = space.find(addr)
        if area is None:
            raise ControlError(f"cannot access memory at address {addr:#x}") from None
        if area.flags & VM_SHARED and not area.prot & WRITE:
            text = f"cannot write memory at address {addr:#x}: it is shared and read-only"
            raise ControlError(text) from None
        raise ControlError(f"cannot write memory at address {addr:#x}: {error}") from None
