"""Traces of system calls, signals and ends, in the manner of strace(1)."""

from __future__ import annotations

from .counts import Counts
from .filters import Filter, FilterError
from .jsonl import JsonLines
from .lines import TraceLines
from .records import CallRecord, EventRecord, Sink
from .tracer import Options, Tracer
from .view import Style

__all__ = [
    "CallRecord", "Counts", "EventRecord", "Filter", "FilterError", "JsonLines", "Options",
    "Sink", "Style", "TraceLines", "Tracer",
]  # fmt: skip
