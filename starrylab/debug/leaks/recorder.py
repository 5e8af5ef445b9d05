"""Records every allocation of a kernel while it is switched on, and costs nothing while off.

Switching on replaces the constructors of the kernel's classes by ones that take a note, and
sets the two hooks of the frame allocator; switching off puts everything back as it was.  A note
has a generation (a counter of allocations), the process that ran, its program counter, and the
kernel's stack.  Nothing is noted when an object goes: objects are matched with the notes when
somebody asks, by identity and class, and a new object at an old address has a new note.

While it is on Python's collector does not run by itself, so that cycles are there to be named;
it runs when there are many notes.

Constructors belong to classes, so one kernel of a Python process can be recorded at a time.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...kernel.core.sched import Executor
from ...kernel.mm.space import AddressSpace
from ...kernel.thread import Thread
from .kinds import KERNEL, is_kernel_class
from .programs import NOWHERE, Programs, UserStack
from .stacks import RawStack, capture

if TYPE_CHECKING:
    from types import CodeType

    from ...kernel.kernel import Kernel

_SWEEP: Final = 1 << 16  #: notes, before those of dead objects are looked for
_MARK: Final = "__records_for__"
#: makes objects without their constructor: class, method that returns a new one
_FACTORIES: Final = ((AddressSpace, "_sibling"),)

Constructor = Callable[..., None]


class Note(NamedTuple):
    """One allocation."""

    generation: int
    cls: type[Any]  #: of the object; ``int`` for a frame
    pid: int  #: whose process ran; 0: the kernel on its own behalf
    pc: int  #: where its program was; 0 without one
    stack: RawStack
    program: UserStack


class AlreadyRecordingError(Exception):
    """Another kernel of this Python process is being recorded."""


class Recorder:
    """The notes of one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._executor = kernel.executor
        self._programs = Programs(kernel)
        self.generation = 0  #: allocations noted so far
        self.on = False
        self._notes: dict[int, Note] = {}  #: by `id`
        self._frames: dict[int, Note] = {}  #: by byte offset
        self._sweep_at = _SWEEP
        self._saved: list[tuple[type[Any], str, Any]] = []
        self._ends: tuple[CodeType, ...] = ()
        self._collecting = True  #: the collector was on

    # -- switching -----------------------------------------------------------------------

    def start(self) -> None:
        """Take notes from now on; raise `AlreadyRecordingError`."""
        frames = self._kernel.frames
        if self.on:
            return
        if hasattr(Thread.__init__, _MARK) or frames.on_alloc is not None:
            raise AlreadyRecordingError("another kernel of this process is being recorded")
        traps = self._kernel.traps
        ends = (traps.syscall, traps.page_fault, Executor.run)
        self._ends = tuple(function.__code__ for function in ends)
        self.on = True
        for cls in _classes():
            self._replace(cls, "__init__", _noting(cls, cls.__init__, self._note))
        for cls, name in _FACTORIES:
            self._replace(cls, name, _noting_result(getattr(cls, name), self._note))
        frames.on_alloc, frames.on_free = self._frame_taken, self._frame_freed
        self._collecting = gc.isenabled()
        gc.disable()

    def stop(self) -> None:
        """Take no more notes; those taken stay."""
        if not self.on:
            return
        self.on = False
        for cls, name, former in reversed(self._saved):
            if former is None:
                delattr(cls, name)
            else:
                setattr(cls, name, former)
        self._saved.clear()
        self._kernel.frames.on_alloc = self._kernel.frames.on_free = None
        if self._collecting:
            gc.enable()

    def let_go(self) -> None:
        """Hold nothing of the kernel, so that an analysis sees what others hold."""
        self._programs.let_go()

    def clear(self) -> None:
        """Forget all notes."""
        self.let_go()
        self._notes.clear()
        self._frames.clear()

    def _replace(self, cls: type[Any], name: str, function: object) -> None:
        self._saved.append((cls, name, cls.__dict__.get(name)))
        setattr(cls, name, function)

    # -- what is known -------------------------------------------------------------------

    def objects(self) -> Iterator[tuple[Any, Note]]:
        """Yield the objects that are alive and were noted."""
        notes = self._notes
        for thing in gc.get_objects():
            note = notes.get(id(thing))
            if note is not None and note.cls is type(thing):
                yield thing, note

    def note_of(self, thing: object) -> Note | None:
        """Return what is known of an object's allocation."""
        note = self._notes.get(id(thing))
        return note if note is not None and note.cls is type(thing) else None

    def frame_note(self, frame: int) -> Note | None:
        """Return what is known of the allocation of the frame at a byte offset."""
        return self._frames.get(frame)

    def __len__(self) -> int:
        """Return the number of notes, those of objects that are gone included."""
        return len(self._notes) + len(self._frames)

    # -- taking notes --------------------------------------------------------------------

    def _make_note(self, cls: type[Any]) -> Note:
        self.generation += 1
        task = self._executor.current
        if isinstance(task, Thread):
            pid, pc, program = task.process.pid, task.context.pc, self._programs.of(task)
        else:
            pid = pc = 0
            program = NOWHERE
        return Note(self.generation, cls, pid, pc, capture(4, self._ends), program)

    def _note(self, thing: object) -> None:
        notes = self._notes
        notes[id(thing)] = self._make_note(type(thing))
        if len(notes) > self._sweep_at:
            self._sweep()

    def _frame_taken(self, frame: int, kind: int) -> None:
        self._frames[frame] = self._make_note(int)

    def _frame_freed(self, frame: int, kind: int) -> None:
        self._frames.pop(frame, None)

    def _sweep(self) -> None:
        """Forget the notes of objects that are gone."""
        gc.collect()
        notes = self._notes
        alive = {id(thing): type(thing) for thing in gc.get_objects()}
        self._notes = {key: note for key, note in notes.items() if alive.get(key) is note.cls}
        self._sweep_at = max(_SWEEP, 2 * len(self._notes))


def _classes() -> Iterator[type[Any]]:
    """Yield the kernel's classes that are loaded, and their subclasses anywhere."""
    found: dict[type[Any], None] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith(KERNEL):
            _add_classes(list(vars(module).values()), found)
    yield from (cls for cls in found if _is_constructed(cls))


def _add_classes(things: list[Any], found: dict[type[Any], None]) -> None:
    for thing in things:
        if isinstance(thing, type) and thing not in found and is_kernel_class(thing):
            found[thing] = None
            _add_classes(thing.__subclasses__(), found)


def _is_constructed(cls: type[Any]) -> bool:
    """Tell whether a class's objects go through its constructor: no tuples with names."""
    return not issubclass(cls, tuple) and not _is_protocol(cls)


def _is_protocol(cls: type[Any]) -> bool:
    return bool(cls.__dict__.get("_is_protocol", False))


def _noting(cls: type[Any], plain: Constructor, note: Callable[[object], None]) -> Constructor:
    """Return a constructor that notes objects of exactly ``cls``; its subclasses have their own."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        plain(self, *args, **kwargs)
        if type(self) is cls:
            note(self)

    setattr(__init__, _MARK, True)
    return __init__


def _noting_result(plain: Callable[..., Any], note: Callable[[object], None]) -> Callable[..., Any]:
    def make(*args: Any, **kwargs: Any) -> Any:
        made = plain(*args, **kwargs)
        note(made)
        return made

    return make
