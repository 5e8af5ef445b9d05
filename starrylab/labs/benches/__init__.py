"""Machines for scenarios: a kernel under scripted programs, and one that runs ELF files."""

from __future__ import annotations

from ...kernel.syscalls import declared
from .outcome import GuestLimit, Outcome
from .program import run_program
from .scripted import ScriptedBench

__all__ = ["GuestLimit", "Outcome", "ScriptedBench", "run_program"]

declared()  # every run is a fork of a process that has loaded this already
