"""Protection keys (pkeys(7)), as Linux answers where the CPU has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EINVAL, ENOSPC
from . import memory
from ._declare import syscall
from ._shown import Prot
from ._types import Int, Ptr, Size, ULong

if TYPE_CHECKING:
    from ..thread import Thread

_RIGHTS = 3  #: PKEY_DISABLE_ACCESS, PKEY_DISABLE_WRITE


@syscall()
def pkey_alloc(t: Thread, flags: ULong, rights: ULong) -> int:
    """pkey_alloc(2): all keys of this CPU, which has none, are in use."""
    if flags or rights & ~_RIGHTS:
        raise EINVAL
    raise ENOSPC


@syscall()
def pkey_free(t: Thread, pkey: Int) -> None:
    """pkey_free(2): no key was ever given out."""
    raise EINVAL


@syscall()
def pkey_mprotect(t: Thread, addr: Ptr, length: Size, prot: Prot, pkey: Int) -> None:
    """pkey_mprotect(2): with key -1 it is mprotect(2)."""
    if pkey != -1:
        raise EINVAL
    memory.mprotect(t, addr, length, prot)
