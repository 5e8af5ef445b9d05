"""Where an allocation was made: kernel frames kept as cheap pairs, read only for a report.

A frame is a pair of code object and byte offset of its instruction, so that keeping one costs
no look-up and holds no local variable alive.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

RawStack = tuple[tuple[CodeType, int], ...]  #: innermost first

_PACKAGE: Final = "starrylab"
_DEEPEST: Final = 32  #: frames, as Starry Mix's axbacktrace has it
_SYSCALLS: Final = "kernel/syscalls/"
#: frames that only tell how tracking works, and how arguments are cut to their types
_UNSHOWN: Final = ("debug/leaks/", "<string>")


@dataclass(frozen=True, slots=True)
class Call:
    """One frame of the kernel."""

    function: str  #: "Dense.put"
    file: str  #: below the package: "kernel/vfs/page_content.py"
    line: int
    address: int  #: of the instruction in the lab process: what stands for an ip


def capture(depth: int, ends: Collection[CodeType]) -> RawStack:
    """Return the stack of the caller's ``depth``-th caller, up to and including one of ``ends``."""
    frame: FrameType | None = sys._getframe(depth)  # noqa: SLF001  # there is no public name
    stack: list[tuple[CodeType, int]] = []
    while frame is not None and len(stack) < _DEEPEST:
        code = frame.f_code
        stack.append((code, frame.f_lasti))
        for end in ends:  # a comparison of code objects compares their content
            if code is end:
                return tuple(stack)
        frame = frame.f_back
    return tuple(stack)


def resolve(stack: RawStack) -> tuple[Call, ...]:
    """Return the frames with names and lines, innermost first, without generated code."""
    calls = (_call(code, offset) for code, offset in stack)
    return tuple(call for call in calls if not call.file.startswith(_UNSHOWN))


def syscall_of(calls: tuple[Call, ...]) -> str:
    """Return the name of the system call that a stack is part of, "" outside of one."""
    for call in reversed(calls):
        if call.file.startswith(_SYSCALLS):
            return call.function.rpartition(".")[2].rstrip("_")
    return ""


def _call(code: CodeType, offset: int) -> Call:
    line = next(islice(code.co_positions(), offset // 2, None), (None,))[0]
    name = code.co_qualname.replace("<locals>.", "")
    return Call(name, _short(code.co_filename), line or code.co_firstlineno, id(code) + offset)


def _short(path: str) -> str:
    parts = PurePath(path).parts
    if _PACKAGE in parts:
        last = len(parts) - 1 - parts[::-1].index(_PACKAGE)
        return "/".join(parts[last + 1 :])
    return parts[-1] if parts else path
