"""A system call with its arguments, as one line of text."""

from __future__ import annotations

from .trace.decode import call_text

__all__ = ["call_text"]
