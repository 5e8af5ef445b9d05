"""What goes wrong with root file systems."""

from __future__ import annotations


class RootfsError(Exception):
    """A root file system cannot be used; the message is one line and says what to do."""
