"""What goes wrong with root file systems."""

from __future__ import annotations


class RootfsError(Exception):
    """A root file system cannot be used; the message is one line and says what to do."""

    def __init__(self, message: str) -> None:
        """Show what cannot be printed, of file names for one, as Python escapes it."""
        shown = (c if c.isprintable() else repr(c)[1:-1] for c in message)
        super().__init__("".join(shown))
