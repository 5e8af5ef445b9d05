"""The kernel's questions, answered for one debugger (see `kernel.core.tracing.Tracer`)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ...kernel.core.attention import ATTENTION_TRACE
from ...kernel.core.tracing import Go
from ...machine.api import READ, WRITE, Break, Stepped, Watch
from .api import Access, CallStop, Reason, Stop, WatchHit
from .plans import Next
from .traced import NOWHERE, Traced

if TYPE_CHECKING:
    from ...kernel.signal.info import SignalInfo
    from ...kernel.thread import Thread
    from ...machine.api import SyscallRegisters
    from .debugger import Debugger
    from .places import Change


class KernelTracer:
    """See `kernel.core.tracing.Tracer`."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._threads: WeakKeyDictionary[Thread, Traced] = WeakKeyDictionary()

    def of(self, thread: Thread) -> Traced:
        """Return what is known of ``thread``."""
        found = self._threads.get(thread)
        if found is None:
            found = self._threads[thread] = Traced(thread)
        return found

    def holds_others(self, thread: Thread) -> bool:
        """Say whether the other threads are held while ``thread`` runs."""
        return any(t.held for t in self._threads.values() if t.thread is not thread)

    # -- going to user mode

    def before_user(self, thread: Thread) -> Go:
        """See `Tracer.before_user`."""
        t, debugger = self.of(thread), self._debugger
        if t.was_exec:
            t.was_exec = False
            debugger.after_exec(t)
        self._catch_up(thread)
        if t.pausing:
            t.pausing = False
            debugger.stop_thread(t, Reason.PAUSE)
        if debugger.paused or t.stopped or t.held:
            return Go.LEAVE
        pc = thread.context.pc
        if t.stepping is not None:
            if not t.stepped and pc == t.stepping:
                return Go.STEP  # a tick came before the instruction
            t.stepping, t.stepped = None, False
            t.over = NOWHERE
            if t.plan is not None and self._met(t, pc):
                return Go.LEAVE
        return self._decide(t, pc)

    def _catch_up(self, thread: Thread) -> None:
        """Look for watched bytes that the kernel changed since."""
        watches = self._debugger.watches
        if watches and (changes := watches.changed(thread.mm)):
            self.bytes_changed(thread, changes, by_kernel=True)

    def _decide(self, t: Traced, pc: int) -> Go:
        """Say what a thread does that nobody stops here."""
        go = self._plan_says(t, pc)
        if go is not None:
            return go
        if pc == t.over:
            t.stepping = pc
            return Go.STEP  # over the breakpoint
        t.thread.attention &= ~ATTENTION_TRACE
        return Go.RUN

    def _plan_says(self, t: Traced, pc: int) -> Go | None:
        plan = t.plan
        if plan is None:
            return None
        step = plan.advance()
        if step is Next.STEP:
            t.stepping = pc
            return Go.STEP
        if step is Next.RUN:
            return None
        self._debugger.stop_thread(t, plan.reason, value=plan.value, text=plan.text)
        return Go.LEAVE

    # -- what the hart met

    def trapped(self, thread: Thread, trap: Break | Watch | Stepped) -> None:
        """See `Tracer.trapped`."""
        t = self.of(thread)
        thread.attention |= ATTENTION_TRACE
        if t.stepping is not None:
            t.stepped = True
        if isinstance(trap, Break):
            self._met(t, trap.addr)
        elif isinstance(trap, Watch):
            changes = self._debugger.watches.touched(thread.mm, trap.addr, trap.size, trap.access)
            self.bytes_changed(thread, changes, access=trap)

    def _met(self, t: Traced, pc: int) -> bool:
        """Serve the breakpoints at ``pc``; say whether one of them stops the thread."""
        owners = self._debugger.places.owners(t.thread.mm, pc)
        if not owners:
            return False
        t.over = pc
        return self._debugger.breakpoints_met(t, tuple(owners))

    def bytes_changed(
        self,
        thread: Thread,
        changes: list[Change],
        *,
        access: Watch | None = None,
        by_kernel: bool = False,
    ) -> None:
        """Serve watched bytes that were touched."""
        t = self.of(thread)
        for change in changes:
            watch = change.watch
            addr, size = (access.addr, access.size) if access else (watch.addr, watch.size)
            if access is None:
                addr, size = _difference(watch.addr, change.old, change.new)
            is_write = access is None or bool(access.access & WRITE)
            if is_write and watch.access is Access.ANY and access and access.access & READ:
                is_write = change.old != change.new
            kind = Access.WRITE if is_write else Access.READ
            hit = WatchHit(addr, size, kind, change.old, change.new, by_kernel)
            if self._debugger.watch_met(t, change, hit):
                return

    # -- signals and calls

    def signal(self, thread: Thread, info: SignalInfo) -> SignalInfo | None:
        """See `Tracer.signal`."""
        t, handling = self.of(thread), self._debugger.handling
        if t.passing is info or not self._debugger.traces(thread.process):
            t.passing = None
        elif info.signo in handling.stop and self._debugger.signal_met(t, info):
            t.kept = info
            return None
        elif info.signo not in handling.passed:
            return None
        if t.plan is not None:
            t.plan.signal_comes()
        return info

    def wants_call(self, thread: Thread, number: int) -> bool:
        """See `Tracer.wants_call`."""
        return self.of(thread).wants_call or self._debugger.catches_call(thread, number)

    def call_entered(self, thread: Thread, registers: SyscallRegisters) -> None:
        """See `Tracer.call_entered`."""
        t = self.of(thread)
        t.call = self._call(thread, registers, None)
        numbers = self._debugger.call_met(t, t.call)
        if t.wants_call or numbers is not None:
            t.wants_call = False
            self._hold_call(t, Reason.SYSCALL_ENTRY, numbers or ())

    def call_left(self, thread: Thread, registers: SyscallRegisters, result: int) -> None:
        """See `Tracer.call_left`."""
        t = self.of(thread)
        t.call = self._call(thread, registers, result)
        numbers = self._debugger.call_met(t, t.call)
        if numbers is None:
            t.call = None
        else:
            self._hold_call(t, Reason.SYSCALL_EXIT, numbers)

    def holds_call(self, thread: Thread) -> bool:
        """See `Tracer.holds_call`."""
        return self.of(thread).call_held

    def _hold_call(self, t: Traced, reason: Reason, numbers: tuple[int, ...]) -> None:
        t.call_held = True
        self._debugger.stop_thread(t, reason, breakpoints=numbers)

    def _call(self, thread: Thread, registers: SyscallRegisters, result: int | None) -> CallStop:
        number = registers[7]
        entry = thread.kernel.calls.entry(number)
        name, where = (entry.name, entry.where) if entry is not None else ("", "")
        return CallStop(number, name, registers[:6], result, where)


def _difference(addr: int, old: bytes, new: bytes) -> tuple[int, int]:
    """Return address and length of the bytes from the first to the last that differ."""
    differing = [i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]]
    if not differing:
        return addr, len(new)
    return addr + differing[0], differing[-1] - differing[0] + 1


__all__ = ["KernelTracer", "Stop"]
