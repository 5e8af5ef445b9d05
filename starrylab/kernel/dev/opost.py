"""Output processing of a terminal: OPOST, columns and echoes (termios(3), "c_oflag").

The column of the cursor is followed, because XTABS, ONOCR and the erasing of a tab depend
on it.  Text with nothing special in it, which is nearly all text, is handled in whole
pieces; only flags that few programs set make it go byte by byte.
"""

from __future__ import annotations

from typing import Final

from ...abi.termios import (
    IUTF8,
    OCRNL,
    OLCUC,
    ONLCR,
    ONLRET,
    ONOCR,
    OPOST,
    TABDLY,
    XTABS,
    Termios,
)

#: Marks in a list of echoes; below 256 it is a byte to be shown as ``^X``.
SET_CANON_COLUMN: Final = 0x100
MOVE_BACK: Final = 0x101
ERASE_TAB: Final = 0x200  #: plus the columns before the tab, see `Echo`
AFTER_TAB: Final = 0x80  #: in ERASE_TAB: the count starts at another tab, not at the input

#: What the echo buffer holds: text, or one of the marks above.
Echo = bytes | int

_CONTROL: Final = bytes(range(32)) + b"\x7f"
_CONTINUATION: Final = bytes(range(0x80, 0xC0))
_SLOW: Final = OCRNL | ONOCR | ONLRET | OLCUC


def _upper_table() -> bytes:
    """Latin-1 as Linux has it: 0xF7 is a sign, 0xDF counts as lower; 0xFF stays, as in echoes."""
    lower = {*range(0x61, 0x7B), *range(0xDF, 0xFF)} - {0xF7}
    return bytes(c - 32 if c in lower else c for c in range(256))


_UPPER: Final = _upper_table()


class OutputProcessor:
    """Turns what is written and echoed into what goes over the line."""

    __slots__ = ("_slow", "canon_column", "column", "termios")

    def __init__(self, termios: Termios) -> None:
        self.column = 0
        self.canon_column = 0  #: where the line being edited began
        self.configure(termios)

    def configure(self, termios: Termios) -> None:
        """Work by these settings from now on."""
        self.termios = termios
        self._slow = bool(termios.oflag & _SLOW) or termios.oflag & TABDLY == XTABS

    @property
    def expansion(self) -> int:
        """How many bytes one byte can become."""
        oflag = self.termios.oflag
        if not oflag & OPOST:
            return 1
        return 8 if oflag & TABDLY == XTABS else 2

    def process(self, data: bytes) -> bytes:
        """Return ``data`` as it goes over the line, and follow the column."""
        oflag = self.termios.oflag
        if not oflag & OPOST:
            return data
        if self._slow:
            return b"".join([self._byte(c) for c in data])
        self._follow(data)
        if oflag & ONLCR and b"\n" in data:
            return data.replace(b"\n", b"\r\n")
        return data

    def echo(self, echoes: list[Echo]) -> bytes:
        """Return the bytes that ``echoes`` put on the line."""
        out = bytearray()
        for item in echoes:
            if isinstance(item, bytes):
                out += self.process(item)
            elif item >= ERASE_TAB:
                out += self._erase_tab(item - ERASE_TAB)
            elif item == SET_CANON_COLUMN:
                self.canon_column = self.column
            elif item == MOVE_BACK:
                self.column = max(0, self.column - 1)
            else:
                out += bytes((0x5E, item ^ 0x40))
                self.column += 2
        return bytes(out)

    def _erase_tab(self, before: int) -> bytes:
        if not before & AFTER_TAB:
            before += self.canon_column
        back = 8 - (before & 7)
        self.column = max(0, self.column - back)
        return b"\b" * back

    def _follow(self, data: bytes) -> None:
        """Move the column past ``data``, in which only ONLCR can change anything."""
        newline = data.rfind(b"\n")
        tail = data
        if newline >= 0:
            if self.termios.oflag & ONLCR:
                tail = data[newline + 1 :]
                self.canon_column = self.column = 0
            else:
                carriage = data.rfind(b"\r", 0, newline)
                if carriage >= 0:
                    self.canon_column = self.column = 0
                self._advance(data[carriage + 1 : newline])
                self.canon_column = self.column
                tail = data[newline + 1 :]
        carriage = tail.rfind(b"\r")
        if carriage >= 0:
            self.canon_column = self.column = 0
            tail = tail[carriage + 1 :]
        self._advance(tail)

    def _advance(self, text: bytes) -> None:
        if b"\b" in text:
            for piece in text.split(b"\b")[:-1]:
                self._advance(piece)
                self.column = max(0, self.column - 1)
            text = text[text.rfind(b"\b") + 1 :]
        if b"\t" in text:
            *pieces, text = text.split(b"\t")
            for piece in pieces:
                self.column = (self.column + self._width(piece) | 7) + 1
        self.column += self._width(text)

    def _width(self, text: bytes) -> int:
        if text.isascii() and text.isalnum():
            return len(text)
        ignored = _CONTROL + _CONTINUATION if self.termios.iflag & IUTF8 else _CONTROL
        return len(text.translate(None, ignored))

    def _byte(self, c: int) -> bytes:
        """Process one byte under any combination of flags."""
        oflag = self.termios.oflag
        if c == 0x0A:
            if oflag & ONLRET:
                self.column = 0
            if oflag & ONLCR:
                self.canon_column = self.column = 0
                return b"\r\n"
            self.canon_column = self.column
        elif c == 0x0D:
            return self._carriage_return(oflag)
        elif c == 0x09:
            spaces = 8 - (self.column & 7)
            self.column += spaces
            if oflag & TABDLY == XTABS:
                return b" " * spaces
        elif c == 0x08:
            self.column = max(0, self.column - 1)
        elif c >= 0x20 and c != 0x7F:
            if oflag & OLCUC:
                c = _UPPER[c]
            if not (self.termios.iflag & IUTF8 and c & 0xC0 == 0x80):
                self.column += 1
        return bytes((c,))

    def _carriage_return(self, oflag: int) -> bytes:
        if oflag & ONOCR and self.column == 0:
            return b""
        if oflag & OCRNL:
            if oflag & ONLRET:
                self.canon_column = self.column = 0
            return b"\n"
        self.canon_column = self.column = 0
        return b"\r"
