"""Messages of sockets as filters see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .context import SKB_SIZE

if TYPE_CHECKING:
    from .program import Program
    from .system import Bpf


class PacketFilter(Protocol):
    """What a socket has to say how many bytes of a message it takes; 0: none."""

    def __call__(self, data: bytes) -> int:
        """Return how many bytes may come in."""
        ...


def packet_context(data: bytes, protocol: int = 0) -> bytearray:
    """Return a struct __sk_buff for a message."""
    context = bytearray(SKB_SIZE)
    context[:4] = len(data).to_bytes(4, "little")
    context[16:20] = protocol.to_bytes(4, "little")
    return context


class SocketFilter:
    """A program at a socket (SO_ATTACH_BPF)."""

    __slots__ = ("_bpf", "program")

    def __init__(self, bpf: Bpf, program: Program) -> None:
        self._bpf = bpf
        self.program = program
        program.acquire()

    def __call__(self, data: bytes) -> int:
        """See `PacketFilter`."""
        return self._bpf.run(self.program, packet_context(data), data)

    def released(self) -> None:
        """Note that the socket does not use it any more."""
        self.program.release()
