"""What is listening at the other end of the line.

Nothing that could be taken for a command is sent: Ctrl-C, the boot loader's own key that stops its
countdown, and a monitor's hello only where nothing answered as a command line would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from .loader import LoaderDialect
from .port import Port
from .shell import prompt_pattern, without_escapes
from .xmodem import printable

_KEPT: Final = 1 << 14  #: bytes that are looked at
_CALLING: Final = 6.0  #: seconds in which whoever waits for a file asks three times
_STARTING: Final = 15.0  #: seconds from a boot loader's first words to its prompt
_TICK: Final = 0.1  #: seconds between two keys that stop a countdown, if the board names none
_CALLS: Final = re.compile(rb"C{3,}\s*\Z")
_ROM: Final = re.compile(rb"\(C\)StarFive")
_SPL: Final = re.compile(rb"U-Boot SPL.*Trying to boot from UART", re.DOTALL)
_WAITS: Final = re.compile(rb"Trying to boot from UART(?!.*U-Boot 20)", re.DOTALL)
_MONITOR: Final = re.compile(rb"StarryLab monitor\s*\Z")
_SYSTEM: Final = re.compile(rb"(login: ?|[$#] ?)\Z")
_NOISE: Final = re.compile(rb"[^\t\r\n\x07\x08\x1b -~]")
_READABLE: Final = re.compile(rb"[ -~]")
_GARBAGE: Final = 0.3  #: share of bytes that are no text, from which on the rate must be wrong
_ENOUGH: Final = 8  #: bytes to judge that by


class BootDialect(LoaderDialect, Protocol):
    """What finding a prompt has to know; see `starrylab.boards.BootLoader`."""

    @property
    def banner(self) -> str:
        """Regular expression of what it prints first."""

    @property
    def stop_when(self) -> str:
        """Regular expression of the countdown; empty: it does not announce one."""

    @property
    def stop_keys(self) -> str:
        """Keys that stop the countdown."""

    @property
    def stop_interval_ms(self) -> int:
        """How often they are sent where it is not announced; 0: not before it is."""


class Kind(Enum):
    """What was seen, in words for a person."""

    PROMPT = "a boot loader at its prompt"
    BOOTING = "a boot loader that is starting"
    ROM = "the boot ROM, which waits for a program"
    SPL = "the SPL, which waits for U-Boot"
    MONITOR = "a running monitor"
    SYSTEM = "an operating system"
    TEXT = "text of an unknown program"
    ECHO = "nothing but an echo of what is sent"
    GARBAGE = "noise, as at a wrong baud rate"
    SILENCE = "nothing"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is there."""

    kind: Kind
    text: str = ""  #: the last that it said
    dialect: BootDialect | None = None  #: of which boot loader


