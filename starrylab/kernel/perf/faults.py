"""Page faults: PERF_COUNT_SW_PAGE_FAULTS and its parts, exceptions:page_fault_user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from ...abi import perf
from ...abi.arch.perf_registers import PERF_REGISTERS
from . import sampling, symbols
from .counter import FIRST_TRACEPOINT
from .moment import Moment
from .tracepoints import PAGE_FAULT

if TYPE_CHECKING:
    from ..mm.space import AddressSpace
    from ..thread import Thread
    from .system import Perf

_POINT: Final = FIRST_TRACEPOINT + PAGE_FAULT.id


class FaultSource:
    """Listens to page faults of user code."""

    def __init__(self, owner: Perf) -> None:
        self._perf = owner
        self._major: WeakKeyDictionary[AddressSpace, int] = WeakKeyDictionary()

    def start(self) -> None:
        """See `Source.start`."""
        for thread in self._perf.kernel.threads.values():
            self._major[thread.mm] = thread.mm.majflt
        self._perf.kernel.events.subscribe("page_fault", self._fault)
        self._perf.kernel.frames.on_kernel_fault = self._kernel_fault

    def stop(self) -> None:
        """See `Source.stop`."""
        self._perf.kernel.events.unsubscribe("page_fault", self._fault)
        self._perf.kernel.frames.on_kernel_fault = None
        self._major.clear()

    def _fault(self, thread: Thread, addr: int, access: int, _before: int, entry: int) -> None:
        space = thread.mm
        major = space.majflt != self._major.get(space, 0)
        if major:
            self._major[space] = space.majflt
        moment = Moment(thread, thread.context.pc, user=True, addr=addr)
        self._count(thread, perf.SW_PAGE_FAULTS, moment)
        if entry:
            kind = perf.SW_PAGE_FAULTS_MAJ if major else perf.SW_PAGE_FAULTS_MIN
            self._count(thread, kind, moment)
        self._tell(thread, moment, access)
        if thread.attention:  # a sample has sent a signal, which is due now
            thread.kernel.hart.interrupt()

    def _kernel_fault(self, space: AddressSpace, addr: int, major: bool) -> None:
        """Count a fault in a system call; other spaces are not the caller's (ptrace(2))."""
        thread = self._perf.kernel.traps.current()
        if thread is None or thread.mm is not space:
            return
        if major:
            self._major[space] = space.majflt
        moment = Moment(thread, symbols.PAGE_FAULT, user=False, addr=addr)
        self._count(thread, perf.SW_PAGE_FAULTS, moment)
        kind = perf.SW_PAGE_FAULTS_MAJ if major else perf.SW_PAGE_FAULTS_MIN
        self._count(thread, kind, moment)

    def _count(self, thread: Thread, key: int, moment: Moment) -> None:
        for counter in self._perf.counting(thread, key):
            sampling.happened(counter, moment)

    def _tell(self, thread: Thread, moment: Moment, access: int) -> None:
        told: Moment | None = None
        for counter in self._perf.counting(thread, _POINT):
            if told is None:
                code = PERF_REGISTERS[thread.kernel.arch].fault_codes[access]
                raw = PAGE_FAULT.pack(thread.tid, moment.addr, moment.ip, code)
                told = Moment(thread, moment.ip, user=True, addr=moment.addr, raw=raw)
            sampling.happened(counter, told)
