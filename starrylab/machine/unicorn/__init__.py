"""The machine that runs user code on unicorn."""

from __future__ import annotations

from .engine import EngineError
from .hart import Report, UnicornHart

__all__ = ["EngineError", "Report", "UnicornHart"]
