"""Memory policies and moving pages between nodes (numa(7)), on a machine whose only node is 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_NICE
from ...abi.errno import EFAULT, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, EPERM, ESRCH
from ...abi.mempolicy import (
    MAX_NODES,
    MPOL_BIND,
    MPOL_DEFAULT,
    MPOL_F_ADDR,
    MPOL_F_MEMS_ALLOWED,
    MPOL_F_NODE,
    MPOL_INTERLEAVE,
    MPOL_MF_MOVE,
    MPOL_MF_MOVE_ALL,
    MPOL_MF_STRICT,
    MPOL_PREFERRED_MANY,
    MPOL_WEIGHTED_INTERLEAVE,
)
from ...machine.api import PAGE_MASK, PAGE_SHIFT
from ..mm.placement import page_up
from ..mm.policies import NODES, Policies, Policy, new_policy, split_mode
from ..task.ptrace import may_trace
from ._declare import syscall
from ._shown import BindFlags, MemPolicy, PolicyQuery
from ._targets import thread_of
from ._types import Int, Ptr, ULong

if TYPE_CHECKING:
    from ..mm.space import AddressSpace
    from ..thread import Thread

_NODE: Final = 0  #: the number of the only node
_MOST: Final = 8 * 4096  #: bits of a set
_TURNS: Final = (MPOL_INTERLEAVE, MPOL_WEIGHTED_INTERLEAVE)


@syscall()
def get_mempolicy(
    t: Thread, policy: Ptr, nodes: Ptr, bits: ULong, addr: Ptr, flags: PolicyQuery
) -> None:
    """get_mempolicy(2)."""
    if nodes and not bits:
        raise EINVAL
    if flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED):
        raise EINVAL
    if flags & MPOL_F_MEMS_ALLOWED:
        if flags & (MPOL_F_NODE | MPOL_F_ADDR):
            raise EINVAL
        answer, members = MPOL_DEFAULT, NODES
    else:
        answer, members = _asked(t, addr, flags)
    if policy:
        t.mm.write_u32(policy, answer)
    if nodes:
        if bits > _MOST:
            raise EINVAL
        size = (bits - 1 + 63) // 64 * 8
        t.mm.write(nodes, members.to_bytes(8, "little").ljust(size, b"\0")[:size])


def _asked(t: Thread, addr: int, flags: int) -> tuple[int, int]:
    """Return the mode (or the node), and the set of nodes, of an address or of the thread."""
    if flags & MPOL_F_ADDR:
        if t.mm.find(addr) is None:
            raise EFAULT
        held = t.mm.policies.find(addr) if t.mm.policies is not None else None
    elif addr:
        raise EINVAL
    else:
        held = t.kernel.mempolicies.get(t)
    members = 0 if held is None else held.shown_nodes()
    if not flags & MPOL_F_NODE:
        return (MPOL_DEFAULT, 0) if held is None else (held.mode | held.flags, members)
    if flags & MPOL_F_ADDR:
        t.mm.read(addr, 1)  # the page is made present: only then it is somewhere
    elif held is None or held.mode not in _TURNS:
        raise EINVAL  # only a policy that takes turns has a next node
    return _NODE, members


@syscall()
def set_mempolicy(t: Thread, mode: MemPolicy, nodes: Ptr, bits: ULong) -> None:
    """set_mempolicy(2)."""
    kind, flags = split_mode(mode)
    policy = new_policy(kind, flags, _read_set(t.mm, nodes, bits))
    if policy is None:
        t.kernel.mempolicies.pop(t, None)
    else:
        t.kernel.mempolicies[t] = policy


@syscall()
def mbind(
    t: Thread, start: Ptr, length: ULong, mode: MemPolicy, nodes: Ptr, bits: ULong, flags: BindFlags
) -> None:
    """mbind(2): no page is ever on a node where it must not be."""
    kind, mode_flags = split_mode(mode)
    asked = _read_set(t.mm, nodes, bits)
    if flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL):
        raise EINVAL
    if flags & MPOL_MF_MOVE_ALL and not t.cred.capable(CAP_SYS_NICE):
        raise EPERM
    end = _range_end(start, length)
    if end == start:
        return
    policy = new_policy(kind, mode_flags, asked)
    if not t.mm.covers(start, end):
        raise EFAULT
    _put(t.mm, start, end, policy)


@syscall()
def set_mempolicy_home_node(
    t: Thread, start: Ptr, length: ULong, home: ULong, flags: ULong
) -> None:
    """set_mempolicy_home_node(2)."""
    if start & PAGE_MASK or flags or home != _NODE:
        raise EINVAL
    end = _range_end(start, length)
    if end == start:
        return
    found = False
    parts = [] if t.mm.policies is None else list(t.mm.policies.ranges)
    for low, high, policy in parts:
        if low < end and high > start:
            if policy.mode not in (MPOL_BIND, MPOL_PREFERRED_MANY):
                raise EOPNOTSUPP
            _put(t.mm, max(low, start), min(high, end), policy._replace(home=home))
            found = True
    if not found:
        raise ENOENT


def _range_end(start: int, length: int) -> int:
    """Return where a range of pages ends; raise ``EINVAL``."""
    end = start + page_up(length)
    if start & PAGE_MASK or end >> 64:
        raise EINVAL
    return end


def _put(mm: AddressSpace, low: int, high: int, policy: Policy | None) -> None:
    if mm.policies is None:
        if policy is None:
            return
        mm.policies = Policies()
    mm.policies.put(low, high, policy)


def _read_set(mm: AddressSpace, addr: int, bits: int) -> int:
    """Read a set of nodes; raise ``EINVAL`` for one that cannot be, ``EFAULT`` (get_nodes)."""
    bits = bits - 1 & (1 << 64) - 1
    if not bits or not addr:
        return 0
    if bits > _MOST:
        raise EINVAL
    found = int.from_bytes(mm.read(addr, (bits + 63) // 64 * 8), "little") & (1 << bits) - 1
    if found >> MAX_NODES:
        raise EINVAL
    return found


# -- moving ------------------------------------------------------------------------------------


@syscall()
def migrate_pages(t: Thread, pid: Int, bits: ULong, old: Ptr, new: Ptr) -> int:
    """migrate_pages(2): there is no other node to move to."""
    _read_set(t.mm, old, bits)
    wanted = _read_set(t.mm, new, bits)
    _target(t, pid)
    if wanted & ~NODES and not t.cred.capable(CAP_SYS_NICE):
        raise EPERM
    if not wanted & NODES:
        raise EINVAL
    return 0


@syscall()
def move_pages(
    t: Thread, pid: Int, count: ULong, pages: Ptr, nodes: Ptr, status: Ptr, flags: BindFlags
) -> None:
    """move_pages(2): tells of each page which node it is on, or why it is on none."""
    if flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL):
        raise EINVAL
    if flags & MPOL_MF_MOVE_ALL and not t.cred.capable(CAP_SYS_NICE):
        raise EPERM
    mm = _target(t, pid).mm
    for index in range(count):
        addr = t.mm.read_u64(pages + 8 * index)
        if nodes:
            _check_node(t.mm.read_i32(nodes + 4 * index))
        t.mm.write_u32(status + 4 * index, _node_of(mm, addr))


def _check_node(node: int) -> None:
    if node != _NODE:
        raise ENODEV


def _node_of(mm: AddressSpace, addr: int) -> int:
    """Return the node of a page, or a negative error."""
    if mm.find(addr) is None:
        return -EFAULT.errno
    entry = mm.table.get(addr >> PAGE_SHIFT)
    if entry is None:
        return -ENOENT.errno
    if entry >> PAGE_SHIFT == mm.frames.zero >> PAGE_SHIFT:
        return -EFAULT.errno
    return _NODE


def _target(t: Thread, pid: int) -> Thread:
    """Return the thread that is meant; raise ``ESRCH``, ``EPERM``."""
    target = thread_of(t, pid)
    if target is None:
        raise ESRCH
    if target is not t and not may_trace(t, target):
        raise EPERM
    return target
