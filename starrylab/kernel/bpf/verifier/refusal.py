"""How the verifier says no."""

from __future__ import annotations

from ....abi.errno import EACCES, EINVAL, LinuxError


class Refused(Exception):  # an answer
    """A program must not run; the text is for its author, as in Linux's log."""

    def __init__(self, text: str, error: type[LinuxError] = EACCES) -> None:
        super().__init__(text)
        self.text = text
        self.error = error


def malformed(text: str) -> Refused:
    """Return a refusal of something that no program contains: ``EINVAL``."""
    return Refused(text, EINVAL)
