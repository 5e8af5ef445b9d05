"""One stack: kernel frames, the system call, user frames and signal frames in one list.

A thread that waits in the kernel is a coroutine: its frames are those of the coroutine and of
what each awaits.  Inside an event the kernel's frames are Python's own stack, from the event up
to the trap.  Below them comes the system call, then the user's side, unwound by `unwind`, with
inlined functions as frames of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from ..abi import signal as sig
from ..abi.arch import ARCHES
from ..abi.arch.unwinding import UNWINDING
from ..kernel.core.parking import suspended_frames
from .lines import shown
from .modules import ImageCache, Module, ModuleMap, Modules, symbols_for
from .peek import Peek
from .stubs import stub_name
from .symbols.demangle import demangle
from .syscall_text import call_text
from .unwind.unwinder import LIMIT, RawFrame, Unwinder

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from ..kernel.mm.space import AddressSpace
    from ..kernel.syscalls import Entry
    from ..kernel.thread import Thread
    from .symbols.location import Location

_PACKAGE: Final = Path(__file__).parents[1]
_KERNEL: Final = os.path.join(_PACKAGE, "kernel", "")
#: where the kernel's side of a thread begins; what called these is the executor or the hart
_BOTTOM: Final = frozenset({"Thread.step", "Thread.stay", "Thread.serve"})


class FrameKind(Enum):
    """What a frame is."""

    USER = auto()
    INLINED = auto()  #: a function that the compiler merged into the next USER frame
    SIGNAL = auto()  #: the frame that the kernel pushed for a handler
    SYSCALL = auto()
    KERNEL = auto()  #: a Python function of the kernel


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack; complete, so that it can be kept and sent."""

    kind: FrameKind
    pc: int = 0  #: 0 for kernel frames
    cfa: int = 0  #: canonical frame address; 0: unknown
    module: str = ""  #: the guest's path
    function: str = ""  #: "" when unknown
    offset: int = -1  #: bytes from the function's start; -1: unknown
    file: str = ""
    line: int = 0
    column: int = 0
    text: str = ""  #: the call with its arguments; the signal; why nothing is known here
    how: str = ""  #: what led from this frame to the next
    lookup: int = 0  #: the address that function and line were looked up for


class Stacks:
    """The stacks of one kernel's threads."""

    def __init__(self, kernel: Kernel, images: ImageCache | None = None) -> None:
        self.kernel = kernel
        self.images = images if images is not None else ImageCache(symbols_for(kernel))
        self._modules: WeakKeyDictionary[AddressSpace, Modules] = WeakKeyDictionary()
        self._trap = kernel.traps.syscall.__code__  # a closure

    def modules(self, space: AddressSpace) -> Modules:
        """Return what is mapped in ``space``, kept for the next time."""
        found = self._modules.get(space)
        if found is None:
            for gone in [old for old in self._modules if not old.users]:
                del self._modules[gone]  # its modules refer to it, so it never goes by itself
            found = self._modules[space] = Modules(space, self.kernel.arch, self.images)
        return found

    def unwinder(self, thread: Thread) -> Unwinder:
        """Return what walks the user stack of ``thread``."""
        arch = self.kernel.arch
        space = thread.mm
        return Unwinder(UNWINDING[arch], ARCHES[arch], self.modules(space), Peek(space))

    def raw(self, thread: Thread, limit: int = LIMIT) -> list[RawFrame]:
        """Return the physical user frames, with their registers (for variables)."""
        general, floating = thread.context.save()
        return self.unwinder(thread).walk(general, floating, limit)

    def addresses(self, thread: Thread, limit: int = 64) -> tuple[int, ...]:
        """Return program counter and return addresses of the user stack: fast, for every event.

        ``modules(space).snapshot()`` names them later.
        """
        modules = self.modules(thread.mm)
        found = modules.quick().walk(thread.context.general(), limit)
        return found if found is not None else tuple(f.pc for f in self.raw(thread, limit))

    def user(self, thread: Thread, limit: int = LIMIT) -> list[Frame]:
        """Return the user frames, inlined ones too, innermost first."""
        return named(self.raw(thread, limit), self.modules(thread.mm))

    def of(self, thread: Thread, limit: int = LIMIT, here: FrameType | None = None) -> list[Frame]:
        """Return the one stack of a living thread, innermost first.

        ``here`` is a Python frame inside of the kernel, for a stack that is taken in an event
        (``sys._getframe()``): the kernel's frames are then those that are running.
        """
        return self.kernel_side(thread, here) + self.user(thread, limit)

    def kernel_side(self, thread: Thread, here: FrameType | None = None) -> list[Frame]:
        """Return the kernel's frames and the system call; see `of`."""
        frames = []
        if here is not None:
            frames = running_frames(here)
        elif thread.pending is not None:
            frames = coroutine_frames(thread.pending)
        call = self.call_frame(thread, here)
        return [*frames, call] if call is not None else frames

    def call_frame(self, thread: Thread, here: FrameType | None = None) -> Frame | None:
        """Return the system call that ``thread`` is in, or that it was killed in."""
        call = self._call(thread, here)
        return _call_frame(thread, *call) if call is not None else None

    def _call(
        self, thread: Thread, here: FrameType | None
    ) -> tuple[Entry | None, Sequence[int]] | None:
        """Return declaration and registers of the system call that ``thread`` is in."""
        if (thread.pending is not None and thread.call) or (
            thread.entry is not None and (here is not None or thread.exited)
        ):
            return thread.entry, thread.call
        while here is not None:
            if here.f_code is self._trap:
                registers = here.f_locals["registers"]
                return self.kernel.calls.entry(registers[7]), registers
            here = here.f_back
        return None


