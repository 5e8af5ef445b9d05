"""Records of what a program does besides what is counted: maps code, takes names, forks, ends.

From these `perf report` knows which program, file and function an address belongs to.
"""

from __future__ import annotations

import os
from struct import pack
from typing import TYPE_CHECKING, Final

from ...abi import perf
from ...abi.mman import MAP_PRIVATE, MAP_SHARED
from ...machine.api import EXEC
from . import records, sampling

if TYPE_CHECKING:
    from ..mm.report import MapEntry
    from ..thread import Thread
    from .counter import Counter
    from .system import Perf

_PATH_MOST: Final = 4096


class Sideband:
    """Writes these records for every counter that wants them."""

    def __init__(self, owner: Perf) -> None:
        self._perf = owner

    def _write(
        self, counter: Counter, kind: int, misc: int, body: bytes, thread: Thread | None
    ) -> None:
        now = self._perf.time_of(counter)
        sampling.write(counter, records.record(counter, kind, misc, body, thread, now))

    # -- memory

    def mapped(self, thread: Thread, start: int, end: int) -> None:
        """Tell of the areas between two addresses, which are new or have new permissions."""
        for entry in tuple(thread.mm.maps()):
            if entry.start < end and entry.end > start:
                self._area(thread, entry)

    def all_mapped(self, thread: Thread) -> None:
        """Tell of all areas: a new program begins."""
        for entry in tuple(thread.mm.maps()):
            self._area(thread, entry)

    def _area(self, thread: Thread, entry: MapEntry) -> None:
        code = bool(entry.prot & EXEC)
        for counter in self._perf.counting(thread, perf.KEY_MMAP):
            attr = counter.attr
            if not attr.has(perf.MMAP | perf.MMAP2 if code else perf.MMAP_DATA):
                continue
            misc = perf.MISC_USER | (0 if code else perf.MISC_MMAP_DATA)
            kind = perf.RECORD_MMAP2 if attr.has(perf.MMAP2) else perf.RECORD_MMAP
            self._write(counter, kind, misc, _mmap_body(thread, entry, kind), thread)

    # -- names

    def named(self, thread: Thread, *, by_exec: bool = False) -> None:
        """Tell that a thread has another name."""
        name = thread.comm[:15] + b"\0"
        body = pack("<II", thread.process.pid, thread.tid) + name.ljust(
            -(-len(name) // 8) * 8, b"\0"
        )
        for counter in self._perf.counting(thread, perf.KEY_COMM):
            exec_bit = by_exec and counter.attr.has(perf.COMM_EXEC)
            misc = perf.MISC_COMM_EXEC if exec_bit else 0
            self._write(counter, perf.RECORD_COMM, misc, body, thread)

    # -- life

    def began(self, parent: Thread, child: Thread) -> None:
        """Tell of a new thread (PERF_RECORD_FORK)."""
        self._task(perf.RECORD_FORK, child, parent, parent)

    def ended(self, thread: Thread) -> None:
        """Tell that a thread ends (PERF_RECORD_EXIT)."""
        parent = thread.process.parent
        self._task(perf.RECORD_EXIT, thread, None if parent is None else parent.leader, thread)

    def _task(self, kind: int, subject: Thread, parent: Thread | None, teller: Thread) -> None:
        parents = (0, 0) if parent is None else (parent.process.pid, parent.tid)
        for counter in self._perf.counting(teller, perf.KEY_TASK):
            body = pack(
                "<IIIIQ", subject.process.pid, parents[0], subject.tid, parents[1],
                self._perf.time_of(counter),
            )  # fmt: skip
            self._write(counter, kind, 0, body, teller)

    def counted(self, counter: Counter) -> None:
        """Tell what an inherited counter has counted, at its end (PERF_RECORD_READ)."""
        thread = counter.context.thread
        if thread is not None:
            body = pack("<II", thread.process.pid, thread.tid) + records.values(counter)
            self._write(counter, perf.RECORD_READ, 0, body, thread)

    # -- the CPU

    def switched(
        self, thread: Thread | None, other: Thread | None, *, out: bool, preempted: bool = False
    ) -> None:
        """Tell that ``thread`` (``None``: nobody) gets the CPU from ``other``, or leaves it."""
        misc = perf.MISC_SWITCH_OUT if out else 0
        misc |= perf.MISC_SWITCH_OUT_PREEMPT if preempted else 0
        cpu = self._perf.cpu
        counters = tuple(cpu.active.get(perf.KEY_SWITCH, ()))
        if thread is not None:
            counters = tuple(self._perf.counting(thread, perf.KEY_SWITCH))
        for counter in counters:
            if counter.context is cpu:
                numbers = (0, 0) if other is None else (other.process.pid, other.tid)
                body = pack("<II", *numbers)
                self._write(counter, perf.RECORD_SWITCH_CPU_WIDE, misc, body, thread)
            else:
                self._write(counter, perf.RECORD_SWITCH, misc, b"", thread)


def _mmap_body(thread: Thread, entry: MapEntry, kind: int) -> bytes:
    ids = thread.process.pid, thread.tid
    body = pack("<IIQQQ", *ids, entry.start, entry.end - entry.start, entry.offset)
    device, ino = entry.key
    if kind == perf.RECORD_MMAP2:
        sharing = MAP_SHARED if entry.shared else MAP_PRIVATE
        numbers = os.major(device), os.minor(device)
        body += pack("<IIQQII", *numbers, ino, 0, entry.prot, sharing)
    name = entry.name or (b"" if entry.place is None else entry.place.path()) or b"//anon"
    name = name[:_PATH_MOST]
    return body + name.ljust(-(-(len(name) + 1) // 8) * 8, b"\0")
