"""The one door for everything that is not deterministic.

Time, randomness and input from outside enter the machine here and nowhere else, so
that a run can be recorded and replayed, and so that tests run on virtual time.
"""

from __future__ import annotations

import heapq
import itertools
import os
import random as _random
import select
import selectors
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

Deliver = Callable[[bytes], None]

_LONGEST_NS: Final = 3600 * 10**9  #: of one wait on the host


class Door(Protocol):
    """Clock, randomness, and input by named source ("console", "command", ...)."""

    def monotonic(self) -> int:
        """Nanoseconds since some fixed point; never goes back."""
        ...

    def realtime(self) -> int:
        """Nanoseconds since 1970-01-01 UTC by the host's clock."""
        ...

    #: A clock in nanoseconds that nothing stops or moves; user code may read it without the kernel.
    counter: Callable[[], int]
    #: Called when `ahead_ns` has changed.
    moved: Callable[[], object]

    @property
    def ahead_ns(self) -> int | None:
        """`monotonic` minus `counter`; None while that changes, since the clocks stand still."""
        ...

    def random(self, size: int) -> bytes:
        """Return ``size`` unpredictable bytes."""
        ...

    def subscribe(self, source: str, deliver: Deliver) -> None:
        """Send what arrives from ``source`` to ``deliver``; b"" means it ended."""
        ...

    def pause(self, source: str, paused: bool) -> None:
        """Stop (or go on) taking input from ``source``: the reader's buffer is full."""
        ...

    def freeze(self) -> None:
        """Let the clocks stand still until `thaw`; a no-op when they do."""
        ...

    def thaw(self) -> None:
        """Let the clocks go on where they stood."""
        ...

    def poll_only(self, sources: Collection[str], timeout_ns: int | None) -> None:
        """Deliver what arrives from ``sources``, as `poll`; the rest waits."""
        ...

    def poll(self, timeout_ns: int | None) -> None:
        """Deliver what has arrived.

        Waits at most ``timeout_ns`` for something to arrive: 0 not at all, ``None`` for ever.
        """
        ...


def _nothing() -> None:
    """Do nothing."""


class HostDoor:
    """The host's clock and randomness; input from host file descriptors."""

    def __init__(self, *, can_freeze: bool = False) -> None:
        """``can_freeze``: let `freeze` work, which costs each reading of a clock 40 ns."""
        self._selector = selectors.DefaultSelector()
        self._subscribers: dict[str, Deliver] = {}
        self._sources: dict[str, int] = {}
        self._always_ready: dict[str, int] = {}  #: regular files, which epoll refuses
        self._paused: set[str] = set()
        self._listening: set[str] = set()
        self.random = os.urandom
        self.monotonic: Callable[[], int] = time.monotonic_ns
        self.realtime: Callable[[], int] = time.time_ns
        self.counter: Callable[[], int] = time.monotonic_ns
        self._lost_ns: int | None = 0
        self.moved: Callable[[], object] = _nothing
        self.freeze: Callable[[], None] = _nothing
        self.thaw: Callable[[], None] = _nothing
        if can_freeze:
            self._make_freezing_clocks()

    def _make_freezing_clocks(self) -> None:
        host, wall = time.monotonic_ns, time.time_ns
        lost = 0  # ns that passed while the clocks stood still
        since: int | None = None

        def monotonic() -> int:
            return host() - lost

        def realtime() -> int:
            return wall() - lost

        def freeze() -> None:
            nonlocal since, host, wall
            if since is None:
                since, now = time.monotonic_ns(), time.time_ns()
                moment = since
                host, wall = (lambda: moment), (lambda: now)
                self._lost_ns = None
                self.moved()

        def thaw() -> None:
            nonlocal since, host, wall, lost
            if since is not None:
                lost += time.monotonic_ns() - since
                since, host, wall = None, time.monotonic_ns, time.time_ns
                self._lost_ns = lost
                self.moved()

        self.monotonic, self.realtime = monotonic, realtime
        self.freeze, self.thaw = freeze, thaw

    @property
    def ahead_ns(self) -> int | None:
        """See ``Door.ahead_ns``."""
        return None if self._lost_ns is None else -self._lost_ns

    def attach(self, source: str, fd: int, *, listening: bool = False) -> None:
        """Take input for ``source`` from the readable host descriptor ``fd``.

        ``listening``: it is a listening socket; b"" is delivered when somebody connects.
        """
        self._sources[source] = fd
        if listening:
            self._listening.add(source)
        try:
            self._selector.register(fd, selectors.EVENT_READ, source)
        except PermissionError:
            self._always_ready[source] = fd

    def detach(self, source: str) -> None:
        """Stop reading ``source``; its descriptor stays open."""
        fd = self._sources.pop(source, None)
        plain = self._always_ready.pop(source, None) is not None
        if fd is not None and not plain and source not in self._paused:
            self._selector.unregister(fd)
        self._paused.discard(source)
        self._listening.discard(source)

    def subscribe(self, source: str, deliver: Deliver) -> None:
        """See ``Door.subscribe``."""
        self._subscribers[source] = deliver

    def pause(self, source: str, paused: bool) -> None:
        """See ``Door.pause``."""
        fd = self._sources.get(source)
        if fd is None or paused == (source in self._paused):
            return
        if paused:
            self._paused.add(source)
            if source not in self._always_ready:
                self._selector.unregister(fd)
        else:
            self._paused.discard(source)
            if source not in self._always_ready:
                self._selector.register(fd, selectors.EVENT_READ, source)

    def await_room(self, source: str, fd: int) -> None:
        """Deliver b"" for ``source``, once, when ``fd`` can be written to."""
        self._selector.register(fd, selectors.EVENT_WRITE, source)

    def poll(self, timeout_ns: int | None) -> None:
        """See ``Door.poll``."""
        ready = [s for s in self._always_ready if s not in self._paused]
        if ready:
            timeout_ns = 0
        # The host's calls refuse the years that a guest may want to sleep; waking early is fine.
        timeout = None if timeout_ns is None else min(timeout_ns, _LONGEST_NS) / 1e9
        if self._selector.get_map():
            for key, events in self._selector.select(timeout):
                if events & selectors.EVENT_WRITE:
                    self._selector.unregister(key.fd)
                    self._subscribers[key.data](b"")
                else:
                    ready.append(key.data)
        elif not ready and timeout != 0:
            time.sleep(3600 if timeout is None else timeout)
        for source in ready:
            self._read(source)

    def poll_only(self, sources: Collection[str], timeout_ns: int | None) -> None:
        """See ``Door.poll_only``."""
        names = {fd: name for name, fd in self._sources.items() if name in sources}
        waiting = select.poll()
        for fd in names:
            waiting.register(fd, select.POLLIN)
        timeout = None if timeout_ns is None else min(timeout_ns, _LONGEST_NS) / 1e6
        for fd, _ in waiting.poll(timeout):
            self._read(names[fd])

    def _read(self, source: str) -> None:
        fd = self._sources.get(source)
        if fd is None or source in self._paused:
            return  # what was served before it in this round did that
        if source in self._listening:
            self._subscribers[source](b"")
            return
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return
        except OSError:  # a terminal that went away reads as an end of input
            data = b""
        if not data:
            self.detach(source)
        deliver = self._subscribers.get(source)
        if deliver is not None:
            deliver(data)

    def close(self) -> None:
        """Release the host's selector; attached descriptors stay open."""
        self._selector.close()


