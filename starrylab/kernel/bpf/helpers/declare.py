"""``@helper``: what the verifier checks of a call, and what the interpreter does."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from ....abi import bpf as b
from ....abi.bpf_helpers import NUMBERS

Call = Callable[..., int]  #: (run, the arguments as 64-bit numbers) -> result, maybe negative

TRACING: Final = frozenset(
    {b.BPF_PROG_TYPE_TRACEPOINT, b.BPF_PROG_TYPE_RAW_TRACEPOINT, b.BPF_PROG_TYPE_PERF_EVENT}
)
EVERY: Final = TRACING | {b.BPF_PROG_TYPE_SOCKET_FILTER}
FILTER: Final = frozenset({b.BPF_PROG_TYPE_SOCKET_FILTER})


class Arg(Enum):
    """What an argument has to be."""

    ANYTHING = auto()
    WHATEVER = auto()  #: may even be a register that nobody has set
    CONTEXT = auto()
    MAP = auto()  #: the map that KEY and VALUE belong to
    KEY = auto()
    VALUE = auto()
    OUT_VALUE = auto()  #: is written
    MEMORY = auto()  #: bytes that are read; SIZE follows
    MEMORY_OR_NULL = auto()
    OUT_MEMORY = auto()  #: bytes that are written; SIZE follows
    SIZE = auto()
    SIZE_OR_ZERO = auto()
    CONSTANT_SIZE = auto()  #: of a record
    CONSTANT = auto()
    RECORD = auto()  #: what bpf_ringbuf_reserve() returned
    FUNCTION = auto()
    STACK_OR_NULL = auto()  #: for a function that the helper calls
    TEXT = auto()  #: a string in a map that nobody can change


class Result(Enum):
    """What a helper returns."""

    NUMBER = auto()
    LENGTH = auto()  #: up to its size argument, or a negative error
    VALUE_OR_NULL = auto()
    RECORD_OR_NULL = auto()


class Helper(NamedTuple):
    """One helper."""

    name: str
    args: tuple[Arg, ...]
    result: Result
    call: Call
    gpl: bool  #: only for programs with a licence compatible with the GPL
    types: frozenset[int]  #: of programs that may call it
    perfmon: bool  #: needs CAP_PERFMON


def helper(
    name: str,
    *args: Arg,
    result: Result = Result.NUMBER,
    gpl: bool = False,
    types: frozenset[int] = EVERY,
    perfmon: bool = False,
) -> Callable[[Call], Call]:
    """Declare what a function is to programs."""

    def declare(function: Call) -> Call:
        made: Any = function
        made.__helpers__ = (
            *getattr(function, "__helpers__", ()),
            Helper(name, args, result, function, gpl, types, perfmon),
        )
        return function

    return declare


def collected(*modules: object) -> dict[int, Helper]:
    """Return number -> helper of the functions of modules."""
    found = {}
    for module in modules:
        for value in vars(module).values():
            for made in getattr(value, "__helpers__", ()):
                found[NUMBERS[made.name]] = made
    return found
