"""Messages of sockets as filters see them."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi import bpf as b
from ...abi.errno import EINVAL
from ..task.bpf import Instruction as Classic
from .classic import converted
from .context import SKB_SIZE
from .files import ProgramFile
from .helpers.table import HELPERS
from .program import Origin, Program
from .system import system_of
from .verifier.log import Log
from .verifier.refusal import Refused
from .verifier.subject import Subject
from .verifier.walk import verify

if TYPE_CHECKING:
    from ..thread import Thread
    from .system import Bpf

_PROGRAM: Final = Struct("<H6xQ")  #: struct sock_fprog
_INSTRUCTION: Final = Struct("<HBBI")  #: struct sock_filter


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
        """See `Filter` of `net.unix.socket`."""
        return self._bpf.run(self.program, packet_context(data), data)

    def released(self) -> None:
        """Note that the socket does not use it any more."""
        self.program.release()


def filter_of(thread: Thread, fd: int) -> SocketFilter:
    """Return the filter that SO_ATTACH_BPF means; ``EBADF``, ``EINVAL``."""
    file = thread.fds[fd]
    if not isinstance(file, ProgramFile) or file.program.type != b.BPF_PROG_TYPE_SOCKET_FILTER:
        raise EINVAL
    return SocketFilter(system_of(thread.kernel), file.program)


def classic_filter(thread: Thread, addr: int) -> SocketFilter:
    """Return the filter that SO_ATTACH_FILTER means; ``EFAULT``, ``EINVAL``."""
    count, at = _PROGRAM.unpack(thread.mm.read(addr, _PROGRAM.size))
    data = thread.mm.read(at, count * _INSTRUCTION.size)
    code = converted([Classic(*fields) for fields in _INSTRUCTION.iter_unpack(data)])
    subject = Subject(b.BPF_PROG_TYPE_SOCKET_FILTER, code, {}, HELPERS)
    try:
        verify(subject, Log(0))
    except Refused:
        raise EINVAL from None
    bpf = system_of(thread.kernel)
    return SocketFilter(bpf, Program(subject, bpf.memory, Origin(), thread.kernel.heap))
