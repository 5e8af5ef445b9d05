"""Where memory is allocated (get_mempolicy(2)): there is one node, and one policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EFAULT, EINVAL
from ._declare import syscall
from ._types import Ptr, ULong

if TYPE_CHECKING:
    from ..thread import Thread

# <linux/mempolicy.h>
_F_NODE: Final = 1
_F_ADDR: Final = 2
_F_MEMS_ALLOWED: Final = 4
_DEFAULT: Final = 0  #: MPOL_DEFAULT
_NODE: Final = 0  #: the number of the only node
_MOST: Final = 8 * 4096  #: bits of a set


@syscall()
def get_mempolicy(t: Thread, policy: Ptr, nodes: Ptr, bits: ULong, addr: Ptr, flags: ULong) -> None:
    """get_mempolicy(2)."""
    if nodes and not bits:
        raise EINVAL
    if flags & ~(_F_NODE | _F_ADDR | _F_MEMS_ALLOWED):
        raise EINVAL
    answer, members = _DEFAULT, 0
    if flags & _F_MEMS_ALLOWED:
        if flags & (_F_NODE | _F_ADDR):
            raise EINVAL
        members = 1 << _NODE
    elif flags & _F_ADDR:
        if t.mm.find(addr) is None:
            raise EFAULT
        if flags & _F_NODE:
            t.mm.read(addr, 1)  # the page is made present: only then it is somewhere
            answer = _NODE
    elif addr or flags & _F_NODE:  # only a policy that takes turns has a next node
        raise EINVAL
    if policy:
        t.mm.write_u32(policy, answer)
    if nodes:
        if bits > _MOST:
            raise EINVAL
        size = (bits - 1 + 63) // 64 * 8
        t.mm.write(nodes, members.to_bytes(8, "little").ljust(size, b"\0")[:size])
