"""Breakpoints, watchpoints and catchpoints as the user made them: where they are, when they count.

A breakpoint names a place in the program; where that is in memory is looked up in each traced
process, again after execve(2) and when a library is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .api import Access, Breakpoint, CallStop, ControlError, EventKind
from .evaluation import check_condition
from .locations import Location, resolve
from .places import Places, Watch, Watches

if TYPE_CHECKING:
    from ...kernel.mm.space import AddressSpace
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread
    from .code import Code

Condition = Callable[["Thread", str, "CallStop | None"], int]

_GONE: Final = "the process is gone"


@dataclass(eq=False, slots=True)
class Point:
    """A `Breakpoint`, and what the debugger needs for it."""

    info: Breakpoint
    location: Location | None = None
    watch: Watch | None = None
    calls: frozenset[int] | None = None  #: system call numbers; None: all
    signals: frozenset[int] | None = None
    event: EventKind | None = None
    spaces: dict[AddressSpace, tuple[int, ...]] = field(default_factory=dict)

    def applies(self, thread: Thread) -> bool:
        """Say whether the point is meant for ``thread``."""
        info = self.info
        if not info.enabled or info.pid not in (0, thread.process.pid):
            return False
        return info.tid in (0, thread.tid)


class Points:
    """All points of one debugger."""

    def __init__(self, code: Code, places: Places, watches: Watches, condition: Condition) -> None:
        self._code = code
        self._places = places
        self._watches = watches
        self._condition = condition
        self._points: dict[int, Point] = {}
        self._last = 0

    def __iter__(self) -> Iterable[Point]:
        return iter(list(self._points.values()))

    def infos(self) -> list[Breakpoint]:
        """Return what `info break` shows."""
        return [point.info for point in self._points.values()]

    def __getitem__(self, number: int) -> Point:
        try:
            return self._points[number]
        except KeyError:
            raise ControlError(f"no breakpoint number {number}") from None

    def add(self, point: Point, processes: Iterable[Process]) -> Breakpoint:
        """Give a point its number and set it where that can be done now.

        Raises `ControlError`, for a condition that is no expression, too.
        """
        check_condition(point.info.condition)
        self._last += 1
        point.info.number = self._last
        self._points[self._last] = point
        try:
            self.settle(point, processes)
        except ControlError:
            self._drop(point)
            self._last -= 1
            raise
        return point.info

    def remove(self, number: int) -> None:
        """Delete a point; `ControlError` for an unknown number."""
        self._drop(self[number])

    def _drop(self, point: Point) -> None:
        point.info.enabled = False
        self._clear(point)
        self._points.pop(point.info.number, None)

    # -- where they are

    def settle(self, point: Point, processes: Iterable[Process]) -> None:
        """Set ``point`` where it belongs now, and nowhere else."""
        self._clear(point)
        self._set_in(point, processes)

    def _set_in(self, point: Point, processes: Iterable[Process]) -> None:
        if not point.info.enabled:
            return
        for process in processes:
            if point.info.pid in (0, process.pid) and process.threads:
                self._set(point, process)
        if point.location is not None:
            point.info.problem = "" if point.spaces else point.location.missing

    def _set(self, point: Point, process: Process) -> None:
        space = next(iter(process.threads.values())).mm
        if space in point.spaces:
            return
        if point.watch is not None:
            self._watches.add(space, point.watch)
            point.spaces[space] = (point.watch.addr,)
        elif point.location is not None:
            addrs = resolve(point.location, self._code, space)
            if not addrs:
                return
            point.spaces[space] = addrs
            for addr in addrs:
                self._places.add(space, addr, point)
        else:
            return
        point.info.addresses[process.pid] = point.spaces[space]

    def _clear(self, point: Point) -> None:
        for space, addrs in point.spaces.items():
            if point.watch is not None:
                self._watches.remove(space, point.watch)
                continue
            for addr in addrs:
                self._places.remove(space, addr, point)
        point.spaces.clear()
        point.info.addresses.clear()

    def settle_all(self, processes: Iterable[Process], *, added: bool = False) -> None:
        """Look up every point again; ``added``: besides where they are."""
        processes = list(processes)
        for point in list(self._points.values()):
            if point.location is None:
                continue
            if not added:
                self.settle(point, processes)
            else:
                self._set_in(point, processes)

    def forget(self, space: AddressSpace) -> None:
        """Note that an address space is gone; watchpoints in it have nothing to watch any more."""
        for point in list(self._points.values()):
            if point.spaces.pop(space, None) is None:
                continue
            if point.watch is not None and not point.spaces:
                point.info.problem = _GONE
                point.info.enabled = False

    def pending(self, spaces: Iterable[AddressSpace]) -> bool:
        """Say whether a breakpoint waits for its place to be loaded in one of ``spaces``."""
        waiting = [p for p in self._points.values() if p.location is not None and p.info.enabled]
        return any(space not in point.spaces for space in spaces for point in waiting)

    # -- whether they count

    def met(
        self, points: Iterable[Point], thread: Thread, call: CallStop | None = None
    ) -> tuple[int, ...]:
        """Return the numbers of those of ``points`` that stop ``thread`` now; count the hits."""
        found = []
        for point in points:
            if not point.applies(thread) or not self._holds(point, thread, call):
                continue
            info = point.info
            info.hits += 1
            if info.ignore:
                info.ignore -= 1
                continue
            found.append(info.number)
            if info.temporary:
                self._drop(point)
        return tuple(found)

    def _holds(self, point: Point, thread: Thread, call: CallStop | None) -> bool:
        info = point.info
        if not info.condition:
            return True
        try:
            value = self._condition(thread, info.condition, call)
        except ControlError as error:
            info.problem = f"error in condition: {error}"
            return True
        return bool(value)

    def with_call(self, number: int) -> list[Point]:
        """Return the enabled points that catch system call ``number``."""
        return [
            p for p in self._points.values()
            if p.info.enabled and p.info.what == "catch syscall"
            and (p.calls is None or number in p.calls)
        ]  # fmt: skip

    def with_signal(self, signo: int) -> list[Point]:
        """Return the enabled points that catch signal ``signo``."""
        return [
            p for p in self._points.values()
            if p.info.enabled and p.info.what == "catch signal"
            and (p.signals is None or signo in p.signals)
        ]  # fmt: skip

    def with_event(self, kind: EventKind) -> list[Point]:
        """Return the enabled points that catch process event ``kind``."""
        return [p for p in self._points.values() if p.info.enabled and p.event is kind]

    def caught_calls(self) -> list[frozenset[int] | None]:
        """Return the system calls that each of the points catches; ``None``: all."""
        points = self._points.values()
        return [p.calls for p in points if p.info.enabled and p.info.what == "catch syscall"]


def watch_name(access: Access) -> str:
    """Return how `info break` calls a watchpoint."""
    return {
        Access.WRITE: "watchpoint",
        Access.READ: "read watchpoint",
        Access.ANY: "acc watchpoint",
    }[access]
