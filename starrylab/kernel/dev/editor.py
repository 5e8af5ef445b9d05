"""Editing the line that is being typed: erase, kill, reprint, and their echoes (termios(3)).

The corners that POSIX leaves open, such as what erasing a tab sends, follow Linux's n_tty.
"""

from __future__ import annotations

from typing import Final, Protocol

from ...abi import termios as t
from ...abi.termios import Termios
from .opost import AFTER_TAB, ERASE_TAB, MOVE_BACK, SET_CANON_COLUMN, Echo, OutputProcessor

_ECHO_LIMIT: Final = 4096  #: echoes kept while output is stopped
CONTROL: Final = frozenset((*range(32), 127))
_ALNUM: Final = frozenset(
    (*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B), *range(0xC0, 0x100), 0x5F)
) - {0xD7, 0xF7}


class Port(Protocol):
    """Where the discipline's effects go."""

    def transmit(self, data: bytes) -> None:
        """Send echoed bytes."""
        ...

    def signal(self, signo: int) -> None:
        """Signal the foreground process group."""
        ...

    def flush_output(self) -> None:
        """Drop output that has not left yet."""
        ...

    def input_flushed(self) -> None:
        """Learn that what was typed and not read has been dropped."""
        ...

    def flow_changed(self, stopped: bool) -> None:
        """Output was stopped or started (VSTOP, VSTART)."""
        ...

    def throttle(self, on: bool) -> None:
        """Ask the sender to pause, or to go on (IXOFF)."""
        ...


class LineEditor:
    """The buffer of one terminal, what edits its unfinished line, and the echoes of that.

    The buffer is one row of bytes, oldest first.  Positions are absolute (counted since the
    terminal was made), so that taking bytes from the front moves nothing::

        tail ... canon ... head      tail..canon: complete lines, to be read
                                     canon..head: the line being edited
    """

    def __init__(self, port: Port, termios: Termios) -> None:
        self.port = port
        self.termios = termios
        self.output = OutputProcessor(termios)
        self.stopped = False  #: output, by VSTOP or TCOOFF
        self._buffer = bytearray()
        self._tail = 0
        self._canon = 0
        self._echoes: list[Echo] = []
        self._erasing = False  #: inside \.../ of ECHOPRT
        self._literal = False  #: VLNEXT was typed

    def literal_next(self, _: int) -> None:
        """Take the next byte as it is (VLNEXT)."""
        self._literal = True
        if self.termios.lflag & t.ECHO:
            self._finish_erasing()
            if self.termios.lflag & t.ECHOCTL:
                self._echo(b"^\b")

    def reprint(self, c: int) -> None:
        """Show the line again (VREPRINT)."""
        self._finish_erasing()
        self._echo_char(c)
        self._echo(b"\n")
        for byte in self._edited():
            self._echo_char(byte)

    def _edited(self) -> bytes:
        return bytes(self._buffer[self._canon - self._tail :])

    def erase(self, c: int) -> None:
        """Erase the last character (VERASE)."""
        if self._erase_char(c, quiet=not self.termios.lflag & t.ECHOE):
            self._erased_all()

    def erase_word(self, _: int) -> None:
        """Erase the last word (VWERASE)."""
        seen = False
        while (lead := self._last_char()) is not None:
            if lead in _ALNUM:
                seen = True
            elif seen:
                break
            self._erase_char(0, quiet=False)
        self._erased_all()

    def kill(self, c: int) -> None:
        """Erase the whole line (VKILL)."""
        lflag = self.termios.lflag
        start = self._canon - self._tail
        if len(self._buffer) == start:
            return
        visible = t.ECHOK | t.ECHOKE | t.ECHOE
        if lflag & t.ECHO and lflag & visible == visible:
            while self._erase_char(0, quiet=False):
                pass
            self._erased_all()
            return
        del self._buffer[start:]
        if lflag & t.ECHO:
            self._finish_erasing()
            self._echo_char(c)
            if lflag & t.ECHOK:
                self._echo(b"\n")

    def _last_start(self) -> int | None:
        """Return where the last character of the line begins in the buffer."""
        head = len(self._buffer)
        start = self._canon - self._tail
        if head == start:
            return None
        head -= 1
        if self.termios.iflag & t.IUTF8:
            while self._buffer[head] & 0xC0 == 0x80 and head > start:
                head -= 1
            if self._buffer[head] & 0xC0 == 0x80:
                return None  # only half a character is left
        return head

    def _last_char(self) -> int | None:
        head = self._last_start()
        return None if head is None else self._buffer[head]

    def _erase_char(self, key: int, *, quiet: bool) -> bool:
        """Take the last character off the line and off the screen; False if there is none.

        ``quiet``: the screen keeps it, and the erase key ``key`` is echoed instead.
        """
        head = self._last_start()
        if head is None:
            return False
        char = bytes(self._buffer[head:])
        del self._buffer[head:]
        lflag = self.termios.lflag
        if not lflag & t.ECHO:
            return True
        c = char[0]
        if lflag & t.ECHOPRT:
            self._print_erased(char)
        elif quiet:
            self._echo_char(key)
        elif c == 0x09:
            self._echoes.append(ERASE_TAB + self._columns_before_tab())
        else:
            control = c in CONTROL
            if control and lflag & t.ECHOCTL:
                self._echo(b"\b \b")
            if not control or lflag & t.ECHOCTL:
                self._echo(b"\b \b")
        return True

    def _print_erased(self, char: bytes) -> None:
        if not self._erasing:
            self._echo(b"\\")
            self._erasing = True
        self._echo_char(char[0])
        for byte in char[1:]:
            self._echo(bytes((byte,)))
            self._echoes.append(MOVE_BACK)

    def _columns_before_tab(self) -> int:
        columns = 0
        for c in reversed(self._edited()):
            if c == 0x09:
                return columns & 7 | AFTER_TAB
            if c in CONTROL:
                columns += 2 if self.termios.lflag & t.ECHOCTL else 0
            elif not (self.termios.iflag & t.IUTF8 and c & 0xC0 == 0x80):
                columns += 1
        return columns & 7

    def _erased_all(self) -> None:
        if self._tail + len(self._buffer) == self._canon and self.termios.lflag & t.ECHO:
            self._finish_erasing()

    # -- echoes ---------------------------------------------------------------------

    def _echo(self, data: bytes) -> None:
        self._echoes.append(data)

    def _echo_char(self, c: int) -> None:
        if self.termios.lflag & t.ECHOCTL and c in CONTROL and c != 0x09:
            self._echoes.append(c)
        else:
            self._echoes.append(bytes((c,)))

    def _begin_echo(self) -> None:
        self._finish_erasing()
        self._mark_column()

    def _mark_column(self) -> None:
        if self._tail + len(self._buffer) == self._canon:
            self._echoes.append(SET_CANON_COLUMN)

    def _finish_erasing(self) -> None:
        if self._erasing:
            self._echo(b"/")
            self._erasing = False

    def _flush_echoes(self) -> None:
        if not self._echoes:
            return
        if self.stopped:
            if len(self._echoes) > _ECHO_LIMIT:
                del self._echoes[_ECHO_LIMIT:]
            return
        echoes, self._echoes = self._echoes, []
        if data := self.output.echo(echoes):
            self.port.transmit(data)
