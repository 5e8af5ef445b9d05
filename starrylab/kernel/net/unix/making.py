"""New sockets, by their type."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ....abi.errno import ESOCKTNOSUPPORT
from ....abi.socket import SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM
from ...files.travelling import Travelling
from .connected import UnixPackets, UnixStream
from .datagram import UnixDatagrams
from .message import Sender
from .socket import UnixSocket

if TYPE_CHECKING:
    from ...mm.heap import KernelHeap

_KINDS: Final[Mapping[int, tuple[int, type[UnixSocket]]]] = MappingProxyType(
    {
        SOCK_STREAM: (SOCK_STREAM, UnixStream),
        SOCK_DGRAM: (SOCK_DGRAM, UnixDatagrams),
        SOCK_RAW: (SOCK_DGRAM, UnixDatagrams),  # as unix_create() has it, for BSD
        SOCK_SEQPACKET: (SOCK_SEQPACKET, UnixPackets),
    }
)


def make(
    type_: int,
    owner: Sender,
    flags: int = 0,
    ino: int = 0,
    heap: KernelHeap | None = None,
    travelling: Travelling | None = None,
) -> UnixSocket:
    """Return a socket; ``heap`` is charged for what it sends.  ``ESOCKTNOSUPPORT``."""
    if type_ not in _KINDS:
        raise ESOCKTNOSUPPORT
    kind, maker = _KINDS[type_]
    return maker(kind, owner, flags, ino=ino, heap=heap, travelling=travelling)


def make_pair(
    type_: int,
    owner: Sender,
    flags: int = 0,
    inos: tuple[int, int] = (0, 0),
    heap: KernelHeap | None = None,
    travelling: Travelling | None = None,
) -> tuple[UnixSocket, UnixSocket]:
    """Return two connected sockets."""
    shared = Travelling() if travelling is None else travelling
    first = make(type_, owner, flags, inos[0], heap, shared)
    second = make(type_, owner, flags, inos[1], heap, shared)
    first.join(second)
    return first, second
