"""Events of fanotify(7) as read(2) shows them, and questions that wait for an answer."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ...abi.errno import EINVAL, LinuxError
from ...abi.fanotify import (
    DIRENT_EVENTS,
    FAN_EVENT_INFO_TYPE_DFID,
    FAN_EVENT_INFO_TYPE_DFID_NAME,
    FAN_EVENT_INFO_TYPE_FID,
    FAN_EVENT_INFO_TYPE_NEW_DFID_NAME,
    FAN_EVENT_INFO_TYPE_OLD_DFID_NAME,
    FAN_ONDIR,
    FAN_RENAME,
    FAN_REPORT_DIR_FID,
    FAN_REPORT_FID,
    FAN_REPORT_NAME,
    FAN_REPORT_TARGET_FID,
    FAN_RESPONSE_INFO_AUDIT_RULE,
    FID_BITS,
    INFO_FID,
    INFO_UNIT,
    RESPONSE_AUDIT_RULE,
)
from ..core.poll import PollSet
from ..core.sched import Waker
from ..vfs.handles import Handle, fsid, identify
from ..vfs.notify import ON_FILESYSTEM, ON_NODE, ON_TARGET, Event

if TYPE_CHECKING:
    from ..task.process import Process
    from ..vfs.mount import Location
    from ..vfs.node import FilesystemOps
    from .fanotify_mounts import ToldMount


class Question:
    """Whether something is permitted; somebody waits to know."""

    __slots__ = ("_changed", "_denial", "answered", "fd")

    def __init__(self) -> None:
        self.answered = False
        self.fd = -1  #: by which the listener names it
        self._denial: type[LinuxError] | None = None
        self._changed = PollSet()

    def decide(self, denial: type[LinuxError] | None) -> None:
        """Let whoever waits go on, with an error or without."""
        self.answered = True
        self._denial = denial
        self._changed.wake()

    def register(self, waker: Waker) -> None:
        """Arrange a wake-up for when it is answered."""
        self._changed.register(waker)

    def check(self) -> None:
        """Raise the error that the answer is, if it is one."""
        if self._denial is not None:
            raise self._denial


@dataclass(slots=True)
class Item:
    """An event in the queue."""

    mask: int
    pid: int = 0
    process: Process | None = None
    place: Location | None = None  #: what is to be opened for the reader
    told: Told | ToldMount | None = None  #: what tells the nodes of the event
    key: Hashable = None  #: events with the same one are shown as one; ``None``: never
    question: Question | None = None


class _Record(NamedTuple):
    type: int
    handle: Handle
    name: bytes | None = None

    def pack(self, fs: FilesystemOps) -> bytes:
        tail = self.handle.data + (b"" if self.name is None else self.name + b"\0")
        size = -(-(INFO_FID.size + len(tail)) // INFO_UNIT) * INFO_UNIT
        header = INFO_FID.pack(
            self.type, 0, size, *fsid(fs), len(self.handle.data), self.handle.type
        )
        return (header + tail).ljust(size, b"\0")


class Told(NamedTuple):
    """The nodes of an event, for a group that reports handles."""

    fs: FilesystemOps
    named: tuple[_Record, ...] = ()
    alone: Handle | None = None  #: of the only node; its record depends on the whole mask

    @property
    def joins(self) -> bool:
        """Whether events of the same nodes become one: not those that tell where to alone."""
        return not self.named or self.named[0].type != FAN_EVENT_INFO_TYPE_NEW_DFID_NAME

    def pack(self, mask: int, mode: int) -> bytes:
        """Return the records as read(2) gives them (copy_info_records_to_user() in Linux)."""
        records = self.named
        if self.alone is not None:
            records = (_alone(self.alone, mask, mode & FID_BITS),)
        return b"".join(record.pack(self.fs) for record in records)


def told(event: Event, mask: int, mode: int, matched: int) -> Told | None:
    """Return what a group that reports by ``mode`` (FAN_REPORT_*) is told of the nodes.

    ``matched``: bits of what the marks that it matched are on.  As fanotify_alloc_event() does
    in Linux's fs/notify/fanotify/fanotify.c.
    """
    mode &= FID_BITS
    if not mode:
        return None
    of_name = mask & DIRENT_EVENTS
    above = None if event.directory is None else identify(event.directory)
    subject: Handle | None = event.subject.handle
    if of_name and not mode & FAN_REPORT_TARGET_FID:
        subject = above
    if not of_name and event.subject.is_directory:
        above = event.subject.handle
    if not mode & FAN_REPORT_DIR_FID or above is None:
        return Told(event.fs, alone=subject)
    target_wanted = mode & (FAN_REPORT_TARGET_FID if of_name else FAN_REPORT_FID)
    child = subject if target_wanted and (of_name or not mask & FAN_ONDIR) else None
    if child == above:
        child = None
    named = bool(mode & FAN_REPORT_NAME and (of_name or not mask & FAN_ONDIR))
    if not named and child is None:
        return Told(event.fs, alone=above)
    records = _directories(event, mask, above, matched, named=named)
    if child is not None:
        records.append(_Record(FAN_EVENT_INFO_TYPE_FID, child))
    return Told(event.fs, tuple(records))


def _directories(
    event: Event, mask: int, above: Handle, matched: int, *, named: bool
) -> list[_Record]:
    if not mask & FAN_RENAME:
        kind = FAN_EVENT_INFO_TYPE_DFID_NAME if named else FAN_EVENT_INFO_TYPE_DFID
        return [_Record(kind, above, event.name if named else None)]
    assert event.target is not None
    directory, name = event.target
    records = []
    if matched & (1 << ON_NODE | 1 << ON_FILESYSTEM):
        records.append(_Record(FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, above, event.name))
    if matched & (1 << ON_TARGET | 1 << ON_FILESYSTEM):
        records.append(_Record(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, identify(directory), name))
    return records


def _alone(handle: Handle, mask: int, mode: int) -> _Record:
    """Return the record of an event that tells one node only."""
    if mode == FAN_REPORT_FID:
        return _Record(FAN_EVENT_INFO_TYPE_FID, handle)
    if mode & FAN_REPORT_NAME and mask & FAN_ONDIR:
        return _Record(FAN_EVENT_INFO_TYPE_DFID_NAME, handle, b".")
    if mask & (DIRENT_EVENTS | FAN_ONDIR):
        return _Record(FAN_EVENT_INFO_TYPE_DFID, handle)
    return _Record(FAN_EVENT_INFO_TYPE_FID, handle)


def check_rule(data: bytes) -> None:
    """Check what comes with an answer that has FAN_INFO; raise ``EINVAL``."""
    if len(data) != RESPONSE_AUDIT_RULE.size:
        raise EINVAL
    kind, pad, size, *_ = RESPONSE_AUDIT_RULE.unpack(data)
    if (kind, pad, size) != (FAN_RESPONSE_INFO_AUDIT_RULE, 0, RESPONSE_AUDIT_RULE.size):
        raise EINVAL
