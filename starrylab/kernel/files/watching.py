"""How much may be watched: limits of inotify(7) and fanotify(7), and who uses how much."""

from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ...abi.errno import EMFILE, LinuxError

if TYPE_CHECKING:
    from .fanotify_mounts import NamespaceMark


class Kind(Enum):
    """What is counted for each user (``struct ucounts``)."""

    INOTIFY_INSTANCES = auto()
    INOTIFY_WATCHES = auto()
    FANOTIFY_GROUPS = auto()
    FANOTIFY_MARKS = auto()


class Watching:
    """The limits of a kernel, as /proc/sys/fs/{inotify,fanotify} show and set them."""

    def __init__(self) -> None:
        self.queued_events: dict[str, int] = {"inotify": 16_384, "fanotify": 16_384}
        self.limits: dict[Kind, int] = {
            Kind.INOTIFY_INSTANCES: 128,
            Kind.INOTIFY_WATCHES: 65_536,
            Kind.FANOTIFY_GROUPS: 128,
            Kind.FANOTIFY_MARKS: 65_536,
        }
        self.lease_break_time = 45  #: seconds
        self.leases_enabled = True
        self.notices_enabled = True  #: F_NOTIFY
        self.listeners = 0  #: who wants to be told what calls do to files
        self.guards = 0  #: who wants to be asked before
        self.reporting = (False, False)  #: whether calls tell and ask now
        self.mount_marks: dict[NamespaceMark, None] = {}  #: of fanotify(7)
        self._used: Counter[tuple[Kind, int]] = Counter()

    def take(self, kind: Kind, uid: int, error: type[LinuxError] = EMFILE) -> Share:
        """Count one more for a user; raise ``error`` where the limit is reached."""
        if self._used[kind, uid] >= self.limits[kind]:
            raise error
        self._used[kind, uid] += 1
        return Share(self._used, (kind, uid))


class Share:
    """One that was counted; it is given back once."""

    __slots__ = ("_key", "_used")

    def __init__(self, used: Counter[tuple[Kind, int]], key: tuple[Kind, int]) -> None:
        self._used: Final = used
        self._key: tuple[Kind, int] | None = key

    def give_back(self) -> None:
        """Count one less, the first time."""
        key, self._key = self._key, None
        if key is not None:
            self._used[key] -= 1
            if not self._used[key]:
                del self._used[key]
