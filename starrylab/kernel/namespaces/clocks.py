"""Time namespaces: monotonic clocks that began at another time (time_namespaces(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EACCES, EINVAL, ERANGE
from ...abi.sched import CLONE_NEWTIME
from ...abi.time import (
    CLOCK_BOOTTIME,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_MONOTONIC,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_MONOTONIC_RAW,
)
from .base import Namespace, Registry

if TYPE_CHECKING:
    from .user import UserNamespace


_MONOTONIC: Final = frozenset({CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE})
_BOOTTIME: Final = frozenset({CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM})


_NAMES: Final = {
    b"monotonic": "monotonic_ns", b"1": "monotonic_ns",
    b"boottime": "boottime_ns", b"7": "boottime_ns",
}  # fmt: skip
_NS: Final = 1_000_000_000
_MAX_NS: Final = (1 << 63) - 1


class TimeNamespace(Namespace):
    """How far the clocks of its processes are ahead of the initial namespace's, in ns."""

    name = "time"
    flag = CLONE_NEWTIME

    def __init__(self, registry: Registry, user_ns: UserNamespace | None, ino: int = 0) -> None:
        super().__init__(registry, user_ns, ino)
        self.monotonic_ns = 0
        self.boottime_ns = 0
        self.fixed = bool(ino)  #: somebody is in it, so the offsets stay

    @property
    def shifts(self) -> bool:
        """Whether a clock differs from the initial namespace's."""
        return bool(self.monotonic_ns or self.boottime_ns)

    def ahead(self, clock_id: int) -> int:
        """Return how far a clock is ahead here, in ns; 0 for those of no namespace."""
        if clock_id in _MONOTONIC:
            return self.monotonic_ns
        return self.boottime_ns if clock_id in _BOOTTIME else 0

    def copy(self, user_ns: UserNamespace | None) -> TimeNamespace:
        """Return a namespace with the same offsets, in which nobody is yet."""
        new = TimeNamespace(self.registry, user_ns)
        new.monotonic_ns, new.boottime_ns = self.monotonic_ns, self.boottime_ns
        return new


def write_offsets(ns: TimeNamespace, text: bytes, monotonic_now: int) -> None:
    """Set what /proc/PID/timens_offsets was given: lines of clock, seconds, nanoseconds.

    Raises ``EINVAL`` for other text, ``EACCES`` once somebody is in the namespace, ``ERANGE`` for
    a clock that would be before 0 or beyond what it can show.
    """
    offsets: dict[str, int] = {}
    for line in text.removesuffix(b"\n").split(b"\n"):
        words = line.split()
        if len(words) != 3 or words[0] not in _NAMES or not _is_number(words[1]):
            raise EINVAL
        if not words[2].isdigit() or int(words[2]) >= _NS:
            raise EINVAL
        offset = int(words[1]) * _NS + int(words[2])
        if not 0 <= monotonic_now + offset <= _MAX_NS // 2 or offset > _MAX_NS // 2:
            raise ERANGE
        offsets[_NAMES[words[0]]] = offset
    if ns.fixed:
        raise EACCES
    for name, offset in offsets.items():
        setattr(ns, name, offset)


def _is_number(word: bytes) -> bool:
    return word.removeprefix(b"-").isdigit()
