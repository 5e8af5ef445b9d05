"""What the hart found of unicorn 2.1.4 on this host, for the doctor to show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """What is in effect, and what had to give way to its substitute."""

    version: tuple[int, int, int]  #: unicorn's
    window: bool  #: registers are used in place, not copied by unicorn's interface
    no_exit_request: bool  #: asynchronous stops are exact; else slices of instructions
    exact_faults: bool  #: unicorn's note of a fault's address; else decoded
    ticker: str  #: "native", "thread" or "slices"
    counter: str  #: how the time counter is read: "native", "callback" or "trap"
