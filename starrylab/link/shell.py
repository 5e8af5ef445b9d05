"""The command line of a boot loader, spoken to as a careful person would.

One command at a time: it is typed, its echo is compared, and only what arrived as meant is
entered. Then everything up to the next prompt is its output. Nothing is entered blindly: an empty
line makes U-Boot repeat the last command, so a fresh prompt is asked for by Ctrl-C.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from .errors import LinkError
from .port import Port
from .xmodem import printable

_ESCAPES: Final = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_PIECE: Final = 16  #: bytes: the FIFO of a 16550, which is all the buffer that there is
_ATTEMPTS: Final = 4
_ECHO: Final = 1.0  #: seconds
_QUIET: Final = 0.15  #: seconds of silence after which the prompt was the end
_KEPT: Final = 1 << 16  #: bytes of output that are looked through


Found = TypeVar("Found")


class ShellError(LinkError):
    """The boot loader did not answer, or not as it should."""


class Dialect(Protocol):
    """What has to be known of a boot loader; see `starrylab.boards.BootLoader`."""

    @property
    def kind(self) -> str:
        """``u-boot`` or ``pmon``."""

    @property
    def prompts(self) -> tuple[str, ...]:
        """Regular expressions that match at the start of a line."""

    @property
    def interrupt(self) -> str:
        """Keys that give a clean prompt."""

    @property
    def line_limit(self) -> int:
        """Bytes of a command line."""


class Shell:
    """A boot loader at its prompt."""

    def __init__(self, port: Port, dialect: Dialect) -> None:
        self.port = port
        self.dialect = dialect
        self._prompt = prompt_pattern(dialect.prompts)

    def sync(self, timeout: float = 5.0) -> None:
        """Get a clean prompt; raise `ShellError` if there is none."""
        end = self.port.now() + timeout
        while True:
            self.port.drain()
            self.port.write(self.dialect.interrupt.encode())
            try:
                self.to_prompt(min(timeout, 1.0))
            except ShellError:
                if self.port.now() > end:
                    raise
            else:
                return

    def run(self, command: str, timeout: float = 10.0) -> str:
        """Enter a command; return what it printed; raise `ShellError`."""
        self.enter(command)
        return self.to_prompt(timeout, command)

    def enter(self, command: str) -> None:
        """Type a command, compare its echo, and only then end the line."""
        if len(command) >= self.dialect.line_limit or not command.isprintable():
            raise ShellError(f"not a command for this boot loader: {command!r}")
        for _ in range(_ATTEMPTS):
            if self._typed(command.encode("ascii", "replace")):
                self.port.write(b"\r")
                return
            self.sync()
        raise ShellError(
            "the line garbles what is typed: check the cable, ground, and the adapter's rate"
        )

    def expect(self, pattern: str, timeout: float, what: str = "") -> re.Match[bytes]:
        """Wait for a pattern in the output; put back what follows it; raise `ShellError`.

        ``what`` is the pattern as a person would write it.
        """
        found, seen = collect(self.port, timeout, re.compile(pattern.encode()).search)
        if found is None:
            said = printable(seen[-200:]) or "nothing"
            raise ShellError(f"the board did not say {what or pattern!r}, but {said!r}")
        self.port.unread(seen[found.end() :])
        return found

    def to_prompt(self, timeout: float, what: str = "") -> str:
        """Wait for the prompt; return what came before it; raise `ShellError`."""
        output, seen = collect(self.port, timeout, self._before_prompt)
        if output is None:
            asked = f"after `{what}`" if what else "at Ctrl-C"
            got = printable(seen[-200:])
            raise ShellError(f"no prompt {asked}" + (f"; the board said {got!r}" if got else ""))
        return output.decode("utf-8", "replace").strip("\n")

    def prompt_within(self, seconds: float) -> str | None:
        """Return what was printed before a prompt; None: something else runs now."""
        output, seen = collect(self.port, seconds, self._before_prompt)
        if output is None:
            self.port.unread(seen)
            return None
        return printable(output)

    def _before_prompt(self, seen: bytes) -> bytes | None:
        clean = without_escapes(seen)
        found = self._prompt.search(clean)
        if found is None:
            return None
        more = self.port.read(timeout=_QUIET)  # a prompt is what nothing follows
        if more:
            self.port.unread(more)
            return None
        return clean[: found.start()]

    def _typed(self, line: bytes) -> bool:
        """Type in pieces that no FIFO loses; tell whether the echo is the same."""
        for at in range(0, len(line), _PIECE):
            piece = line[at : at + _PIECE]
            self.port.write(piece)
            echo = bytearray()
            end = self.port.now() + _ECHO
            while len(echo) < len(piece) and (left := end - self.port.now()) > 0:
                echo += self.port.read(len(piece) - len(echo), left)
            if bytes(echo) != piece:
                return False
        return True


def collect(
    port: Port, timeout: float, find: Callable[[bytes], Found | None]
) -> tuple[Found | None, bytes]:
    """Read until `find` has found something, or for `timeout` seconds; return that and all."""
    seen = b""
    end = port.now() + timeout
    while (left := end - port.now()) > 0:
        data = port.read(timeout=left)
        seen = (seen + data)[-_KEPT:]
        if data and (found := find(seen)) is not None:
            return found, seen
    return None, seen


def without_escapes(data: bytes) -> bytes:
    """Return `data` without colours, cursor movements and carriage returns."""
    return _ESCAPES.sub(b"", data).replace(b"\r", b"")


def prompt_pattern(prompts: tuple[str, ...]) -> re.Pattern[bytes]:
    """Return what matches a prompt that is the last thing printed."""
    texts = "|".join(f"(?:{prompt.rstrip()})" for prompt in prompts)
    return re.compile(rb"(?:^|\n)(?:" + texts.encode() + rb") *\Z")
