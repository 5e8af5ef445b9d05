"""The machine that runs user code on unicorn."""

from __future__ import annotations

from .hart import Report, UnicornHart

__all__ = ["Report", "UnicornHart"]