def one_stack(
    thread: Thread, stacks: Stacks, *, limit: int = LIMIT, here: FrameType | None = None
) -> list[Frame]:
    """Return the one stack of ``thread``; see `Stacks.of`."""
    return stacks.of(thread, limit, here)


# -- the user's side ---------------------------------------------------------------------------


def named(frames: Sequence[RawFrame], modules: ModuleMap) -> list[Frame]:
    """Give physical frames their functions and lines; inlined functions become frames."""
    return [frame for raw in frames for frame in _named(raw, modules)]


def _named(raw: RawFrame, modules: ModuleMap) -> Iterator[Frame]:
    module = modules.find(raw.lookup)
    if raw.signal:
        name = sig.name(raw.signal) if raw.signal > 0 else "unknown signal"
        function = path = ""
        if module is not None:
            function, path = module.symbols.lookup(raw.pc - module.bias)[-1].function, module.path
        yield Frame(
            FrameKind.SIGNAL, raw.pc, raw.cfa, path, function, text=_with(name, raw.reason),
            how=raw.how, lookup=raw.lookup,
        )  # fmt: skip
        return
    if module is None:
        yield _nameless(raw)
        return
    for place in _locations(module, raw.lookup - module.bias):
        offset = place.offset
        if offset >= 0:
            offset += raw.pc - raw.lookup
        yield Frame(
            FrameKind.INLINED if place.inlined else FrameKind.USER,
            raw.pc,
            raw.cfa,
            module.path,
            place.function,
            offset,
            place.file,
            place.line,
            place.column,
            raw.reason if place.function or raw.reason else f"no symbol in {module.name}",
            raw.how,
            raw.lookup,
        )


def _locations(module: Module, addr: int) -> list[Location]:
    """Return functions and lines at an address of the file, innermost first."""
    symbols = module.symbols
    locations = shown(symbols, addr)
    if not locations[0].function:
        stub = stub_name(module.image, addr, lambda at: symbols.lookup(at)[-1].function)
        if stub:
            name = f"{demangle(stub.removesuffix('@plt'))}@plt"
            return [locations[0]._replace(function=name, linkage_name=stub)]
    return locations


def _nameless(raw: RawFrame) -> Frame:
    text = "address 0" if raw.pc == 0 else "in no mapped file"
    return Frame(
        FrameKind.USER, raw.pc, raw.cfa, text=_with(text, raw.reason), how=raw.how,
        lookup=raw.lookup,
    )  # fmt: skip


def _with(text: str, reason: str) -> str:
    return f"{text}; {reason}" if reason else text


# -- the kernel's side ---------------------------------------------------------------------------


def coroutine_frames(coroutine: Any) -> list[Frame]:
    """Return the frames of a suspended coroutine, innermost first; see `suspended_frames`."""
    chain = [_python_frame(f.f_code, f.f_lineno) for f in suspended_frames(coroutine)]
    return chain[::-1]


def running_frames(here: FrameType | None) -> list[Frame]:
    """Return the kernel's frames that are running, from ``here`` up to the trap."""
    found = []
    while here is not None:
        code = here.f_code
        if code.co_filename.startswith(_KERNEL):
            if code.co_qualname in _BOTTOM:
                break
            found.append(_python_frame(code, here.f_lineno))
        here = here.f_back
    return found


def traceback_frames(error: BaseException) -> list[Frame]:
    """Return the kernel's frames of an exception, innermost first."""
    found = []
    at = error.__traceback__
    while at is not None:
        found.append(_python_frame(at.tb_frame.f_code, at.tb_lineno))
        at = at.tb_next
    return found[::-1]


def _python_frame(code: CodeType, line: int | None) -> Frame:
    name = code.co_qualname.replace("<locals>.", "")
    return Frame(FrameKind.KERNEL, function=name, file=shown_file(code.co_filename), line=line or 0)


def shown_file(file: str) -> str:
    """Return a file of the kernel as it is named in texts; others, such as a lab's, as they are."""
    path = Path(file)
    return str(path.relative_to(_PACKAGE.parent)) if path.is_relative_to(_PACKAGE) else file


def _call_frame(thread: Thread, entry: Entry | None, registers: Sequence[int]) -> Frame:
    name = entry.name if entry is not None else f"syscall_{registers[7]}"
    file, _, line = entry.where.rpartition(":") if entry is not None else ("", "", "0")
    text = call_text(thread, entry, tuple(registers))
    return Frame(FrameKind.SYSCALL, function=name, file=shown_file(file), line=int(line), text=text)
