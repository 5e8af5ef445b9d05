"""Standard input and output that are no terminal: pipes from and to the host (stdio(3)).

The guest has the ends of pipes like any other, so that it can ask about them, open them
again by /dev/stdin, and wait for them.  What the host sends enters through the door; what
the host is too slow to take waits in the pipe, and the guest's writers with it.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..abi.fcntl import PIPE_BUF
from ..kernel.core.sched import Waker
from ..kernel.files.pipe import PipeReader, PipeWriter
from ..kernel.files.pipe_buffer import PipeBuffer

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from ..machine.door import HostDoor

#: Takes bytes; returns how many, or ``None`` for all of them.  Raises ``OSError``.
Emit = Callable[[bytes], int | None]

_AT_ONCE: Final = 65536  #: bytes


class _Call(Waker):
    """Calls a function where other wakers wake a task."""

    __slots__ = ("_action",)

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action

    def wake(self) -> None:
        """See ``Waker.wake``."""
        self._action()


class InputPump:
    """Fills a pipe with what arrives at the door."""

    def __init__(self, kernel: Kernel, door: HostDoor, source: str, fd: int) -> None:
        self._door = door
        self._source = source
        self._buffer = PipeBuffer(ino=next(kernel.anon_inodes), heap=kernel.heap)
        self._buffer.writers += 1  # the host
        self._buffer.writer_opens += 1
        self._room = _Call(self._go_on)
        self.file = PipeReader(self._buffer)  #: for the guest
        door.subscribe(source, self._arrived)
        door.attach(source, fd)

    def _arrived(self, data: bytes) -> None:
        buffer = self._buffer
        if not data:
            buffer.writer_closed()
        elif not buffer.readers:
            self._door.detach(self._source)
            buffer.writer_closed()
        else:
            buffer.put(data)
            if buffer.room < PIPE_BUF:
                self._door.pause(self._source, True)
                buffer.writable.register(self._room)

    def _go_on(self) -> None:
        self._door.pause(self._source, False)


class OutputPump:
    """Takes what the guest writes into a pipe to the host."""

    def __init__(
        self,
        kernel: Kernel,
        door: HostDoor,
        source: str,
        fd: int,
        emit: Emit,
        failed: Callable[[OSError], object],
    ) -> None:
        self._door = door
        self._source = source
        self._fd = fd
        self._emit = emit
        self._failed = failed
        self._buffer = PipeBuffer(ino=next(kernel.anon_inodes), heap=kernel.heap)
        self._buffer.readers += 1  # the host
        self._written = _Call(self._send)
        self._waiting = False  #: for the host
        self._broken = False
        self._buffer.readable.register(self._written)
        self.file = PipeWriter(self._buffer)  #: for the guest
        door.subscribe(source, self._room)

    def _room(self, _: bytes) -> None:
        self._waiting = False
        self._send()

    def _send(self) -> None:
        if self._waiting or self._broken:
            return
        buffer = self._buffer
        while buffer.chunks:
            piece = buffer.peek(_AT_ONCE)
            taken = self._offer(bytes(piece))
            if self._broken:
                return
            if taken:
                buffer.drop(taken)
            if taken < len(piece):
                self._waiting = True
                self._door.await_room(self._source, self._fd)
                break
        buffer.readable.register(self._written)

    def _offer(self, data: bytes) -> int:
        try:
            taken = self._emit(data)
        except OSError as error:
            # As when the reader of a pipe goes away: later writes fail with EPIPE.
            self._broken = True
            self._buffer.chunks.clear()
            self._buffer.used = self._buffer.head = 0
            self._buffer.reader_closed()
            if not isinstance(error, BrokenPipeError):
                self._failed(error)
            return 0
        return len(data) if taken is None else taken

    def finish(self) -> None:
        """Write what the host has not taken yet, waiting as long as that takes."""
        buffer = self._buffer
        while buffer.chunks and not self._broken:
            select.select((), (self._fd,), ())
            taken = self._offer(bytes(buffer.peek(_AT_ONCE)))
            if taken:
                buffer.drop(taken)
