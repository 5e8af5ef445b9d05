"""Operation by opcode."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

from ....abi import uring
from . import cancel, futexes, messages, others, paths, polls, sockets, timeouts, transfer
from .operation import Operation

_FAMILIES: Final = (
    transfer,
    messages,
    sockets,
    paths,
    polls,
    timeouts,
    cancel,
    futexes,
    messages,
    others,
)

OPERATIONS: Final[Mapping[int, Operation]] = MappingProxyType(
    {
        getattr(uring, f"IORING_OP_{operation.name}"): operation
        for operation in chain.from_iterable(family.OPERATIONS for family in _FAMILIES)
    }
)
LAST: Final = max(OPERATIONS)  #: the highest opcode that is there
