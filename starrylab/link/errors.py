"""What can go wrong on the way to a board."""

from __future__ import annotations


class LinkError(Exception):
    """One line for the user: what happened on the line, and what to do about it."""


class BaudError(LinkError):
    """A rate that this adapter, cable and board cannot do."""


class PortGone(LinkError):
    """The port was unplugged, or its other end has closed."""
