"""``@proc`` and ``@task``: from a function to a file in /proc.

::

    @proc("uptime")
    def uptime(kernel: Kernel) -> str: ...

    @task("environ", mode=0o400, guarded=True)
    def environ(task: Subject) -> bytes: ...
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ....abi.errno import ESRCH
from ...task.cred import ROOT, Credentials

if TYPE_CHECKING:
    from ...core.poll import PollSet
    from ...kernel import Kernel
    from ...mm.space import AddressSpace
    from ...namespaces.pid import PidNamespace
    from ...namespaces.proxy import Namespaces
    from ...task.process import Process
    from ...thread import Thread

F = TypeVar("F", bound=Callable[..., Any])


class Subject:
    """Whom a file below /proc/PID is about; made for each look, and dropped after it."""

    __slots__ = ("kernel", "ns", "process", "thread", "whole")

    def __init__(
        self,
        kernel: Kernel,
        process: Process,
        thread: Thread,
        ns: PidNamespace | None,
        *,
        whole: bool,
    ) -> None:
        self.kernel = kernel
        self.process = process
        self.thread = thread  #: the one asked about, or one that stands for the process
        self.ns = ns  #: whose numbers the mount shows; None: the initial pid namespace's
        self.whole = whole  #: whether the figures are those of the process

    def shown(self, number: int) -> int:
        """Return what a number is in the mount's pid namespace; 0 if it is not in it."""
        return number if self.ns is None else self.ns.shown(number)

    def nested(self, number: int) -> str:
        """Return a number in each namespace from the mount's to the process's own."""
        inner = []
        here = self.process.pid_ns
        while here is not None and here.level and here is not self.ns:
            inner.append(here.shown(number))
            here = here.parent
        return "\t".join(map(str, [self.shown(number), *reversed(inner)]))

    @property
    def cred(self) -> Credentials:
        """Credentials of whoever looks, in whose user namespace ids are shown."""
        return viewer(self.kernel)

    @property
    def mm(self) -> AddressSpace | None:
        """The address space; ``None`` for a zombie."""
        return None if self.process.zombie or self.thread.exited else self.thread.mm


def find(kernel: Kernel, pid: int, tid: int | None, ns: PidNamespace | None = None) -> Subject:
    """Return the subject with these numbers of the kernel's; raise ``ESRCH`` if it is gone."""
    process = kernel.processes.get(pid)
    if process is None:
        raise ESRCH
    if tid is not None:
        thread = process.threads.get(tid)
        if thread is None and not (process.zombie and tid == pid):
            raise ESRCH
        return Subject(kernel, process, thread or process.leader, ns, whole=False)
    leader = process.leader
    if leader.exited and process.threads:  # the first thread ended before the others
        leader = next(iter(process.threads.values()))
    return Subject(kernel, process, leader, ns, whole=True)


def viewer(kernel: Kernel) -> Credentials:
    """Return the credentials of whoever looks; root's for the lab itself."""
    found: Credentials = getattr(kernel.executor.current, "cred", ROOT)
    return found


def seen_from(kernel: Kernel) -> Namespaces:
    """Return the namespaces of whoever looks; the initial ones for the lab itself."""
    found: Namespaces = getattr(kernel.executor.current, "namespaces", kernel.namespaces)
    return found


class Changes(Protocol):
    """What a file shows, where somebody may wait for changes of it."""

    generation: int  #: grows with each
    watchers: PollSet


@dataclass(frozen=True, slots=True)
class Declared:
    """One file."""

    path: str  #: below /proc, or below /proc/PID
    per_task: bool
    render: Callable[[Any], str | bytes]
    mode: int
    guarded: bool  #: only for those who may trace the process (ptrace(2), access mode READ)
    write: Callable[..., object] | None  #: (kernel or subject, writing thread, data)
    process_only: bool  #: not below /proc/PID/task/TID
    changes: Callable[[Subject], Changes] | None = None  #: what poll(2) tells of


def proc(
    path: str, *, mode: int = 0o444, write: Callable[..., object] | None = None
) -> Callable[[F], F]:
    """Declare a file of the whole system."""

    def declare(function: F) -> F:
        made = Declared(path, False, function, mode, False, write, False)
        function.__proc__ = (*getattr(function, "__proc__", ()), made)  # type: ignore[attr-defined]
        return function

    return declare


def task(
    name: str,
    *,
    mode: int = 0o444,
    guarded: bool = False,
    write: Callable[..., object] | None = None,
    process_only: bool = False,
    changes: Callable[[Subject], Changes] | None = None,
) -> Callable[[F], F]:
    """Declare a file of each process and thread."""

    def declare(function: F) -> F:
        made = Declared(name, True, function, mode, guarded, write, process_only, changes)
        function.__proc__ = (*getattr(function, "__proc__", ()), made)  # type: ignore[attr-defined]
        return function

    return declare


@cache
def declared() -> tuple[Declared, ...]:
    """Return every file that the modules of this package declare."""
    package = __name__.rpartition(".")[0]
    found: list[Declared] = []
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not module.name.startswith("_"):
            family = importlib.import_module(f"{package}.{module.name}")
            for value in vars(family).values():
                if getattr(value, "__module__", "") == family.__name__:
                    found += getattr(value, "__proc__", ())
    return tuple(found)
