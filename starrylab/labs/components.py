"""The kernel components that a student's file may replace, and how each is put in.

A seam is either bound before the kernel is built (a class that the kernel makes an instance
of) or attached to a kernel that is there, which may be done again when the file changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any, Final

from ..kernel.core.chosen_sched import ChosenExecutor, Scheduler
from ..kernel.core.component import Components
from ..kernel.core.sched import Executor
from ..kernel.dev.uart import UartDriver
from ..kernel.fs.proc._root import ProcRoot
from ..kernel.fs.tmpfs import Tmpfs
from ..kernel.kernel import Kernel
from ..kernel.mm.chosen import ChosenFrames, PageAllocator
from ..kernel.mm.frames import FrameAllocator
from ..kernel.mm.paged import FaultHandler, FilePager, ForkPolicy, PagedSpace
from ..kernel.mm.space import AddressSpace
from ..kernel.syscalls import Entry
from ..kernel.task.chosen_loader import ChosenLoader, ProgramLoader
from ..kernel.task.cred import Credentials
from ..kernel.thread_signals.chosen import ChosenHandlers, Handlers
from ..kernel.vfs.context import FsContext
from .chosen_pipe import PIPE2, Pipe, pipe_call
from .naming import renamer
from .nodes import Device
from .student import Student, StudentError, named
from .texts import Text


@dataclass(frozen=True, slots=True)
class Seam:
    """Where a component goes in."""

    what: str  #: in words, for docs and errors
    bind: Callable[[Components, Any], object] | None = None
    attach: Callable[[Kernel, Any], object] | None = None
    reload: Callable[[Kernel, Any], object] | None = None  #: for what was bound at boot


def _bind_pages(components: Components, implementation: Any) -> None:
    make = complete(implementation, PageAllocator)
    components.bind(FrameAllocator, partial(ChosenFrames, make=make))


def _bind_scheduler(components: Components, implementation: Any) -> None:
    make = complete(implementation, Scheduler)
    components.bind(Executor, partial(ChosenExecutor, make=make))


def complete(implementation: Any, interface: type) -> Any:
    """Return ``implementation`` if it has the methods of ``interface``; else `StudentError`."""
    for name, method in vars(interface).items():
        if (
            callable(method)
            and name[0] != "_"
            and not callable(getattr(implementation, name, None))
        ):
            cls = getattr(implementation, "__name__", str(implementation))
            raise StudentError(Text(f"{cls} has no {name}()", f"{cls} 中没有 {name}()"))
    return implementation


def _reload_scheduler(kernel: Kernel, implementation: Any) -> None:
    """Go on with the same queues and new methods."""
    if isinstance(kernel.executor, ChosenExecutor):
        kernel.executor.scheduler.__class__ = complete(implementation, Scheduler)


def _reload_pages(kernel: Kernel, implementation: Any) -> None:
    """Go on with the same pages and new methods."""
    if isinstance(kernel.frames, ChosenFrames):
        kernel.frames.pages.__class__ = complete(implementation, PageAllocator)


def _part_of_spaces(what: str, part: str, interface: type) -> Seam:
    """Return the seam of what every address space has one of."""

    def made(implementation: Any) -> Any:
        return partial(PagedSpace, **{part: complete(implementation, interface)})

    def bind(components: Components, implementation: Any) -> None:
        components.bind(AddressSpace, made(implementation))

    def reload(kernel: Kernel, implementation: Any) -> None:
        kernel.components.rebind(AddressSpace, made(implementation))
        for thread in list(kernel.threads.values()):
            if isinstance(thread.mm, PagedSpace):
                getattr(thread.mm, part).__class__ = implementation

    return Seam(what, bind, None, reload)


def _attach_calls(kernel: Kernel, module: ModuleType) -> None:
    wanted = student_calls(module)
    for number in kernel.calls.of(str(module.__file__)).keys() - wanted.keys():
        kernel.calls.add(number, None)  # it was there before the file was changed
    for number, entry in wanted.items():
        kernel.calls.add(number, entry)


def _attach_log(kernel: Kernel, module: ModuleType) -> None:
    """Let the student's ``print_line(registers, level, text)`` show the kernel log."""
    tty = kernel.console.tty
    if tty is not None and isinstance(tty.driver, UartDriver):
        print_line, registers = named(module, "print_line"), tty.driver.registers
        kernel.klog.console = lambda level, line: print_line(registers, level, line)


