"""From notes of allocations to a report: what is left, what it is part of, who holds it.

Before anything is counted, what is no leak is left out, as Starry Mix does before its report:
names known to be absent, clean pages of cached files, lines of the kernel's log, cancelled timers
in the queue.  They are not dropped, because looking alters nothing; the report tells how many
there were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...kernel.dev.memtrack import MemTrack
from ...kernel.files.device import DeviceFile
from .cycles import collect
from .frames import FrameMap, Wrong, heap_unaccounted
from .kinds import CATEGORIES, kind_of, size_of
from .naming import Naming
from .programs import program_calls
from .recorder import Note, Recorder
from .report import HELD, LOST, OUTSIDE, Leak, LeakReport, WrongFrames
from .retention import Retention
from .stacks import Call, RawStack, resolve, syscall_of

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel

_FRAME: Final = 4096  #: bytes
_OUTSIDE_LOOKED_AT: Final = 8  #: objects that are searched for a holder outside: it is slow


@dataclass(slots=True)
class _Found:
    """One allocation that is left."""

    thing: object  #: the object; for a frame, the first holder or None
    kind: str
    size: int
    note: Note
    how: str
    part_of: int = 0  #: `id` of the new object that leads to it
    where: str = ""  #: of a frame in its holder


def analyse(kernel: Kernel, recorder: Recorder, since: int) -> LeakReport:
    """Report what was allocated after generation ``since`` and is still there.

    To be called between two system calls, or inside one that has nothing half done.
    """
    recorder.let_go()
    cycles = collect(Naming(kernel))
    retention = Retention(kernel)
    left_out: Counter[str] = Counter()
    found = list(_objects(recorder, retention, since, left_out))
    frames = FrameMap(kernel)
    found += _frames(frames, recorder, retention, since, left_out)
    return LeakReport(
        since,
        recorder.generation,
        tuple(_leaks(found, retention)),
        tuple(_wrong(frames.wrong(), recorder, retention)),
        heap_unaccounted(kernel),
        tuple(cycles),
        tuple(left_out.most_common()),
        tuple(repr(process) for process in kernel.processes.values()),
    )


# -- what is left --------------------------------------------------------------------------


def _objects(
    recorder: Recorder, retention: Retention, since: int, left_out: Counter[str]
) -> Iterator[_Found]:
    new = [(t, note) for t, note in recorder.objects() if note.generation > since]
    ids = {id(thing) for thing, _ in new}
    for thing, note in new:
        why = _no_leak(thing)
        if why:
            left_out[why] += 1
            continue
        chain = retention.chain(thing)
        part_of = next((id(t) for t in chain[:-1] if id(t) in ids and not _no_leak(t)), 0)
        how = HELD if chain else OUTSIDE
        yield _Found(thing, kind_of(type(thing)), size_of(thing), note, how, part_of)


def _no_leak(thing: Any) -> str:
    """Return which cache an object belongs to, "" for none."""
    kind = kind_of(type(thing))
    if kind == "dentry" and thing.node is None:
        return "names known to be absent"
    if kind == "timer" and thing.action is None:
        return "cancelled timers"
    if isinstance(thing, DeviceFile) and isinstance(thing.device, MemTrack):
        return "the file that the commands are written to"
    return "lines of the kernel log" if kind == "log record" else ""


def _frames(
    frames: FrameMap, recorder: Recorder, retention: Retention, since: int, left_out: Counter[str]
) -> Iterator[_Found]:
    for frame, kind in frames.in_use():
        note = recorder.frame_note(frame)
        if note is None or note.generation <= since:
            continue
        holders = frames.holders(frame)
        if frame in frames.clean:
            left_out["clean pages of cached files"] += 1
        elif not holders:
            yield _Found(None, kind, _FRAME, note, LOST)
        else:
            first = holders[0]
            new = recorder.note_of(first.holder)
            part_of = id(first.holder) if new is not None and new.generation > since else 0
            how = HELD if retention.reaches(first.holder) else OUTSIDE
            yield _Found(first.holder, kind, _FRAME, note, how, part_of, first.how)


# -- into groups ---------------------------------------------------------------------------

_Key = tuple[str, str, bool, RawStack, int]


def _leaks(found: list[_Found], retention: Retention) -> list[Leak]:
    parts: dict[int, list[_Found]] = {}
    for item in found:
        if item.part_of:
            parts.setdefault(item.part_of, []).append(item)
    groups: dict[_Key, list[_Found]] = {}
    for item in found:
        frame_of = id(item.thing) if item.note.cls is int else 0
        key = (item.kind, item.how, bool(item.part_of), item.note.stack, frame_of)
        groups.setdefault(key, []).append(item)
    search = _Outside(retention, len(groups))
    leaks = [_leak(items, parts, retention, search) for items in groups.values()]
    return sorted(leaks, key=lambda leak: -leak.bytes)


def _leak(
    items: list[_Found],
    parts: dict[int, list[_Found]],
    retention: Retention,
    search: _Outside,
) -> Leak:
    first = items[0]
    calls = resolve(first.note.stack)
    held = [p for i in items if i.note.cls is not int for p in parts.get(id(i.thing), ())]
    name = first.kind if first.thing is None else retention.naming.name(first.thing)
    holder = retention.path(first.thing) if first.how == HELD else search.holder(first)
    return Leak(
        kind=first.kind,
        category=CATEGORIES.get(first.kind, ""),
        count=len(items),
        bytes=sum(item.size for item in items),
        retained=len(held),
        retained_bytes=sum(part.size for part in held),
        first_size=first.size,
        pids=tuple(sorted({item.note.pid for item in items})),
        owner=0 if first.thing is None else retention.owner(first.thing),
        how=first.how,
        name=f"{first.kind} frame: {first.where or 'held by nobody'}"
        if first.note.cls is int
        else name,
        holder=holder,
        syscall=syscall_of(calls),
        pc=first.note.pc,
        stack=calls,
        program=program_calls(first.note.program, fault=not syscall_of(calls)),
        member=bool(first.part_of),
    )


class _Outside:
    """Looks for holders that are not of the kernel, for as many as there is time for."""

    def __init__(self, retention: Retention, groups: int) -> None:
        self._retention = retention
        self._left = min(groups, _OUTSIDE_LOOKED_AT)

    def holder(self, item: _Found) -> tuple[str, ...]:
        """Return who holds the thing, () if nobody does or it is not known."""
        if item.thing is None or self._left <= 0:
            return ()
        self._left -= 1
        name = self._retention.outside(item.thing, frozenset({id(item)}))
        return (name,) if name else ()


def _wrong(wrong: list[Wrong], recorder: Recorder, retention: Retention) -> Iterator[WrongFrames]:
    groups: dict[tuple[str, int, tuple[int, ...]], list[Wrong]] = {}
    for frame in wrong:
        key = (frame.kind, frame.excess, tuple(id(held.holder) for held in frame.held))
        groups.setdefault(key, []).append(frame)
    for frames in groups.values():
        first = frames[0]
        notes = [n for f in frames if (n := recorder.frame_note(f.frame)) is not None]
        calls: tuple[Call, ...] = resolve(notes[0].stack) if notes else ()
        yield WrongFrames(
            kind=first.kind,
            count=len(frames),
            references=first.references,
            holders=tuple(f"{retention.naming.name(h.holder)}, {h.how}" for h in first.held),
            first=first.frame,
            pids=tuple(sorted({note.pid for note in notes})),
            syscall=syscall_of(calls),
            stack=calls,
        )
