"""An event as an open file: read(2), ioctl(2), poll(2) and mmap(2) of perf_event_open(2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...abi import perf
from ...abi.capability import CAP_IPC_LOCK
from ...abi.errno import EINVAL, ENOSPC, ENOTTY, EOPNOTSUPP, EPERM
from ...abi.fcntl import O_RDWR
from ...abi.mman import MAP_SHARED, MAP_TYPE, PROT_WRITE
from ...abi.poll import POLLHUP, POLLIN
from ...abi.resource import RLIMIT_MEMLOCK
from ..core.poll import PollSet
from ..core.sched import Waker
from ..files.file import File
from ..mm.areas import VM_DONTDUMP, VM_DONTFORK
from . import records, sampling, symbols
from .attr import read_attr
from .breakpoints import check_breakpoint
from .filters import Filter
from .moment import Moment
from .ring import Ring

if TYPE_CHECKING:
    from ..mm.source import PageSource
    from ..thread import Thread
    from .counter import Counter

_PAGE: Final = 4096

_M64: Final = (1 << 64) - 1
_BPF: Final = 280  #: number of bpf(2)
_O_ASYNC: Final = 0o20000
_FILTER_MOST: Final = 4096  #: bytes


class PerfFile(File):
    """The descriptor of a counter, which lives as long as descriptors or mappings do."""

    __slots__ = ("_maps", "_news", "_uid", "counter", "readers")

    kind = "perf_event"

    def __init__(self, counter: Counter, uid: int) -> None:
        super().__init__(O_RDWR)
        self.counter = counter
        counter.file = self
        self._uid = uid  #: whom the memory of the buffer is charged to
        self.readers = PollSet()
        self._news = POLLIN  #: what SIGIO tells: a sample, or the last one
        self._maps = 0

    # -- reading and waiting

    def read(self, size: int) -> bytes:
        """Return the count, as attr.read_format says; ``ENOSPC`` if it does not fit."""
        data = records.values(self.counter)
        if size < len(data):
            raise ENOSPC
        self.counter.show()
        return data

    def poll(self) -> int:
        """See ``File.poll``: what came since the last look; POLLHUP after the thread's end."""
        counter = self.counter
        if counter.gone and not counter.children:
            return POLLHUP
        ring = counter.ring
        if ring is None:
            return POLLHUP
        ready, ring.poll = ring.poll, 0
        return ready

    def announced(self) -> int:
        """See ``File.announced``."""
        return self._news

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.readers.register(waker)

    def wake_readers(self) -> None:
        """Tell that there are records to read, or that there will be no more."""
        ring = self.counter.ring
        if ring is not None:
            ring.poll = POLLIN
            for counter in ring.refs:
                if counter.file is not None and counter.file is not self:
                    counter.file.readers.wake()
        self.readers.wake()

    def overflowed(self, *, last: bool) -> None:
        """Note a sample; ``last``: after it the counter is stopped."""
        if self.flags & _O_ASYNC:
            self._news = POLLHUP if last else POLLIN
            self.readers.wake()

    def output(self, data: bytes) -> None:
        """Write a sample with ``data`` as its raw part (bpf_perf_event_output(), bpf-helpers(7)).

        Raises ``EINVAL`` for other events than PERF_COUNT_SW_BPF_OUTPUT, ``ENOSPC``.
        """
        counter = self.counter
        key = counter.attr.type, counter.attr.config
        if key != (perf.TYPE_SOFTWARE, perf.SW_BPF_OUTPUT):
            raise EINVAL
        thread = counter.perf.kernel.traps.current()
        ip = symbols.call_address(_BPF)
        moment = Moment(thread, ip, user=False, raw=data)
        now = counter.perf.time_of(counter)
        if not sampling.write(counter, records.sample(counter, moment, 1, now), moment):
            raise ENOSPC
        sampling.count_to_wakeup(counter)

    # -- control

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """See ``File.ioctl``."""
        serve = _IOCTLS.get(request)
        if serve is None:
            raise ENOTTY
        serve(self, thread, arg)
        return 0

    def _each(self, arg: int) -> list[Counter]:
        return self.counter.group if arg & perf.IOC_FLAG_GROUP else [self.counter]

    def enable(self, _: Thread, arg: int) -> None:
        """Start; with PERF_IOC_FLAG_GROUP the whole group."""
        for counter in self._each(arg):
            counter.enable()

    def disable(self, _: Thread, arg: int) -> None:
        """Stop; see `enable`."""
        for counter in self._each(arg):
            counter.disable()

    def reset(self, _: Thread, arg: int) -> None:
        """Set the count to 0; see `enable`."""
        for counter in self._each(arg):
            counter.reset()

    def refresh(self, _: Thread, arg: int) -> None:
        """Count until there were ``arg`` more samples."""
        attr = self.counter.attr
        if attr.has(perf.INHERIT) or not attr.sampling:
            raise EINVAL
        self.counter.limit += arg & 0xFFFFFFFF
        self.counter.enable()

    def set_period(self, thread: Thread, arg: int) -> None:
        """Take samples in another period; raise ``EINVAL``."""
        period, attr = thread.mm.read_u64(arg), self.counter.attr
        if not attr.sampling or not period:
            raise EINVAL
        if attr.has(perf.FREQ):
            if period > self.counter.perf.settings.max_rate:
                raise EINVAL
        elif period >> 63:
            raise EINVAL
        self.counter.set_period(period)

    def show_id(self, thread: Thread, arg: int) -> None:
        """Tell the id that records name the event by."""
        thread.mm.write(arg, self.counter.id.to_bytes(8, "little"))

    def set_output(self, thread: Thread, arg: int) -> None:
        """Write records to the buffer of another event."""
        if arg == _M64:
            self.redirect(None)
            return
        other = thread.fds[(arg & 0xFFFFFFFF ^ 1 << 31) - (1 << 31)]
        if not isinstance(other, PerfFile):
            raise EINVAL
        self.redirect(other.counter)

    def set_filter(self, thread: Thread, arg: int) -> None:
        """Count only some records of a tracepoint; raise ``EINVAL``."""
        counter = self.counter
        text = thread.mm.read_cstr(arg, _FILTER_MOST)
        if counter.attr.type != perf.TYPE_TRACEPOINT:
            raise EINVAL
        point = counter.perf.points[counter.attr.config]
        made = None if text.strip() in (b"", b"0") else Filter(text, point)
        for each in (counter, *counter.children):
            each.filter = made

    def pause(self, _: Thread, arg: int) -> None:
        """Write no records for a while."""
        ring = self.counter.ring
        if ring is None or not ring.data_pages:
            raise EINVAL
        ring.paused = bool(arg)

    def modify(self, thread: Thread, arg: int) -> None:
        """Move a breakpoint; nothing else can be modified."""
        counter, kernel = self.counter, thread.kernel
        wanted = read_attr(thread.mm, arg, kernel.arch, kernel.perf.settings.max_stack)
        if wanted.type != counter.attr.type:
            raise EINVAL
        if wanted.type != perf.TYPE_BREAKPOINT:
            raise EOPNOTSUPP
        check_breakpoint(wanted)
        for each in (counter, *counter.children):
            each.disable()
            each.attr = replace(
                each.attr, bp_type=wanted.bp_type, config1=wanted.config1, config2=wanted.config2
            )
            if not wanted.has(perf.DISABLED):
                each.enable()

    def set_program(self, thread: Thread, arg: int) -> None:
        """Let a program of bpf(2) decide about samples; raise ``EINVAL`` where that cannot be."""
        attach = self.counter.perf.attach_program
        if attach is None:
            raise EINVAL
        attach(thread, self.counter, arg & 0xFFFFFFFF)

    def refuse(self, _: Thread, arg: int) -> None:
        """Programs of bpf(2) cannot be attached."""
        raise EINVAL

    # -- the buffer

    def redirect(self, other: Counter | None) -> None:
        """Write records to another event's buffer, or to none (``perf_event_set_output``)."""
        counter = self.counter
        if other is not None:
            same = other.context is counter.context or other.context.thread is None
            clocks = other.attr.clockid == counter.attr.clockid
            if other is counter or not same or not clocks:
                raise EINVAL
            if (other.attr.flags ^ counter.attr.flags) & (perf.WRITE_BACKWARD | perf.USE_CLOCKID):
                raise EINVAL
        if self._maps:
            raise EINVAL
        ring = None if other is None else other.ring
        if other is not None and ring is None:
            raise EINVAL
        if counter.ring is not None:
            counter.ring.refs.discard(counter)
        counter.ring = ring
        if ring is not None:
            ring.refs.add(counter)

    def map_range(self, prot: int, flags: int, offset: int, size: int) -> tuple[PageSource, int]:
        """See ``File.map_range``: a control page and 2**n pages of records (``perf_mmap``)."""
        counter, pages = self.counter, -(-size // _PAGE) - 1
        if counter.attr.has(perf.INHERIT) and not counter.per_cpu:
            raise EINVAL
        if flags & MAP_TYPE != MAP_SHARED or offset or (pages and pages & (pages - 1)):
            raise EINVAL
        ring = counter.ring
        if ring is not None:
            if ring.data_pages != pages:
                raise EINVAL
        else:
            self._check_locked(pages + 1)
            attr = counter.attr
            ring = Ring(
                counter.perf.kernel.frames,
                pages,
                watermark=attr.wakeup if attr.has(perf.WATERMARK) else 0,
                overwrite=not prot & PROT_WRITE,
                added=self._mapped,
                removed=self._unmapped,
            )
        return ring, VM_DONTFORK | VM_DONTDUMP

    def _check_locked(self, pages: int) -> None:
        """Raise ``EPERM`` for more pages than a user may lock for buffers."""
        system = self.counter.perf
        allowed = system.settings.mlock_kb * 1024 // _PAGE
        extra = system.locked_pages.get(self._uid, 0) + pages - allowed
        thread = system.kernel.traps.current()
        limit = thread.process.limits.soft(RLIMIT_MEMLOCK) // _PAGE
        free = system.settings.paranoid <= -1 or thread.cred.capable(CAP_IPC_LOCK)
        if extra > limit and not free:
            raise EPERM

    def _mapped(self, ring: Ring) -> None:
        counter = self.counter
        self.acquire()
        self._maps += 1
        if counter.ring is not ring:
            counter.ring = ring
            ring.refs.add(counter)
            self._charge(1 + ring.data_pages)
        counter.show()

    def _unmapped(self, ring: Ring) -> None:
        self._maps -= 1
        if not ring.mappers:
            for counter in ring.refs:
                counter.ring = None
            ring.refs.clear()
            self._charge(-1 - ring.data_pages)
        self.release()

    def _charge(self, pages: int) -> None:
        locked = self.counter.perf.locked_pages
        locked[self._uid] = locked.get(self._uid, 0) + pages
        if not locked[self._uid]:
            del locked[self._uid]

    # -- the end

    def closed(self) -> None:
        """See ``File.closed``: the siblings of a leader go on alone."""
        counter = self.counter
        counter.file = None
        for child in tuple(counter.children):
            child.retire()
            _leave_group(child)
        counter.children.clear()
        counter.retire()
        _leave_group(counter)
        if counter.program_end is not None:
            counter.program_end()
        if counter.ring is not None:
            counter.ring.refs.discard(counter)
            counter.ring = None

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"anon_inode:[perf_event]"


def _leave_group(counter: Counter) -> None:
    leader = counter.leader
    if leader is not counter:
        if counter in leader.siblings:
            leader.siblings.remove(counter)
        return
    for sibling in counter.siblings:
        sibling.leader = sibling
        sibling.settle()
    counter.siblings = []


_Serve = Callable[[PerfFile, "Thread", int], None]
_IOCTLS: Final[dict[int, _Serve]] = {
    perf.IOC_ENABLE: PerfFile.enable,
    perf.IOC_DISABLE: PerfFile.disable,
    perf.IOC_REFRESH: PerfFile.refresh,
    perf.IOC_RESET: PerfFile.reset,
    perf.IOC_PERIOD: PerfFile.set_period,
    perf.IOC_SET_OUTPUT: PerfFile.set_output,
    perf.IOC_SET_FILTER: PerfFile.set_filter,
    perf.IOC_ID: PerfFile.show_id,
    perf.IOC_SET_BPF: PerfFile.set_program,
    perf.IOC_PAUSE_OUTPUT: PerfFile.pause,
    perf.IOC_QUERY_BPF: PerfFile.refuse,
    perf.IOC_MODIFY_ATTRIBUTES: PerfFile.modify,
}
