"""Trace events: what the kernel tells whoever watches (design document, chapter 11).

One stream feeds strace, statistics and the screens.  The kernel emits and
never asks who listens.  An event that nobody subscribed to costs one attribute test at the
place where it would be emitted::

    if events.signal is not None:
        events.signal(thread, info)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

Listener = Callable[..., Any]

#: name -> what a listener receives
KINDS: Final[dict[str, str]] = {
    "syscall_enter": "thread, entry or None, registers",
    "syscall_exit": "thread, entry or None, registers, result (signed)",
    "unknown_syscall": "thread, number",
    "page_fault": "thread, addr, access, entry before or 0, entry or 0: refused",
    "signal": "thread, info: a signal is delivered",
    "fork": "parent thread, child thread",
    "death": "DeathReport: a signal with a core-dump action ends a process",
    "exec": "thread, path, argv",
    "exit": "thread, status: a thread ends",
    "process_exit": "process: a process became a zombie",
    "switch": "thread: it gets the CPU",
    "panic": "exception",
}


class Events:
    """One attribute a kind: ``None``, or the function to call."""

    syscall_enter: Listener | None
    syscall_exit: Listener | None
    unknown_syscall: Listener | None
    page_fault: Listener | None
    signal: Listener | None
    fork: Listener | None
    death: Listener | None
    exec: Listener | None
    exit: Listener | None
    process_exit: Listener | None
    switch: Listener | None
    panic: Listener | None

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {kind: [] for kind in KINDS}
        self._changed: list[Callable[[], object]] = []
        for kind in KINDS:
            setattr(self, kind, None)

    def subscribe(self, kind: str, listener: Listener) -> None:
        """Call ``listener`` at every event of ``kind``; raise ``KeyError`` for an unknown kind."""
        self._listeners[kind].append(listener)
        self._update(kind)

    def unsubscribe(self, kind: str, listener: Listener) -> None:
        """Undo `subscribe`."""
        self._listeners[kind].remove(listener)
        self._update(kind)

    def on_change(self, action: Callable[[], object]) -> None:
        """Call ``action`` whenever somebody starts or stops listening."""
        self._changed.append(action)

    def _update(self, kind: str) -> None:
        listeners = tuple(self._listeners[kind])
        if not listeners:
            setattr(self, kind, None)
        elif len(listeners) == 1:
            setattr(self, kind, listeners[0])
        else:

            def tell_all(*args: Any) -> None:
                for listener in listeners:
                    listener(*args)

            setattr(self, kind, tell_all)
        for action in self._changed:
            action()
