r"""Backtraces as later Starry kernels print them, for a symbolizer on the host to read.

::

    BACKTRACE_BEGIN kind=alloc arch=riscv64 alloc=true
    BT 0 ip=0xffffffc080219f5a fp=0xffffffc0890ffdb0
    BT 1 ip=0x7f12 fp=0x0 symbol=pipe2 at kernel/syscalls/pipe.py:27
    BT_ERROR invalid_fp
    BACKTRACE_END

(rcore-os/tgoskits, ``components/axbacktrace``; ``symbol=`` since its AXBT maps.)  A log may have
anything before and between; a line may begin with a time stamp.  Written blocks carry the count,
the bytes and the kind of what was allocated as further ``key=value`` pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .report import Leak, LeakReport

_BEGIN: Final = re.compile(r"BACKTRACE_BEGIN\b(?P<pairs>.*)")
_FRAME: Final = re.compile(
    r"BT (?P<index>\d+) ip=0x(?P<ip>[0-9a-fA-F]{1,16}) fp=0x(?P<fp>[0-9a-fA-F]{1,16})"
    r"(?: symbol=(?P<symbol>.*?)(?: at (?P<file>.*):(?P<line>\d+))?)?\s*$"
)
_ERROR: Final = re.compile(r"BT_ERROR (?P<reason>\S+)")
_PAIR: Final = re.compile(r"(\w+)=(\S+)")
_MOST: Final = 256  #: frames of a block that are kept


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One line of a block."""

    index: int
    ip: int
    fp: int
    symbol: str = ""
    file: str = ""
    line: int = 0


@dataclass(slots=True)
class RawBacktrace:
    """One block."""

    pairs: dict[str, str]  #: kind, arch, ...
    frames: list[RawFrame] = field(default_factory=list)
    error: str = ""  #: why unwinding ended early
    complete: bool = False  #: its end was seen

    @property
    def kind(self) -> str:
        """What happened: "alloc", "panic", "trap"."""
        return self.pairs.get("kind", "")


def parse(lines: Iterable[str]) -> Iterator[RawBacktrace]:
    """Yield the blocks of a log; a block that is cut off is yielded with what it has."""
    block: RawBacktrace | None = None
    for line in lines:
        begin = _BEGIN.search(line)
        if begin is not None:
            if block is not None:
                yield block
            block = RawBacktrace(dict(_PAIR.findall(begin["pairs"])))
        elif block is None:
            continue
        elif "BACKTRACE_END" in line:
            block.complete = True
            yield block
            block = None
        else:
            _take(block, line)
    if block is not None:
        yield block


def _take(block: RawBacktrace, line: str) -> None:
    found = _FRAME.search(line)
    if found is not None:
        if len(block.frames) < _MOST:
            block.frames.append(
                RawFrame(
                    int(found["index"]),
                    int(found["ip"], 16),
                    int(found["fp"], 16),
                    (found["symbol"] or "").strip(),
                    found["file"] or "",
                    int(found["line"] or 0),
                )
            )
        return
    error = _ERROR.search(line)
    if error is not None:
        block.error = error["reason"]


def write(report: LeakReport, arch: str) -> str:
    """Return a block for each group of a report."""
    return "".join(_block(leak, arch) for leak in report.leaks)


def _block(leak: Leak, arch: str) -> str:
    kind = leak.kind.replace(" ", "_")
    pids = ",".join(map(str, leak.pids))
    what = f"object={kind} count={leak.count} bytes={leak.bytes} pid={pids}"
    lines = [f"BACKTRACE_BEGIN kind=alloc arch={arch} alloc=true {what}"]
    for index, call in enumerate((*leak.stack, *leak.program)):
        where = f" at {call.file}:{call.line}" if call.line else ""
        lines.append(f"BT {index} ip={call.address:#x} fp=0x0 symbol={call.function}{where}")
    lines.append("BACKTRACE_END")
    return "\n".join(lines) + "\n"
