"""Socket addresses in user memory (move_addr_to_kernel(), move_addr_to_user())."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EINVAL
from ...abi.socket import ADDRESS_MAX

if TYPE_CHECKING:
    from ..thread import Thread


def read_address(t: Thread, addr: int, size: int) -> bytes:
    """Return the address that a caller gave; raise ``EINVAL``, ``EFAULT``."""
    if not 0 <= size <= ADDRESS_MAX:
        raise EINVAL
    return t.mm.read(addr, size)


def write_address(t: Thread, address: bytes, addr: int, size_at: int) -> None:
    """Store what fits of an address, and its whole length; raise ``EINVAL``, ``EFAULT``."""
    room = t.mm.read_i32(size_at)
    if room < 0:
        raise EINVAL
    t.mm.write(addr, address[:room])
    t.mm.write_u32(size_at, len(address))
