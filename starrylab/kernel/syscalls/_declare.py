"""``@syscall``: from a typed Python function to a table entry.

A handler takes the thread and the decoded arguments.  It returns an ``int`` (``None``
counts as 0), raises a ``LinuxError``, or returns a coroutine that will do one of these:
an ``async def`` handler always does, and a hot one (read, write) tries first and returns
``poll_io(...)`` only when it has to wait, which saves the coroutine in the common case.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from ._io_counts import Moves, counted
from ._types import C

if TYPE_CHECKING:
    from ..thread import Thread

F = TypeVar("F", bound=Callable[..., Any])
Regs = tuple[int, ...]  #: a0..a6 and the number


class Restart(Enum):
    """What becomes of a call that a signal handler interrupted (signal(7), "Interruption")."""

    NEVER = auto()  #: always EINTR
    SA_RESTART = auto()  #: again if the handler has SA_RESTART, else EINTR


@dataclass(frozen=True, slots=True)
class Entry:
    """A declared call: how to invoke it, and what strace and the documentation need to know."""

    name: str
    call: Callable[[Thread, Regs], Any]
    function: Callable[..., Any]
    args: tuple[tuple[str, C], ...]
    restart: Restart
    partial: str | None  #: what is missing, in words; None when complete
    where: str  #: file:line, for "jump to source"


Table = dict[int, Entry]


class Registry:
    """Finds the entries that a module's functions carry."""

    @staticmethod
    def of(module: ModuleType) -> list[Entry]:
        """Return the entries declared in ``module``, in the order of their source."""
        found = (getattr(value, "__syscall__", None) for value in vars(module).values())
        return [entry for entry in found if isinstance(entry, Entry)]


def syscall(
    *, restart: Restart = Restart.NEVER, partial: str | None = None, moves: Moves | None = None
) -> Callable[[F], F]:
    """Declare a system call; its name is the function's, its ABI the annotations'.

    ``moves`` says where the bytes go that its result counts, for /proc/PID/io.
    A trailing underscore is dropped from the name (``exit_``).  Raises ``TypeError`` for a
    parameter whose annotation is not one of ``_types``.
    """

    def declare(function: F) -> F:
        params = list(inspect.signature(function).parameters.values())[1:]
        args = tuple((p.name, _ctype(function, p)) for p in params)
        code = function.__code__
        entry = Entry(
            function.__name__.removesuffix("_"),
            _compile(function, args, moves),
            function,
            args,
            restart,
            partial,
            f"{code.co_filename}:{code.co_firstlineno}",
        )
        function.__syscall__ = entry  # type: ignore[attr-defined]
        return function

    return declare


def _ctype(function: Callable[..., Any], param: inspect.Parameter) -> C:
    """Find the ``C`` in one annotation.

    Only this annotation is evaluated: ``typing.get_type_hints`` would also evaluate
    the first one, ``Thread``, which families import for the type checker alone.
    """
    hint = param.annotation
    if isinstance(hint, str):  # as `from __future__ import annotations` leaves them
        hint = eval(hint, function.__globals__)  # noqa: S307
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, C):
            return meta
    name = param.name
    raise TypeError(f"{function.__name__}: parameter {name} has no C type; say which: {name}: Int")


def _compile(
    function: Callable[..., Any], args: tuple[tuple[str, C], ...], moves: Moves | None
) -> Callable[..., Any]:
    """Make ``lambda t, r: function(t, <decoded r[0]>, ...)`` once, at import.

    Decoding by a loop over converters costs 450 ns for three arguments, this 95 ns.
    """
    actual = ["t"] + [c.decode.format(r=f"r[{i}]") for i, (_, c) in enumerate(args)]
    body = f"function({', '.join(actual)})"
    names = {"function": function}
    if moves is not None:
        return counted(body, names, moves)
    made: Callable[..., Any] = eval(f"lambda t, r: {body}", names)  # noqa: S307
    return made
