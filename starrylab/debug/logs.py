"""Logs of kernels on real boards: which addresses a line names, and what they stand for.

Knows Starry's frames (``ip=0x.. fp=0x..``, alone or in ``BACKTRACE_BEGIN`` blocks), registers as
StarryOS, ArceOS and Linux print them, Linux' call traces (``[<ffffffff80002abc>] f+0x1c/0x24``,
with or without the address), and any other ``0x...`` that is the address of code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

from .symbols import Location, Symbols


class _Pattern:
    """A regular expression for lines with one of ``marks`` in them, compiled when one comes.

    Most logs need one or two of them, and to compile all takes as long as an answer.
    """

    def __init__(self, marks: tuple[str, ...], text: str) -> None:
        self._marks = marks
        self._text = text

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text)

    def all(self, line: str) -> Iterator[re.Match[str]]:
        """Go over what matches in ``line``."""
        if not any(mark in line for mark in self._marks):
            return iter(())
        return self._compiled.finditer(line)

    def found(self, line: str) -> bool:
        """Tell whether anything in ``line`` matches."""
        return next(self.all(line), None) is not None


#: ``BT 0 ip=0x.. fp=0x..``, ``ip=0x.., fp=0x..``
_FRAME: Final = _Pattern(
    ("ip",),
    r"(?:\bBT\s+(?P<index>\d+)\s+)?\bip\s*[=:]\s*0x(?P<ip>[0-9a-fA-F]{1,16})"
    r"(?:[,\s]+fp\s*[=:]\s*0x(?P<fp>[0-9a-fA-F]{1,16}))?",
)
#: a frame whose kernel had symbols itself
_EXPLAINED: Final = _Pattern((" with fp=",), r"^\s+at .*:\d+ with fp=")
#: ``epc : ffffffff80123456``, ``ra: 0xffffffc080201234``, ``sepc: VA:0x80200000``
_REGISTER: Final = _Pattern(
    (":", "="),
    r"\b(?P<name>s?epc|pc|era|elr(?:_el1)?|ra|lr|x30)\s*[:=]\s*(?:[PV]A:)?"
    r"(?:0x)?(?P<value>[0-9a-fA-F]{5,16})\b",
)
#: ``[<ffffffff80002abc>]``: what was on the stack
_BRACKETS: Final = _Pattern(("[<",), r"\[<(?:0x)?(?P<value>[0-9a-fA-F]{5,16})>\]")
_PLAIN: Final = _Pattern(("0x",), r"(?<![\w.])0x(?P<value>[0-9a-fA-F]{4,16})\b")
#: ``do_exit+0x1c/0x24``; the address is left out by kernels that hide it
_SYMBOLIC: Final = _Pattern(
    ("+0x",),
    r"(?P<name>[A-Za-z_$.][\w$.:<>]*)\+0x(?P<offset>[0-9a-f]{1,8})/0x(?P<size>[0-9a-f]{1,8})",
)
#: registers that hold where a call returns to
_RETURNS: Final = frozenset({"ra", "lr", "x30"})
#: a symbol that is not what the program counter of an exception is in was called: it is in a trace
_FAULTING: Final = _Pattern(("pc", "PC"), r"\b(?:epc|pc|PC is at)\b")
_INDENT: Final = " " * 12


class Mention(NamedTuple):
    """An address in a line."""

    address: int  #: as it was printed
    returns: bool  #: whether the call before it is meant
    number: int = -1  #: of a frame that has one
    fp: int | None = None  #: of a Starry frame
    frame: bool = False  #: whether it is one of Starry's frames


class LogReader:
    """Explains lines of one kernel's log; ``bias`` is how far from its file addresses it runs."""

    def __init__(self, symbols: Symbols, bias: int = 0) -> None:
        self._symbols = symbols
        self._bias = bias

    def explain(self, line: str) -> list[str]:
        """Return the lines to print below ``line``; [] for most."""
        found: list[str] = []
        for mention in self._mentions(line):
            found += self._text(mention)
        return found

    def _mentions(self, line: str) -> list[Mention]:
        if _EXPLAINED.found(line):
            return []
        frames = [_frame(match) for match in _FRAME.all(line)]
        if frames:
            return frames
        found: dict[int, Mention] = {}
        for mention in [*_registers(line), *_stacked(line)]:
            found.setdefault(mention.address, mention)
        for match in _PLAIN.all(line):
            found.setdefault(int(match["value"], 16), Mention(int(match["value"], 16), False))
        known = [mention for mention in found.values() if self._is_code(mention.address)]
        return known or list(self._symbolic(line))

    def _symbolic(self, line: str) -> Iterator[Mention]:
        """Yield the addresses of ``name+offset/size``; the size tells namesakes apart."""
        for match in _SYMBOLIC.all(line):
            symbols = self._symbols.table.named(match["name"])
            size = int(match["size"], 16)
            best = min(symbols, key=lambda symbol: abs(symbol.size - size), default=None)
            if best is not None:
                address = best.address + int(match["offset"], 16) + self._bias
                yield Mention(address, not _FAULTING.found(line[: match.start()]))

    def _is_code(self, address: int) -> bool:
        return self._symbols.image.is_code(address - self._bias)

    def _text(self, mention: Mention) -> Iterator[str]:
        addr = mention.address - self._bias
        frames = self._symbols.lookup(addr - mention.returns)
        known = bool(frames[0].function or frames[0].file)
        if mention.frame:
            number = f"{mention.number:>4}: " if mention.number >= 0 else " " * 6
            registers = f"fp={mention.fp:#x}, " if mention.fp is not None else ""
            yield from starry_frames(frames, number, f" with {registers}ip={mention.address:#x}")
        elif known:
            offset = frames[-1].offset + mention.returns
            where = f"+{offset:#x}" if frames[-1].offset >= 0 else ""
            yield from starry_frames(frames, f"{mention.address:#x}: ", "", where)


def starry_frames(
    frames: list[Location], number: str, registers: str, offset: str = ""
) -> Iterator[str]:
    """Yield a frame as Starry prints it; functions that were inlined stand above their caller."""
    for position, frame in enumerate(frames):
        lead = number if position == 0 else " " * 6
        outermost = position == len(frames) - 1
        yield f"{lead}{frame.function or '<unknown>'}{offset if outermost else ''}"
        last = registers if outermost else ""
        if frame.file:
            column = f":{frame.column}" if frame.column else ""
            yield f"{_INDENT}at {frame.file}:{frame.line}{column}{last}"
        elif last:
            yield f"{_INDENT}{last.strip()}"


def _frame(match: re.Match[str]) -> Mention:
    return Mention(
        int(match["ip"], 16),
        returns=True,  # Starry adds 1 to the first one of a trap
        number=int(match["index"]) if match["index"] and len(match["index"]) < 6 else -1,
        fp=int(match["fp"], 16) if match["fp"] else None,
        frame=True,
    )


def _registers(line: str) -> Iterator[Mention]:
    for match in _REGISTER.all(line):
        yield Mention(int(match["value"], 16), match["name"] in _RETURNS)


def _stacked(line: str) -> Iterator[Mention]:
    for match in _BRACKETS.all(line):
        yield Mention(int(match["value"], 16), not _FAULTING.found(line[: match.start()]))