class Watcher:
    """Reads what a board says until it is clear what it is."""

    def __init__(self, port: Port, dialects: Sequence[BootDialect]) -> None:
        self._port = port
        self._dialects = dialects
        self._prompts = [(d, prompt_pattern(d.prompts)) for d in dialects]
        self._seen = b""
        self._sent = b""

    def detect(self, hello: Callable[[Port], str | None] | None = None) -> Sighting:
        """Say what is there now: what it says by itself, then what it answers to Ctrl-C.

        In silence that takes three seconds; a board that is just starting is followed and stopped.
        """
        self._listen(0.3)
        found = self._known()
        if found is None:
            self._type(self._dialects[0].interrupt.encode())
            self._listen(1.0)
            found = self._known()
        if found is None and not self._seen:
            self._type(b"\x1b" + self._dialects[0].interrupt.encode())
            self._listen(1.0)  # a `loady` at another rate waits for Escape when it has ended
            found = self._known()
        if found is None and self._seen.endswith(b"C"):  # one call is no row of them
            self._listen(_CALLING)
            found = self._known()
        if found is None and self._booting():
            return self.wait(_STARTING)
        if found is None and hello is not None and self._may_be_monitor():
            version = hello(self._port)
            if version is not None:
                return Sighting(Kind.MONITOR, version)
        return self._judged(found)

    def wait(self, seconds: float) -> Sighting:
        """Wait for a board to be switched on; stop its countdown; say where it ended."""
        port = self._port
        end = port.now() + seconds
        key_due = 0.0
        stopped = False
        while port.now() < end:
            tick = self._tick()
            self._listen(min(tick or _TICK, end - port.now()), until=self._countdown)
            found = self._known()
            if found is not None:
                break
            if not stopped and self._countdown():
                stopped = True
                key_due = 0.0
            if (tick or stopped) and port.now() >= key_due:
                self._type(self._keys())
                key_due = port.now() + (tick or _TICK)
        return self._judged(self._known())

    def _type(self, keys: bytes) -> None:
        self._sent = (self._sent + keys)[-_KEPT:]
        self._port.write(keys)

    def _listen(self, seconds: float, until: Callable[[], bool] | None = None) -> None:
        """Read for so long, or until something is clear."""
        end = self._port.now() + seconds
        while (left := end - self._port.now()) > 0:
            data = self._port.read(timeout=left)
            self._seen = (self._seen + data)[-_KEPT:]
            if data and (self._known() is not None or (until is not None and until())):
                self._seen += self._port.drain(0.02, 0.2)
                return

    def _known(self) -> Sighting | None:
        clean = without_escapes(self._seen)
        for dialect, prompt in self._prompts:
            echo = dialect.stop_keys.strip().encode()  # which may stand behind the prompt
            if prompt.search(clean.rstrip(echo)):
                return Sighting(Kind.PROMPT, self._last(), dialect)
        if _CALLS.search(clean):
            kind = Kind.SPL if _SPL.search(clean) else Kind.ROM
            return Sighting(kind, self._last())
        return None

    def _judged(self, found: Sighting | None) -> Sighting:
        if found is None:
            return Sighting(self._guess(), self._last())
        if found.kind is Kind.ROM and not _ROM.search(self._seen):
            return self._called(found)
        return found

    def _called(self, found: Sighting) -> Sighting:
        """Tell who sends ``CCC`` without a word: an abandoned `loady`, or the ROM.

        Three Ctrl-C end the one; the other takes them for nothing.
        """
        self._seen = b""
        self._type(b"\x03" * 3)
        self._listen(3.0)
        answer = self._known()
        return answer if answer is not None and answer.kind is Kind.PROMPT else found

    def _may_be_monitor(self) -> bool:
        """Tell whether a hello may be sent: a shell, of whatever program, would execute it."""
        return (
            self._guess() in (Kind.SILENCE, Kind.GARBAGE) or _MONITOR.search(self._seen) is not None
        )

    def _countdown(self) -> bool:
        return any(
            d.stop_when and re.search(d.stop_when.encode(), self._seen) for d in self._dialects
        )

    def _booting(self) -> bool:
        return any(re.search(d.banner.encode(), self._seen) for d in self._dialects)

    def _tick(self) -> float:
        """Return how often a key is due: all the time where the board does not wait for one.

        From its banner on, a board that announces a countdown gets keys as well: with a delay of
        zero it looks once, and before it says so.
        """
        if _WAITS.search(self._seen):
            return 0.0  # three Ctrl-C would end its receiver
        always = max((d.stop_interval_ms for d in self._dialects), default=0)
        if always:
            return always / 1000
        return _TICK if self._booting() else 0.0

    def _keys(self) -> bytes:
        started = [d for d in self._dialects if re.search(d.banner.encode(), self._seen)]
        return (started or self._dialects)[0].stop_keys.encode()

    def _guess(self) -> Kind:
        seen = self._seen
        if not seen.strip(b"\0"):
            return Kind.SILENCE
        if seen in self._sent:
            return Kind.ECHO
        if not _READABLE.search(seen):
            return Kind.GARBAGE
        if len(seen) >= _ENOUGH and len(_NOISE.findall(seen)) > _GARBAGE * len(seen):
            return Kind.GARBAGE
        if self._booting():
            return Kind.BOOTING
        return Kind.SYSTEM if _SYSTEM.search(without_escapes(seen)) else Kind.TEXT

    def _last(self) -> str:
        return printable(self._seen[-120:])