class VirtualDoor:
    """Time that passes only when everybody waits; input on a schedule; seeded randomness."""

    def __init__(self, *, seed: int = 0, epoch_ns: int = 1_750_000_000_000_000_000) -> None:
        self.now = 1_000_000_000
        self.counter: Callable[[], int] = self.monotonic
        self.moved: Callable[[], object] = _nothing
        self._epoch = epoch_ns - self.now
        self._random = _random.Random(seed)
        self._subscribers: dict[str, Deliver] = {}
        self._inputs: list[tuple[int, int, str, bytes]] = []
        self._sequence = itertools.count()
        self._paused: set[str] = set()

    @property
    def ahead_ns(self) -> int:
        """See ``Door.ahead_ns``."""
        return 0

    def monotonic(self) -> int:
        """Nanoseconds; starts at one second."""
        return self.now

    def realtime(self) -> int:
        """See ``Door.realtime``."""
        return self._epoch + self.now

    def random(self, size: int) -> bytes:
        """See ``Door.random``; the same for the same seed."""
        return self._random.randbytes(size)

    def subscribe(self, source: str, deliver: Deliver) -> None:
        """See ``Door.subscribe``."""
        self._subscribers[source] = deliver

    def pause(self, source: str, paused: bool) -> None:
        """See ``Door.pause``; paused input stays on the schedule."""
        (self._paused.add if paused else self._paused.discard)(source)

    def freeze(self) -> None:
        """See ``Door.freeze``; this time never passes by itself."""

    def thaw(self) -> None:
        """See ``Door.thaw``."""

    def poll_only(self, sources: Collection[str], timeout_ns: int | None) -> None:
        """See ``Door.poll_only``; only what is due has arrived."""
        due = [i for i in self._inputs if i[0] <= self.now and i[2] in sources]
        for item in sorted(due):
            self._inputs.remove(item)
            heapq.heapify(self._inputs)
            self._subscribers[item[2]](item[3])

    def send(self, source: str, data: bytes, *, after_ns: int = 0) -> None:
        """Let ``data`` arrive from ``source`` once ``after_ns`` have passed."""
        heapq.heappush(self._inputs, (self.now + after_ns, next(self._sequence), source, data))

    def poll(self, timeout_ns: int | None) -> None:
        """See ``Door.poll``.

        Raises ``RuntimeError`` when asked to wait for ever with nothing to come, since
        such a test would hang.
        """
        if timeout_ns != 0:
            arrival = self._inputs[0][0] if self._inputs else None
            deadline = None if timeout_ns is None else self.now + timeout_ns
            moments = [m for m in (arrival, deadline) if m is not None]
            if not moments:
                raise RuntimeError("every thread waits, and nothing will ever arrive")
            self.now = max(self.now, min(moments))
        held = []
        while self._inputs and self._inputs[0][0] <= self.now:
            when, sequence, source, data = heapq.heappop(self._inputs)
            if source in self._paused:
                held.append((when, sequence, source, data))
            elif source in self._subscribers:
                self._subscribers[source](data)
        for item in held:
            heapq.heappush(self._inputs, item)
