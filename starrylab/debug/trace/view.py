"""What a decoder looks at: one call of one thread, its registers, its memory, its files."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from ..peek import Peek
from .quoting import quoted, shortened

if TYPE_CHECKING:
    from ...kernel.syscalls import Entry
    from ...kernel.thread import Thread

SHOWN: Final = 32  #: bytes of a string, as strace -s


@dataclass(frozen=True, slots=True)
class Style:
    """How much is shown."""

    strings: int = SHOWN  #: bytes of a string
    paths: bool = False  #: descriptors with what they are: ``3</etc/passwd>``


PLAIN: Final = Style()


class View:
    """One call; ``result`` is None until it has ended.  Nothing here faults a page in."""

    __slots__ = ("_peek", "entry", "registers", "result", "style", "thread")

    def __init__(
        self, thread: Thread, entry: Entry | None, registers: tuple[int, ...], style: Style = PLAIN
    ) -> None:
        self.thread = thread
        self.entry = entry
        self.registers = registers
        self.result: int | None = None
        self.style = style
        self._peek = Peek(thread.mm)

    def read(self, addr: int, size: int) -> bytes:
        """Return what there is of ``size`` bytes of user memory."""
        return self._peek.read(addr, size) if size > 0 else b""

    def unpack(self, layout: Struct, addr: int) -> tuple[Any, ...] | None:
        """Return the fields of a structure; ``None`` where it cannot be read."""
        data = self.read(addr, layout.size)
        return layout.unpack(data) if len(data) == layout.size else None

    def data(self, addr: int, size: int) -> str:
        """Return ``size`` bytes as a string, shortened; the address if they cannot be read."""
        limit = self.style.strings
        found = self.read(addr, min(size, limit))
        if not found and size:
            return pointer(addr)
        return shortened(found, limit, more=size > len(found))

    def string(self, addr: int, limit: int | None = None) -> str:
        """Return a C string; ``limit`` bytes of it, all of a path by default."""
        most = 4096 if limit is None else limit
        found = self.read(addr, most + 1)
        if not addr or not found:
            return pointer(addr)
        text, nul, _ = found.partition(b"\0")
        return quoted(text[:most]) + ("" if nul else "...")

    def fd(self, number: int) -> str:
        """Return a descriptor, with what it is open on if that is wanted."""
        if self.style.paths:
            file = self.thread.fds.get(number)
            if file is not None:
                return f"{number}<{bytes(file.path()).decode(errors='backslashreplace')}>"
        return str(number)

    @property
    def failed(self) -> bool:
        """Whether the call has ended with an error."""
        return self.result is not None and -4096 < self.result < 0


def pointer(addr: int) -> str:
    """Return an address."""
    return hex(addr) if addr else "NULL"


def signed(value: int, bits: int = 32) -> int:
    """Return the low ``bits`` of a register as a signed number."""
    value &= (1 << bits) - 1
    return value - (value >> bits - 1 << bits)
