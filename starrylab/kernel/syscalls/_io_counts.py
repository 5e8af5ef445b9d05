"""What /proc/PID/io shows: bytes that calls moved, and how many calls (proc_pid_io(5)).

A call's declaration names the way its bytes go; calls that fail are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from ..thread import Thread

Moves = Literal["in", "out", "both"]
Count = Callable[["Thread", Any], Any]


def _read(t: Thread, result: Any) -> Any:
    if result.__class__ is not int:
        return _later(t, result, _read)
    usage = t.usage
    usage.rchar += result
    usage.syscr += 1
    return result


def _written(t: Thread, result: Any) -> Any:
    if result.__class__ is not int:
        return _later(t, result, _written)
    usage = t.usage
    usage.wchar += result
    usage.syscw += 1
    return result


def _copied(t: Thread, result: Any) -> Any:
    if result.__class__ is not int:
        return _later(t, result, _copied)
    return _read(t, _written(t, result))


async def _later(t: Thread, call: Coroutine[Any, Any, int], count: Count) -> int:
    """Count what a call that waits will have done."""
    result: int = count(t, await call)
    return result


COUNTS: Final[dict[Moves, Count]] = {"in": _read, "out": _written, "both": _copied}
