"""What each type of program gets as its context, and what it may do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ...abi import bpf as b

SKB_SIZE: Final = 192  #: bytes of struct __sk_buff
_SKB_CB: Final = range(48, 68)
#: offsets of the fields that a socket filter may read, each of 4 bytes
_SKB_FIELDS: Final = frozenset({*range(0, 72, 4), 84, 164, 176})
RAW_ARGUMENTS: Final = 12  #: of a raw tracepoint at most
TRACE_SIZE: Final = 8192  #: bytes of a trace event at most
PERF_REGISTERS: Final = 256  #: bytes of struct user_regs_struct
PERF_SIZE: Final = PERF_REGISTERS + 16  #: and sample_period, addr

Allows = Callable[[int, int, bool], bool]  #: offset, size, whether it is a write


class Context(NamedTuple):
    """The rules of a type of program."""

    size: int  #: bytes
    allows: Allows
    reads_packets: bool = False  #: BPF_LD_ABS and BPF_LD_IND


def _skb(offset: int, size: int, write: bool) -> bool:
    if offset < 0 or offset % size:
        return False
    if offset in _SKB_CB:
        return offset + size <= _SKB_CB.stop
    if write:
        return False
    return size <= 4 and offset & ~3 in _SKB_FIELDS


def _trace(offset: int, size: int, write: bool) -> bool:
    return not write and 8 <= offset <= TRACE_SIZE - size and not offset % size


def _raw(offset: int, size: int, write: bool) -> bool:
    return not write and 0 <= offset <= 8 * RAW_ARGUMENTS - size and not offset % size


def _perf(offset: int, size: int, write: bool) -> bool:
    if write or not 0 <= offset <= PERF_SIZE - size or offset % size:
        return False
    return offset >= PERF_REGISTERS or size == 8


CONTEXTS: Final[Mapping[int, Context]] = MappingProxyType(
    {
        b.BPF_PROG_TYPE_SOCKET_FILTER: Context(SKB_SIZE, _skb, reads_packets=True),
        b.BPF_PROG_TYPE_TRACEPOINT: Context(TRACE_SIZE, _trace),
        b.BPF_PROG_TYPE_RAW_TRACEPOINT: Context(8 * RAW_ARGUMENTS, _raw),
        b.BPF_PROG_TYPE_PERF_EVENT: Context(PERF_SIZE, _perf),
    }
)
