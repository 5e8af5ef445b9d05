"""A debugger that remembers what it was told, for tests of the stub alone."""

from __future__ import annotations

from starrylab.debug.control.api import Reason, Stop
from starrylab.debug.peek import Peek


class FakeControl:
    """See `api.Control`; the lab never runs, the test tells what stopped it."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.paused = True
        self.stop = Stop(Reason.PAUSE, 1, 1, 0)
        self.log = []
        self.resumed = []
        self.sources = set()

    def __getattr__(self, name):
        def note(*args):
            self.log.append((name, *args))

        return note

    def listen(self, on_stop, on_resume=None):
        self.on_stop, self.on_resume = on_stop, on_resume

    def wake_sources(self):
        return self.sources

    def pause(self):
        self.log.append(("pause",))

    def resume(self, actions=None, default=None):
        self.paused = False
        self.resumed.append((dict(actions or {}), default))
        if getattr(self, "on_resume", None):
            self.on_resume()

    def read_memory(self, process, addr, size):
        return Peek(process.leader.mm).read(addr, size)

    def calls(self, name):
        return [entry[1:] for entry in self.log if entry[0] == name]
