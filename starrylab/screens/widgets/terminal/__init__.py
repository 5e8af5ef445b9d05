"""A terminal emulator as a widget: state and parser over pyte, keys, mouse, drawing."""

from __future__ import annotations

from .widget import Terminal

__all__ = ["Terminal"]
