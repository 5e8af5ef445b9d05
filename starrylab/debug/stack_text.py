"""A stack as text, in the shape that Starry Mix prints (axbacktrace).

Each frame has a number and a name; the line below says where it is::

       0: Pipe.read_into
                at starrylab/kernel/files/pipe.py:120
       1: read(3, 0x3ffffef000, 64)
       2: main
                at main.c:12:5 with fp=0x3ffffefc90, ip=0x1016572

``fp`` of a user frame is its canonical frame address, ``ip`` its program counter.  What is
unknown is ``<unknown>``, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .stack import Frame, FrameKind

_PLACE: Final = " " * 12 + "at "


def format_stack(frames: Iterable[Frame]) -> str:
    """Return the lines of a stack, each with its newline; "" for no frames."""
    lines: list[str] = []
    for number, frame in enumerate(frames):
        lines.append(f"{number:>4}: {title(frame)}")
        where = place(frame)
        if where:
            lines.append(_PLACE + where)
    return "".join(line + "\n" for line in lines)


def title(frame: Frame) -> str:
    """Return what a frame is, in a few words."""
    if frame.kind is FrameKind.SYSCALL:
        return frame.text
    if frame.kind is FrameKind.SIGNAL:
        return f"<signal handler called> {frame.text}"
    name = frame.function or "<unknown>"
    if frame.kind is FrameKind.INLINED:
        name += " (inlined)"
    return f"{name} ({frame.text})" if frame.text else name


def place(frame: Frame) -> str:
    """Return where a frame is: source line, or module and offset, and its addresses."""
    where = frame.file
    if where and frame.line:
        where += f":{frame.line}"
        if frame.column:
            where += f":{frame.column}"
    if frame.kind in (FrameKind.KERNEL, FrameKind.SYSCALL):
        return where
    if not where:
        where = frame.module or "<unknown>"
        if frame.function and frame.offset >= 0:
            where += f" ({frame.function.partition('(')[0]}+{frame.offset:#x})"
    return f"{where} with fp={frame.cfa:#x}, ip={frame.pc:#x}"
