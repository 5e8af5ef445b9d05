"""What a run in a guest came to."""

from __future__ import annotations

from dataclasses import dataclass, field


class GuestLimit(Exception):
    """The guest used up its instructions or its time: the message says which."""


@dataclass(slots=True)
class Outcome:
    """A program's end, and what was seen on the way."""

    status: int = -1  #: as the shell's $?; -1: it did not end
    output: bytes = b""  #: of the terminal
    calls: list[tuple[str, list[int], int]] = field(default_factory=list)  #: name, args, result
    faults: int = 0  #: page faults
    instructions: int = 0  #: counted in slices

    def plain(self) -> dict[str, object]:
        """Return it as a scenario may return it."""
        return {
            "status": self.status, "output": self.output, "calls": self.calls,
            "faults": self.faults, "instructions": self.instructions,
        }  # fmt: skip
