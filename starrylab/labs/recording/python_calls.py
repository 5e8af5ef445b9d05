"""Calls of the student's own functions: arguments and results, as one event each."""

from __future__ import annotations

import dis
import reprlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

_VARARGS, _VARKEYWORDS = 0x04, 0x08  # CO_VARARGS, CO_VARKEYWORDS (inspect)
_RETURNS: Final = frozenset({"RETURN_VALUE", "RETURN_CONST"})
#: where a generator stands that is suspended; Python 3.13 is behind the yield already
_YIELDS: Final = frozenset({"YIELD_VALUE", "SEND", "RETURN_GENERATOR", "RESUME"})


class _Shown(reprlib.Repr):
    """Values in few characters; objects that say nothing of themselves by their class."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60
        self.maxlong = 24

    def repr_instance(self, x: Any, level: int) -> str:
        """See `reprlib.Repr`; an address says nothing."""
        plain: Any = object.__repr__
        if type(x).__repr__ is plain:
            return f"<{type(x).__name__}>"
        try:
            text = repr(x)
        except Exception:  # the student's __repr__
            return f"<{type(x).__name__}>"
        return text if len(text) <= self.maxother else f"{text[: self.maxother]}..."

    def repr_bytes(self, x: bytes, level: int) -> str:
        """Show the beginning of a long value."""
        return repr(x) if len(x) <= 16 else f"{x[:16]!r}... ({len(x)} bytes)"

    repr_bytearray = repr_bytes


def shown(value: object) -> str:
    """Return a value in few characters; whatever the student's ``__repr__`` does."""
    try:
        return _Shown().repr(value)
    except Exception:  # of something within
        return f"<{type(value).__name__}>"


class PythonCalls:
    """Tells of every call of a function that is written in a folder, when it begins.

    What is told is a dict that gets its ``text`` (the result) when the call has ended.
    """

    def __init__(self, folder: Path, emit: Callable[[dict[str, Any]], object]) -> None:
        self._prefix = f"{folder}/"
        self._emit = emit
        self._begun: dict[int, dict[str, Any]] = {}  #: by id of the frame
        self._mine: dict[CodeType, bool] = {}
        self._depth = 0

    def start(self) -> None:
        """Look on from now on."""
        sys.setprofile(self._look)

    def stop(self) -> None:
        """Look no longer."""
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, value: object) -> None:
        code = frame.f_code
        mine = self._mine.get(code)
        if mine is None:
            mine = code.co_filename.startswith(self._prefix) and code.co_name[0] != "<"
            self._mine[code] = mine
        if not mine:
            return
        if event == "call":
            if id(frame) not in self._begun:  # a coroutine is entered each time it goes on
                self._begin(frame)
            self._depth += 1
        elif event == "return":
            self._depth -= 1
            self._end(frame, value)

    def _begin(self, frame: FrameType) -> None:
        code = frame.f_code
        found = self._begun[id(frame)] = {
            "type": "python",
            "name": code.co_qualname.replace("<locals>.", ""),
            "args": self._arguments(frame),
            "text": "(not ended)",
            "where": f"{code.co_filename.removeprefix(self._prefix)}:{code.co_firstlineno}",
            "depth": max(self._depth, 0),
        }
        self._emit(found)

    def _end(self, frame: FrameType, value: object) -> None:
        how = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        if how in _YIELDS or (found := self._begun.pop(id(frame), None)) is None:
            return
        file = frame.f_code.co_filename.removeprefix(self._prefix)
        found["where"] = f"{file}:{frame.f_lineno}"
        found["text"] = shown(value) if how in _RETURNS else "raised"

    def _arguments(self, frame: FrameType) -> dict[str, str]:
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
        names = [name for name in code.co_varnames[:count] if name != "self"]
        found = frame.f_locals
        return {name: shown(found[name]) for name in names if name in found}
