"""The program that is looked at, and what its author may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..context import CONTEXTS, Context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..helpers.declare import Helper
    from ..instructions import Code
    from ..maps.base import Map


@dataclass
class Subject:
    """All that the verifier is told."""

    type: int
    code: Code
    maps: dict[int, Map]  #: by the instruction that names them
    helpers: Mapping[int, Helper]
    gpl: bool = True
    bpf: bool = True  #: CAP_BPF: loops, functions, many instructions
    typed: bool = True  #: its functions have types (func_info)
    perfmon: bool = True  #: CAP_PERFMON: pointers may be told to users
    #: What verifying finds out.
    depths: dict[int, int] = field(default_factory=dict)  #: function -> bytes of its stack
    context_used: int = 0  #: bytes of the context that are read
    steps: int = 0  #: instructions that were looked at

    def begin(self) -> None:
        """Forget what an earlier look has found out."""
        self.depths = {}
        self.context_used = self.steps = 0

    @property
    def context(self) -> Context:
        """The rules of its context."""
        return CONTEXTS[self.type]
