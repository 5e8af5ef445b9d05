"""The machine that runs user code on unicorn."""

from __future__ import annotations

from .engine import EngineError
from .hart import UnicornHart
from .report import Report

__all__ = ["EngineError", "Report", "UnicornHart"]
