"""Alt with a letter or digit, as the host's terminal sends it, reaches us as what it is.

Textual's table reads some of these two-byte sequences as something else: ESC 1 as "¡" (for
Option-1 of a terminal on macOS), ESC b as ctrl+left.  In an editor that is a convenience; a
terminal has to pass on Alt-b, and the console's own keys are Alt with a digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Any, Final

from textual import _ansi_sequences

_ESCAPE: Final = "\x1b"


@dataclass(frozen=True)
class _Key:
    """What Textual's parser expects in its table: something with the name of a key."""

    value: str


def name_alt_keys() -> None:
    """Have Textual name such keys "alt+..." in this process; calling it twice is harmless."""
    table: Any = _ansi_sequences.ANSI_SEQUENCES_KEYS  # typed as a mapping, and is a dict
    for character in ascii_letters + digits:
        if character != "O":  # ESC O begins longer sequences
            table[_ESCAPE + character] = (_Key(f"alt+{character}"),)
