"""What is wrong with an expression of the user."""

from __future__ import annotations

from ..dwarf.errors import DebugDataError


class ExpressionError(DebugDataError):
    """An expression that has no meaning here; the message is one line, for its author."""