def _attach_loader(kernel: Kernel, module: ModuleType) -> None:
    kernel.loader = ChosenLoader(complete(module, ProgramLoader))


def _attach_pipe(kernel: Kernel, implementation: Any) -> None:
    kernel.calls.add(PIPE2, pipe_call(complete(implementation, Pipe)))


def _attach_rename(kernel: Kernel, module: ModuleType) -> None:
    fs = kernel.root.fs
    if isinstance(fs, Tmpfs):
        fs.renamer = renamer(named(module, "rename"))


def _attach_nodes(kernel: Kernel, module: ModuleType) -> None:
    """Add the devices and /proc files of a student's module, or replace those of the same name."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and issubclass(value, Device) and value is not Device:
            _add_device(kernel, value())
    context = FsContext(kernel.root.root_location)
    root = context.walk(b"/proc", Credentials()).node
    context.close()
    if isinstance(root, ProcRoot):
        for value in vars(module).values():
            for file in getattr(value, "__proc__", ()):
                root.add(file)


def _add_device(kernel: Kernel, device: Any) -> None:
    device.random = kernel.random
    devices = kernel.devices
    old = devices.named.get(device.name)
    if old is None:
        devices.add(device)
    else:  # its node is there
        devices.remove(old)
        devices[device.key] = devices.named[device.name] = device


def _attach_handlers(kernel: Kernel, implementation: Any) -> None:
    kernel.handlers = ChosenHandlers(complete(implementation, Handlers)())


def student_calls(module: ModuleType) -> dict[int, Entry]:
    """Return number -> entry of the calls that a student's module declares.

    The module says ``NUMBERS = {"name": number}``; `StudentError` where it does not.
    """
    numbers = getattr(module, "NUMBERS", None)
    entries = {
        entry.name: entry
        for value in vars(module).values()
        if isinstance(entry := getattr(value, "__syscall__", None), Entry)
    }
    if not isinstance(numbers, dict) or not all(name in entries for name in numbers):
        raise StudentError(
            Text(
                'the file needs NUMBERS = {"name": number} for functions declared with @syscall()',
                '文件中需要 NUMBERS = {"名字": 编号}，且每个函数都用 @syscall() 声明',
            )
        )
    return {number: entries[name] for name, number in numbers.items()}


#: name in a lab.toml -> seam
SEAMS: Final[Mapping[str, Seam]] = MappingProxyType(
    {
        "PageAllocator": Seam(
            "which page of RAM is given out next", _bind_pages, None, _reload_pages
        ),
        "FaultHandler": _part_of_spaces(
            "what a page fault in private memory does", "handler", FaultHandler
        ),
        "ForkPolicy": _part_of_spaces("how fork shares private pages", "policy", ForkPolicy),
        "Scheduler": Seam("which task runs next", _bind_scheduler, None, _reload_scheduler),
        "ProgramLoader": Seam("how a static program comes into memory", attach=_attach_loader),
        "Pipe": Seam("what lies between the ends of a pipe", attach=_attach_pipe),
        "Nodes": Seam("devices and /proc files besides the kernel's own", attach=_attach_nodes),
        "Rename": Seam("how a memory file system moves names", attach=_attach_rename),
        "FilePager": _part_of_spaces("how files come into memory", "pager", FilePager),
        "SignalHandlers": Seam("how a signal handler is entered and left", attach=_attach_handlers),
        "LogConsole": Seam("how a line of the kernel log is shown", attach=_attach_log),
        "SystemCalls": Seam("system calls besides the kernel's own", attach=_attach_calls),
    }
)


def bound(student: Student) -> Components:
    """Return components with everything that the student's files replace at boot."""
    components = Components()
    for replacement in student.description.replaces:
        bind = SEAMS[replacement.component].bind
        if bind is not None:
            bind(components, student.component(replacement.component))
    return components


def attach(kernel: Kernel, student: Student) -> None:
    """Give a kernel that is built what the student's files add to it."""
    for replacement in student.description.replaces:
        attach_one = SEAMS[replacement.component].attach
        if attach_one is not None:
            attach_one(kernel, student.component(replacement.component))
