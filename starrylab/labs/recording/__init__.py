"""What happened in a goal that failed: events, the stacks, the state of each kernel.

A failed goal is tried once more with the same random values while a `Recorder` looks on; so
what a goal comes to never depends on being looked at.  `Record` is what is kept of it.
"""

from __future__ import annotations

from .active import follow, over
from .record import FOLDER, Record, forget, read, write

__all__ = ["FOLDER", "Record", "follow", "forget", "over", "read", "write"]
