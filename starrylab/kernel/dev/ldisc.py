"""The line discipline: from typed bytes to lines, echoes and signals (termios(3), N_TTY).

It knows no terminal, file or process: bytes go in through `LineDiscipline.receive`, and
what they cause goes out through a `Port`.  Behaviour in corners that POSIX leaves open
(erasing tabs and multi-byte characters, the 4096-byte line, an EOF within a read) is that
of Linux's n_tty, because programs have grown to depend on it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from ...abi import termios as t
from ...abi.signal import SIGINT, SIGQUIT, SIGTSTP
from ...abi.termios import Termios
from .editor import CONTROL, LineEditor, Port

BUFFER_SIZE: Final = 4096  #: bytes; one stays free, and the newline of a full line takes it
_THROTTLE: Final = 128  #: stop the sender when fewer bytes than this are free
_EOF_MARK: Final = 0  #: stands in the buffer where VEOF was typed

_STRIP: Final = bytes(c & 0x7F for c in range(256))
_LOWER: Final = bytes(c + 32 if 0x41 <= c <= 0x5A or (0xC0 <= c <= 0xDE and c != 0xD7) else c
                      for c in range(256))  # fmt: skip


class LineDiscipline(LineEditor):
    """The input side of one terminal, with the echoes it makes."""

    def __init__(self, port: Port, termios: Termios) -> None:
        super().__init__(port, termios)
        self.held = False  #: output was stopped by TCOOFF, which no key undoes
        self._ends: deque[int] = deque()  #: where lines end, the last byte of each
        self._throttled = False
        self._configure(termios)

    # -- settings -------------------------------------------------------------------

    def set_termios(self, new: Termios) -> None:
        """Work by ``new`` from now on; what was typed before stays readable."""
        old = self.termios
        if (old.lflag ^ new.lflag) & (t.ICANON | t.EXTPROC):
            self._ends.clear()
            if new.lflag & t.ICANON and self._buffer:
                self._canon = self._tail + len(self._buffer)
                self._ends.append(self._canon - 1)
            else:
                self._canon = self._tail
            self._erasing = self._literal = False
        self._configure(new)
        if old.iflag & t.IXON and not new.iflag & t.IXON and not self.held:
            self.start()

    def _configure(self, new: Termios) -> None:
        self.termios = new
        self.output.configure(new)
        iflag, lflag = new.iflag, new.lflag
        self.canonical = bool(lflag & t.ICANON) and not lflag & t.EXTPROC
        self._translate: bytes | None = None
        if iflag & t.ISTRIP:
            self._translate = _STRIP
        if iflag & t.IUCLC and lflag & t.IEXTEN:
            self._translate = (self._translate or bytes(range(256))).translate(_LOWER)
        self._special = _special(new)
        bulk_breakers = set(self._special)
        if lflag & t.ECHO:
            bulk_breakers |= CONTROL  # echoed as ^X, one by one
        if iflag & t.PARMRK:
            bulk_breakers.add(0xFF)
        if not bulk_breakers or lflag & t.EXTPROC:
            self._find: re.Pattern[bytes] | None = None
        else:
            self._find = _finder(frozenset(bulk_breakers))
        self._keys = _key_actions(new)

    # -- input ----------------------------------------------------------------------

    def receive(self, data: bytes) -> int:
        """Take typed bytes; return how many found room."""
        taken = 0
        while taken < len(data):
            room = BUFFER_SIZE - len(self._buffer)
            if self.termios.iflag & t.PARMRK:
                room = (room + 2) // 3
            room -= 1
            if room <= 0:
                # An unfinished line that fills the buffer can still be erased or ended:
                # further bytes replace its last one.
                if not self.canonical or self._canon != self._tail:
                    break
                if room < 0:
                    del self._buffer[-1]
                room = 1
            chunk = data[taken : taken + room]
            self._take(chunk if self._translate is None else chunk.translate(self._translate))
            taken += len(chunk)
        self._flush_echoes()
        self._check_throttle()
        return taken

    def receive_break(self) -> None:
        """Take a break condition on the line (BRKINT, IGNBRK, PARMRK)."""
        iflag = self.termios.iflag
        if iflag & t.IGNBRK:
            return
        if iflag & t.BRKINT:
            self._signal(SIGINT)
            return
        self._put(b"\xff\x00\x00" if iflag & t.PARMRK else b"\x00")

    def receive_bad(self, data: bytes) -> None:
        """Take bytes with a parity or framing error (INPCK, IGNPAR, PARMRK)."""
        iflag = self.termios.iflag
        if not iflag & t.INPCK:
            self.receive(data)
        elif not iflag & t.IGNPAR:
            for byte in data:
                self._put(b"\xff\x00" + bytes((byte,)) if iflag & t.PARMRK else b"\x00")

    def _take(self, data: bytes) -> None:
        find = self._find
        if find is None:
            self._put(data)
            return
        pos, size = 0, len(data)
        while pos < size:
            if self._literal:
                self._literal = False
                self._ordinary(data[pos])
                pos += 1
                continue
            match = find.search(data, pos)
            stop = size if match is None else match.start()
            if stop > pos:
                self._plain(data[pos:stop])
            if match is not None:
                c = data[stop]
                if c in self._special:
                    self._key(c)
                else:
                    self._ordinary(c)
                stop += 1
            pos = stop

    def _plain(self, text: bytes) -> None:
        """Take bytes of which none is special, nor echoed in a special way."""
        self._restart_any()
        if self.termios.lflag & t.ECHO:
            self._begin_echo()
            self._echo(text)
        self._put(text)

    def _ordinary(self, c: int) -> None:
        self._restart_any()
        if self.termios.lflag & t.ECHO:
            self._begin_echo()
            self._echo_char(c)
        self._put_marked(c)

    def _put(self, data: bytes) -> None:
        self._buffer += data

    def _put_marked(self, c: int) -> None:
        """Store a byte; with PARMRK, 0xFF is doubled to tell it from a mark."""
        self._put(b"\xff\xff" if c == 0xFF and self.termios.iflag & t.PARMRK else bytes((c,)))

    def _restart_any(self) -> None:
        if self.stopped and not self.held:
            both = t.IXON | t.IXANY
            if self.termios.iflag & both == both:
                self.start()

    def _key(self, c: int) -> None:
        """Serve a byte that may mean something."""
        termios = self.termios
        iflag, lflag, cc = termios.iflag, termios.lflag, termios.cc
        if iflag & t.IXON:
            if c == cc[t.VSTART]:
                if not self.held:
                    self.start()
                return
            if c == cc[t.VSTOP]:
                self.stop()
                return
        if lflag & t.ISIG and (signo := self._signal_key(c)):
            self._signal(signo)
            if iflag & t.IXON and not self.held:
                self.start()
            if lflag & t.ECHO:
                self._echo_char(c)
            return
        self._restart_any()
        if c == 0x0D:
            if iflag & t.IGNCR:
                return
            if iflag & t.ICRNL:
                c = 0x0A
        elif c == 0x0A and iflag & t.INLCR:
            c = 0x0D
        if lflag & t.ICANON and self._edit(c):
            return
        if lflag & t.ECHO:
            if c == 0x0A:
                self._finish_erasing()
                self._echo(b"\n")
            else:
                self._begin_echo()
                self._echo_char(c)
        self._put_marked(c)

    def _signal_key(self, c: int) -> int:
        cc = self.termios.cc
        if c == cc[t.VINTR]:
            return SIGINT
        if c == cc[t.VQUIT]:
            return SIGQUIT
        return SIGTSTP if c == cc[t.VSUSP] else 0

    def _signal(self, signo: int) -> None:
        self.port.signal(signo)
        if not self.termios.lflag & t.NOFLSH:
            self._echoes.clear()
            self.port.flush_output()
            self.flush_input()

    # -- editing --------------------------------------------------------------------

    def _edit(self, c: int) -> bool:
        """Serve a byte that edits or ends the line; False if it is just text."""
        action = self._keys.get(c)
        if action is not None:
            action(self, c)
            return True
        lflag, cc = self.termios.lflag, self.termios.cc
        if c == 0x0A:
            if lflag & (t.ECHO | t.ECHONL):
                self._echo(b"\n")
            self._end_line(c)
            return True
        if c and (c == cc[t.VEOL] or (c == cc[t.VEOL2] and lflag & t.IEXTEN)):
            if lflag & t.ECHO:
                self._mark_column()
                self._echo_char(c)
            if c == 0xFF and self.termios.iflag & t.PARMRK:
                self._put(b"\xff")
            self._end_line(c)
            return True
        return False

    def _end_line(self, c: int) -> None:
        self._ends.append(self._tail + len(self._buffer))
        self._buffer.append(c)
        self._canon = self._tail + len(self._buffer)

    def end_of_file(self, _: int) -> None:
        """End the line without a newline (VEOF)."""
        self._end_line(_EOF_MARK)

    # -- flow control ---------------------------------------------------------------

    def stop(self, *, hold: bool = False) -> None:
        """Stop output; ``hold``: until `start` is called with it too (TCOOFF)."""
        self.held = self.held or hold
        if not self.stopped:
            self.stopped = True
            self.port.flow_changed(True)

    def start(self, *, release: bool = False) -> None:
        """Let output go on, unless it is held and ``release`` is not given (TCOON)."""
        if release:
            self.held = False
        if self.stopped and not self.held:
            self.stopped = False
            self.port.flow_changed(False)
            self._flush_echoes()

    def _check_throttle(self) -> None:
        free = BUFFER_SIZE - len(self._buffer)
        if self._throttled:
            if free > BUFFER_SIZE - _THROTTLE:
                self._throttled = False
                self.port.throttle(False)
        elif free < _THROTTLE and not (self.canonical and self._canon == self._tail):
            self._throttled = True
            self.port.throttle(True)

    # -- reading --------------------------------------------------------------------

    @property
    def readable(self) -> int:
        """Bytes that a read may take: of complete lines, or all of them in raw mode."""
        return self._canon - self._tail if self.canonical else len(self._buffer)

    @property
    def unread(self) -> int:
        """Bytes in the buffer, the unfinished line among them."""
        return len(self._buffer)

    @property
    def countable(self) -> int:
        """What FIONREAD tells: `readable` without the marks of VEOF."""
        if not self.canonical:
            return len(self._buffer)
        marks = sum(self._buffer[end - self._tail] == _EOF_MARK for end in self._ends)
        return self._canon - self._tail - marks

    def read(self, size: int) -> bytes:
        """Take what a read of ``size`` bytes gets; the caller knows that `readable` is not 0.

        In canonical mode that is at most one line, and ``b""`` where VEOF was typed first.
        """
        if not self.canonical:
            return self._consume(min(size, len(self._buffer)))
        available = min(size, self._canon - self._tail)
        if not self._ends or self._ends[0] - self._tail >= available:
            data = self._consume(available)
            if self._at_eof_mark():  # a read that ends right before it swallows it
                self._ends.popleft()
                self._consume(1)
            return data
        length = self._ends.popleft() - self._tail + 1
        data = self._consume(length)
        return data[:-1] if data[-1] == _EOF_MARK else data

    def _at_eof_mark(self) -> bool:
        ends = self._ends
        return bool(ends) and ends[0] == self._tail and self._buffer[0] == _EOF_MARK

    def _consume(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._tail += size
        if not self.canonical:
            self._canon = self._tail
        if self._throttled:
            self._check_throttle()
        return data

    def flush_input(self) -> None:
        """Drop what was typed and not read (TCIFLUSH)."""
        self._buffer.clear()
        self._canon = self._tail
        self._ends.clear()
        self._erasing = False
        self._check_throttle()
        self.port.input_flushed()


@lru_cache(maxsize=256)
def _finder(special: frozenset[int]) -> re.Pattern[bytes]:
    """Return a pattern that finds the first byte in ``special``."""
    return re.compile(b"[" + b"".join(re.escape(bytes((c,))) for c in sorted(special)) + b"]")


def _special(termios: Termios) -> frozenset[int]:
    """Return the bytes that mean something under ``termios``."""
    iflag, lflag, cc = termios.iflag, termios.lflag, termios.cc
    found: set[int] = set()
    if lflag & t.ICANON:
        found |= {cc[t.VERASE], cc[t.VKILL], cc[t.VEOF], cc[t.VEOL], 0x0A}
        if lflag & t.IEXTEN:
            found |= {cc[t.VWERASE], cc[t.VLNEXT], cc[t.VEOL2]}
            if lflag & t.ECHO:
                found.add(cc[t.VREPRINT])
    if iflag & t.IXON:
        found |= {cc[t.VSTART], cc[t.VSTOP]}
    if lflag & t.ISIG:
        found |= {cc[t.VINTR], cc[t.VQUIT], cc[t.VSUSP]}
    found.discard(0)
    if iflag & (t.IGNCR | t.ICRNL):
        found.add(0x0D)
    if iflag & t.INLCR:
        found.add(0x0A)
    return frozenset(found)


def _key_actions(new: Termios) -> dict[int, Callable[[LineDiscipline, int], None]]:
    """Return what each editing key does; where one key has two meanings, the later wins."""
    cc, extended = new.cc, new.lflag & t.IEXTEN
    keys: dict[int, Callable[[LineDiscipline, int], None]] = {}
    if cc[t.VEOF] != 0x0A:
        keys[cc[t.VEOF]] = LineDiscipline.end_of_file
    if extended and new.lflag & t.ECHO:
        keys[cc[t.VREPRINT]] = LineDiscipline.reprint
    if extended:
        keys[cc[t.VLNEXT]] = LineDiscipline.literal_next
    keys[cc[t.VKILL]] = LineDiscipline.kill
    if extended:
        keys[cc[t.VWERASE]] = LineDiscipline.erase_word
    keys[cc[t.VERASE]] = LineDiscipline.erase
    keys.pop(0, None)
    return keys
