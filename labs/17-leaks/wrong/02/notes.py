"""Lab 17: /dev/note and /proc/note."""

from __future__ import annotations

from typing import Any

from starrylab.labs.calls import EINVAL
from starrylab.labs.nodes import Device, proc

PAGE = 4096
HOUR = 3600 * 10**9  #: nanoseconds
KEPT = 8  #: writers that /proc/note tells of

#: What you found: kind of thing -> (what it grows with, who holds it).
#: Grows with: "write" (each one), "read" (each one), "process" (each that writes).
#: Who holds it: "nobody", "device" (this one), "executor" (its queue of timers).
FOUND: dict[str, tuple[str, str]] = {
    "frame": ("write", "nobody"),
    "process": ("process", "device"),
    "timer": ("read", "executor"),
}


class Note(Device):
    """A note of up to a page.  Writing replaces it; it is forgotten an hour after the last read."""

    name, major, minor = b"note", 240, 17

    def __init__(self) -> None:
        self.kernel: Any = None
        self.frame: int | None = None  #: where the note is; None: there is none
        self.size = 0
        self.timer: Any = None  #: that will make it forget
        #: pid -> name: what is to be told, not whom; the last one is the latest
        self.writers: dict[int, bytes] = {}

    def open(self, thread: Any, place: Any, flags: int) -> Any:
        """Remember the kernel, and the process if it opens for writing."""
        self.kernel = thread.kernel
        process = thread.process
        if flags & 3 and process.pid not in self.writers:
            self.writers[process.pid] = process.comm
            if len(self.writers) > KEPT:
                del self.writers[next(iter(self.writers))]
        return super().open(thread, place, flags)

    def write_at(self, data: bytes, offset: int) -> int:
        """Replace the note; raise EINVAL if it has more than a page."""
        if len(data) > PAGE:
            raise EINVAL
        frames = self.kernel.frames
        if self.frame is None:
            self.frame = frames.alloc()
        frames.view[self.frame : self.frame + len(data)] = data
        self.size = len(data)
        return len(data)

    def read_at(self, size: int, offset: int) -> bytes:
        """Return a part of the note, and begin the hour anew."""
        if self.frame is None:
            return b""
        executor = self.kernel.executor
        if self.timer is not None:
            self.timer.cancel()
        self.timer = executor.call_at(executor.now + HOUR, self.forget)
        end = min(self.size, offset + size)
        return bytes(self.kernel.frames.view[self.frame + offset : self.frame + end])

    def forget(self) -> None:
        """Have no note."""
        self.frame = None
        self.timer = None
        self.size = 0


@proc("note")
def report(kernel: Any) -> str:
    """Return "PID NAME" of the last writers, a line each, the latest last."""
    writers = kernel.devices.named[b"note"].writers
    return "".join(f"{pid} {name.decode()}\n" for pid, name in writers.items())
