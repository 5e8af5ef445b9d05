"""The tracker of one kernel: what /dev/memtrack, the session and the commands speak to."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ...abi.errno import EBUSY, EINVAL
from ...kernel.dev.memtrack import MemoryTracker
from . import raw, text
from .analysis import analyse
from .growth import Growth, growing
from .recorder import AlreadyRecordingError, Recorder
from .stamps import Change, Stamp, compare, take

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from .report import LeakReport

_MOST_STAMPS: Final = 4096


class NoSuchStampError(LookupError):
    """There is no stamp of that number."""


class Tracker(MemoryTracker):
    """Recording, stamps and reports."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.recorder = Recorder(kernel)
        self.since = 0  #: the generation that a report begins after
        self.stamps: list[Stamp] = []

    # -- recording -----------------------------------------------------------------------

    def start(self) -> int:
        """Record allocations from now on; return the generation that reports begin after.

        Raises `AlreadyRecordingError`.
        """
        gc.collect()  # or cycles from before would be found with those from now on
        self.recorder.start()
        self.since = self.recorder.generation
        return self.since

    def stop(self) -> None:
        """Record no more, and forget what was recorded."""
        self.recorder.stop()
        self.recorder.clear()

    def report(self, since: int | None = None) -> LeakReport:
        """Report what was allocated since a generation, by default `start`, and is still there."""
        return analyse(self._kernel, self.recorder, self.since if since is None else since)

    # -- stamps --------------------------------------------------------------------------

    def stamp(self, name: str = "") -> Stamp:
        """Count everything now, and keep the figures; the oldest go when there are many."""
        number = self.stamps[-1].number + 1 if self.stamps else 1
        made = take(self._kernel, name or f"stamp {number}", number, self.recorder.generation)
        self.stamps.append(made)
        del self.stamps[:-_MOST_STAMPS]
        return made

    def find(self, number: int) -> Stamp:
        """Return a stamp by number; raise `NoSuchStampError`."""
        for stamp in self.stamps:
            if stamp.number == number:
                return stamp
        raise NoSuchStampError(f"there is no stamp {number}")

    def compare(self, first: int, second: int) -> list[Change]:
        """Return what changed from one stamp to another, by number; raise `NoSuchStampError`."""
        return compare(self.find(first), self.find(second))

    def growth(self, every: int = 1) -> list[Growth]:
        """Return what grew from stamp to stamp; see `growth.growing`."""
        return growing(self.stamps, every)

    # -- the device ----------------------------------------------------------------------

    def command(self, name: str) -> str:
        """See `MemoryTracker.command`: "start", "end", "raw" (as "end", unsymbolized), "stamp"."""
        action = _COMMANDS.get(name)
        if action is None:
            raise EINVAL
        return action(self)

    def command_start(self) -> str:
        """Stamp the generation; ``EBUSY`` while another kernel of this process is recorded."""
        try:
            return text.stamped(self.start())
        except AlreadyRecordingError:
            raise EBUSY from None

    def command_end(self) -> str:
        """Report as Starry Mix does, and stop; ``EINVAL`` without a start."""
        return text.starry_report(self._finished())

    def command_raw(self) -> str:
        """Report as raw backtraces, and stop; ``EINVAL`` without a start."""
        return raw.write(self._finished(), self._kernel.arch)

    def command_stamp(self) -> str:
        """Take a stamp; tell what changed since the one before."""
        made = self.stamp()
        lines = [f"{made.name}: {len(made.amounts)} kinds\n"]
        if len(self.stamps) > 1:
            changes = compare(self.stamps[-2], made)
            lines += [f"{c.count:+8} {c.bytes:+10} bytes {c.what}\n" for c in changes]
        return "".join(lines)

    def _finished(self) -> LeakReport:
        if not self.recorder.on:
            raise EINVAL
        report = self.report()
        self.stop()
        return report


_COMMANDS: Final[Mapping[str, Callable[[Tracker], str]]] = MappingProxyType(
    {
        "start": Tracker.command_start,
        "end": Tracker.command_end,
        "raw": Tracker.command_raw,
        "stamp": Tracker.command_stamp,
    }
)
