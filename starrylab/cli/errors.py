"""Errors that a user can mend: one clear line, and an exit status."""

from __future__ import annotations


class UserError(Exception):
    """What is wrong and what to do about it, in one line; ``status`` as docker run has it."""

    def __init__(self, message: str, status: int = 125) -> None:
        super().__init__(message)
        self.status = status
