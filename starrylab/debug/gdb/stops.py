"""From a stop to a stop reply packet (GDB manual, "Stop Reply Packets")."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi import signal as sig
from ..control.api import Access, Reason, Stop
from .client import Client, Found, Traced
from .registers import RegisterFile
from .signals import SIGINT, SIGTRAP, to_gdb
from .values import ANYBODY, GdbError, ThreadId

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.thread import Thread

_WATCH_KEYS: Final = {Access.WRITE: b"watch", Access.READ: b"rwatch", Access.ANY: b"awatch"}


class StopReplies:
    """Makes the replies for one client."""

    def __init__(
        self, kernel: Kernel, client: Client, found: Found, registers: RegisterFile
    ) -> None:
        self._kernel = kernel
        self._client = client
        self._found = found
        self._registers = registers
        self._makers: dict[Reason, Callable[[Stop], bytes | None]] = {
            Reason.PAUSE: self._paused,
            Reason.BREAKPOINT: self._breakpoint,
            Reason.WATCHPOINT: self._watchpoint,
            Reason.STEP: lambda stop: self._at(stop, SIGTRAP),
            Reason.SIGNAL: self._signal,
            Reason.SYSCALL_ENTRY: lambda stop: self._call(stop, b"syscall_entry"),
            Reason.SYSCALL_EXIT: lambda stop: self._call(stop, b"syscall_return"),
            Reason.FORK: self._fork,
            Reason.EXEC: self._exec,
            Reason.PROCESS_EXIT: self._exited,
            Reason.PANIC: lambda stop: self._at(stop, to_gdb(sig.SIGABRT)),
        }

    def reply(self, stop: Stop) -> bytes | None:
        """Return the packet for ``stop``; ``None`` for what this gdb does not want to hear."""
        ours = stop.pid in self._client.traced
        if not ours and stop.reason not in (Reason.PAUSE, Reason.PANIC):
            return None
        maker = self._makers.get(stop.reason)
        return maker(stop) if maker is not None else None

    def standing(self) -> bytes:
        """Return the reply to ``?``: why the lab stands still, or just that it does."""
        client = self._client
        stop = client.stop
        if stop is not None and stop.reason in (
            Reason.SIGNAL,
            Reason.BREAKPOINT,
            Reason.WATCHPOINT,
        ):
            with_reason = self.reply(stop)
            if with_reason is not None:
                return with_reason
        try:
            return self.of(self._found.thread(ANYBODY), SIGTRAP)
        except GdbError:
            return b"W00"

    def of(self, thread: Thread, signal: int, reason: bytes = b"") -> bytes:
        """Return a ``T`` packet for a thread that can be looked at."""
        registers = b"".join(
            b"%02x:%s;" % (number, value.hex().encode())
            for number, value in self._registers.expedited(thread.context)
        )
        return self.without_registers(thread, signal, reason) + registers

    def without_registers(self, thread: Thread, signal: int, reason: bytes = b"") -> bytes:
        """Return a ``T`` packet for a gdb that does not know the thread's architecture yet."""
        self._client.general = ThreadId(thread.process.pid, thread.tid)
        return b"T%02x%sthread:%s;core:0;" % (signal, reason, self._client.name(thread))

    def vfork_done(self, parent: Thread) -> bytes:
        """Return the reply that a child of vfork(2) has memory of its own now, or ended."""
        return self.of(parent, SIGTRAP, b"vforkdone:;")

    # -- by reason ---------------------------------------------------------------------------

    def _at(self, stop: Stop, signal: int, reason: bytes = b"") -> bytes | None:
        """Return a reply for the stop's thread, or another one if gdb does not trace it."""
        wanted = ThreadId(stop.pid, stop.tid)
        if stop.pid not in self._client.traced:
            wanted = ANYBODY
        try:
            return self.of(self._found.thread(wanted), signal, reason)
        except GdbError:
            return None

    def _paused(self, stop: Stop) -> bytes | None:
        return self._at(stop, SIGINT)

    def _breakpoint(self, stop: Stop) -> bytes | None:
        client = self._client
        kinds = client.traced[stop.pid].breakpoints.get(stop.pc, set())
        key = "hwbreak" if 1 in kinds and 0 not in kinds else "swbreak"
        return self._at(stop, SIGTRAP, b"%s:;" % key.encode() if client.wants(key) else b"")

    def _watchpoint(self, stop: Stop) -> bytes | None:
        hit = stop.watch
        if hit is None:
            return self._at(stop, SIGTRAP)
        watches = self._client.traced[stop.pid].watches
        match = next(
            (w for w in sorted(watches, key=_narrow) if _covers(w, hit.addr, hit.size)), None
        )
        addr, key = hit.addr, b"watch"
        if match is not None:
            # A wide store may begin before the watched bytes: gdb looks for its own address.
            addr, key = max(addr, match[0]), _WATCH_KEYS[match[2]]
        return self._at(stop, SIGTRAP, b"%s:%x;" % (key, addr))

    def _signal(self, stop: Stop) -> bytes | None:
        return self._at(stop, to_gdb(stop.signal.signo) if stop.signal is not None else SIGTRAP)

    def _call(self, stop: Stop, key: bytes) -> bytes | None:
        call = stop.call
        if call is None or not self._client.traced[stop.pid].catches_calls:
            return None
        return self._at(stop, SIGTRAP, b"%s:%x;" % (key, call.number))

    def _fork(self, stop: Stop) -> bytes | None:
        child = self._kernel.threads.get(stop.child)
        parent = self._kernel.threads.get(stop.tid)
        if child is None or parent is None or not self._client.wants("multiprocess"):
            return None
        event = "vfork" if child.mm is parent.mm else "fork"  # vfork: breakpoints are shared
        if not self._client.wants(f"{event}-events"):
            return None
        return self._at(stop, SIGTRAP, b"%s:%s;" % (event.encode(), self._client.name(child)))

    def _exec(self, stop: Stop) -> bytes | None:
        if not self._client.wants("exec-events"):
            return None
        self._client.traced[stop.pid] = Traced()  # what was inserted went with the old program
        place = self._kernel.processes[stop.pid].exe
        path = place.path() if place is not None else os.fsencode(stop.text)
        return self._at(stop, SIGTRAP, b"exec:%s;" % path.hex().encode())

    def _exited(self, stop: Stop) -> bytes | None:
        client = self._client
        del client.traced[stop.pid]
        return exit_reply(stop.pid, stop.status, multiprocess=client.wants("multiprocess"))


def exit_reply(pid: int, status: int, *, multiprocess: bool) -> bytes:
    """Return the packet that says how a process ended; ``status`` is as wait(2) has it."""
    signo = status & 0x7F
    code = b"X%02x" % to_gdb(signo) if signo else b"W%02x" % (status >> 8 & 0xFF)
    return code + (b";process:%x" % pid if multiprocess else b"")


def _covers(watch: tuple[int, int, Access], addr: int, size: int) -> bool:
    return watch[0] < addr + size and addr < watch[0] + watch[1]


def _narrow(watch: tuple[int, int, Access]) -> tuple[int, int]:
    return watch[1], watch[0]
