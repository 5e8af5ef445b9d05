"""Who holds an object: the shortest way to it from the kernel's roots, by attribute names.

The search goes forward from the `Kernel` object, breadth first, over everything that Python's
collector can follow; weak references are none of it.  What is never met is held by something
outside of the kernel, or by a cycle alone.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from types import (
    BuiltinMethodType,
    CellType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any, Final

from .kinds import attributes, is_kernel_class, module_of
from .naming import Naming, text_of

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel

#: never followed: code, and what every program refers to
_CLOSED: Final = (type, ModuleType, CodeType, FrameType)
_PLAIN: Final = (
    *_CLOSED, dict, list, tuple, set, deque, CellType, MethodType, BuiltinMethodType,
    FunctionType, GeneratorType, CoroutineType,
)  # fmt: skip
_OWN: Final = "starrylab.debug.leaks"  #: who looks holds what it looks at
_HERE: Final = "debug/leaks"
_OUTWARD: Final = 5  #: steps of the search for a holder outside
_LONGEST: Final = 64  #: steps of a path


class Retention:
    """The ways from a kernel's roots to everything that it reaches."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.naming = Naming(kernel)
        self._parents: dict[int, object] = {id(kernel): None}
        self._search()

    def _search(self) -> None:
        parents = self._parents
        tracked, referents = gc.is_tracked, gc.get_referents
        # What belongs to a process is found as its own, not as the scheduler's or a device's.
        queue: deque[object] = deque([self._kernel.threads, self._kernel.processes])
        for table in queue:
            parents[id(table)] = self._kernel
        queue.append(self._kernel)
        while queue:
            thing = queue.popleft()
            for child in _children(thing) if isinstance(thing, FunctionType) else referents(thing):
                if tracked(child) and id(child) not in parents and not isinstance(child, _CLOSED):
                    parents[id(child)] = thing
                    queue.append(child)

    def reaches(self, thing: object) -> bool:
        """Tell whether the kernel holds ``thing``."""
        return id(thing) in self._parents

    def chain(self, thing: object) -> list[object]:
        """Return the objects from the kernel to ``thing``, both included; [] if it is not held."""
        found: list[object] = []
        at: object = thing
        if id(at) not in self._parents:
            return []
        while at is not None and len(found) < _LONGEST * 4:
            found.append(at)
            at = self._parents[id(at)]
        return found[::-1]

    def path(self, thing: object) -> tuple[str, ...]:
        """Return who holds ``thing``, from the kernel on; () if the kernel does not."""
        steps: list[str] = []
        label = "kernel"
        chain = self.chain(thing)
        own: object = None  #: the attributes of the holder before, where they are a dict
        for holder, held in pairwise(chain):
            if holder is own and isinstance(holder, dict):
                label += next((f".{name}" for name, value in holder.items() if value is held), "")
            else:
                label += edge(holder, held)
            own = getattr(holder, "__dict__", None)
            if is_kernel_class(type(held)):
                steps.append(f"{label} {self.naming.name(held)}".strip())
                label = ""
        if label and chain and chain[-1] is thing and not is_kernel_class(type(thing)):
            steps.append(label)
        return tuple(steps[:_LONGEST])

    def owner(self, thing: object) -> int:
        """Return the pid of the last process on the way to ``thing``; 0: the kernel's own."""
        for step in reversed(self.chain(thing)):
            pid = self.naming.owner(step)
            if pid:
                return pid
        return 0

    def outside(self, thing: object, ignored: frozenset[int]) -> str:
        """Return what holds ``thing`` where the kernel does not, as far as it can be told.

        ``ignored`` are ids of objects that hold it only because somebody looks.
        """
        seen = {id(thing), *ignored}
        level: list[object] = [thing]
        for _ in range(_OUTWARD):
            referrers = [r for r in gc.get_referrers(*level) if id(r) not in seen]
            seen.update(map(id, referrers))
            for holder in referrers:
                name = _outside_name(holder)
                if name:
                    return name
            level = [r for r in referrers if not isinstance(r, FrameType)][:64]
            if not level:
                break
        return ""


def edge(holder: object, held: object) -> str:
    """Return how ``holder`` refers to ``held``: ".name", "[key]", or "" if it just does."""
    if isinstance(holder, dict):
        for key, value in holder.items():
            if value is held:
                return f"[{_key(key)}]"
            if key is held:
                return ".keys()"
    if isinstance(holder, (list, tuple, deque)):
        for index, value in enumerate(holder):
            if value is held:
                return f"[{index}]"
    if isinstance(holder, (CoroutineType, GeneratorType)):
        return _local(holder, held)
    if isinstance(holder, FunctionType):
        return _variable(holder, held)
    for name, value in attributes(holder):
        if value is held:
            return f".{name}"
    if is_kernel_class(type(holder)) and getattr(holder, "__dict__", None) is held:
        return ""
    return ""


def _key(key: object) -> str:
    if isinstance(key, (int, str)):
        return str(key)
    if isinstance(key, tuple):
        return ", ".join(map(_key, key))
    return text_of(key) if isinstance(key, bytes) else type(key).__name__


def _local(holder: Any, held: object) -> str:
    frame = holder.cr_frame if isinstance(holder, CoroutineType) else holder.gi_frame
    if frame is None:
        return ""
    name = next((n for n, value in frame.f_locals.items() if value is held), "")
    return f" in {frame.f_code.co_name}()" + (f", local {name}" if name else "")


def _variable(function: FunctionType, held: object) -> str:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        if cell is held:
            return f" {function.__qualname__}(), variable {name}"
    return f" {function.__qualname__}()"


def _children(function: FunctionType) -> Iterator[object]:
    """Yield what a function itself holds: not its module."""
    yield from function.__closure__ or ()
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield from function.__dict__.values()


def _outside_name(holder: object) -> str:
    if isinstance(holder, FrameType):
        own = _HERE in holder.f_code.co_filename
        return "" if own else f"running {holder.f_code.co_qualname}()"
    if isinstance(holder, ModuleType):
        return f"module {holder.__name__}"
    if isinstance(holder, dict) and isinstance(holder.get("__name__"), str):
        return f"module {holder['__name__']}"
    if isinstance(holder, type):
        return f"class {holder.__qualname__}"
    cls = type(holder)
    if isinstance(holder, _PLAIN) or is_kernel_class(cls) or module_of(cls).startswith(_OWN):
        return ""
    return f"{module_of(cls)}.{cls.__qualname__}"
