"""Boot: build a kernel from its parts and start the first process (design document 4, 6, 7).

This is the only module that names the concrete parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ..abi import numbers
from ..abi.errno import ENOENT, ENOTDIR, LinuxError
from ..abi.stat import S_IFDIR, S_IFREG
from ..machine.api import Hart
from ..machine.door import Door
from .core.component import Components
from .dev.setup import install as install_devices
from .files.fdtable import FdTable
from .files.file import File
from .fs import special
from .fs.devfs import DevFs
from .fs.devpts import DevPts
from .fs.system import register as register_basic
from .kernel import Kernel
from .mm.frames import FrameAllocator
from .signal.actions import SignalActions
from .signal.manager import ProcessSignals, ThreadSignals
from .task.cred import Credentials
from .task.exec import execve
from .task.limits import Limits
from .task.process import Process, ProcessGroup, Session
from .task.resources import ACTIONS, FILES, FS, MEMORY
from .thread import Thread
from .vfs.context import FsContext
from .vfs.mount import MountNamespace
from .vfs.node import DIRECTORY

if TYPE_CHECKING:
    from .vfs.mount import Location
    from .vfs.node import FilesystemOps

#: what is mounted at boot: type, where, source, options
_MOUNTS = (
    ("devtmpfs", b"/dev", b"devtmpfs", b""),
    ("devpts", b"/dev/pts", b"devpts", b""),
    ("tmpfs", b"/dev/shm", b"tmpfs", b""),
    ("proc", b"/proc", b"proc", b""),
    ("sysfs", b"/sys", b"sysfs", b""),
    ("tracefs", b"/sys/kernel/tracing", b"tracefs", b""),
)


class BootError(Exception):
    """The first program cannot be started; ``status`` as a shell would have it (126, 127)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class BootConfig:
    """The first process."""

    argv: Sequence[bytes]
    env: Sequence[bytes] = ()
    cwd: bytes = b"/"
    cred: Credentials = field(default_factory=Credentials)
    hostname: bytes = b"starry"
    is_init: bool = False  #: keep signals that it has no handler for from it (kill(2))


def build(hart: Hart, door: Door, components: Components | None = None) -> Kernel:
    """Make a kernel that has no root and no process yet.

    ``components`` may have bound others than the kernel's own parts.
    """
    components = Components() if components is None else components
    components.default(FrameAllocator, FrameAllocator)
    frames = components.make(FrameAllocator, hart.ram, hart.code_changed)
    kernel = Kernel(hart, door, cast("numbers.Arch", hart.arch), frames, components)
    install_devices(kernel)
    _register_filesystems(kernel)
    return kernel


def _register_filesystems(kernel: Kernel) -> None:
    """Name the file systems that mount(2) can make; one devtmpfs and one procfs serve all."""
    now = kernel.clock.realtime
    made: list[DevFs] = []

    def devtmpfs(_kernel: Kernel, _source: bytes, _flags: int, _options: bytes) -> DevFs:
        if not made:  # at the first mount, when every device is attached
            made.append(DevFs(now, kernel.pool, kernel.devices))
        return made[0]

    def devpts(_kernel: Kernel, _source: bytes, _flags: int, options: bytes) -> DevPts:
        return DevPts(now, kernel.ptys, options)

    register_basic(kernel)
    special.register(kernel)
    kernel.filesystems["devtmpfs"] = devtmpfs
    kernel.filesystems["devpts"] = devpts


def mount_root(kernel: Kernel, root: FilesystemOps, source: bytes = b"rootfs") -> None:
    """Mount the root file system, and the kernel's own ones where they belong."""
    kernel.root = kernel.mounts.new_root(root, source=source)
    context = FsContext(kernel.root.root_location)
    for kind, path, device, options in _MOUNTS:
        if kind not in kernel.filesystems:
            continue
        place = make_directory(context, path)
        fs = kernel.filesystems[kind](kernel, device, 0, options)
        kernel.mounts.mount(fs, place, source=device)
    context.close()


def mount_at(
    kernel: Kernel, path: bytes, fs: FilesystemOps, source: bytes, name: bytes = b""
) -> None:
    """Mount ``fs`` at ``path``, or only its file ``name``; make what is missing on the way.

    Raises ``LinuxError``: ``ENOTDIR`` where something else is in the way.
    """
    context = FsContext(kernel.root.root_location)
    try:
        if not name:
            kernel.mounts.mount(fs, make_directory(context, path), source=source)
            return
        fs.dev = kernel.mounts.new_device()
        whole = MountNamespace().new_root(fs, source=source)
        at = _make_file(context, path)
        kernel.mounts.bind(whole.root_location.lookup(name), at)
    finally:
        context.close()


def _make_file(context: FsContext, path: bytes) -> Location:
    """Return the place ``path``, made as an empty file if it is missing."""
    folder, _, name = path.rstrip(b"/").rpartition(b"/")
    parent = make_directory(context, folder) if folder else context.root
    try:
        return context.walk(name, Credentials(), parent)
    except ENOENT:
        node = parent.entry.directory.create(name, S_IFREG | 0o644, 0, 0)
        parent.entry.attach(name, node)
        return context.walk(name, Credentials(), parent)


def make_directory(context: FsContext, path: bytes) -> Location:
    """Return the place ``path``, made as a directory (with its parents) if it is missing."""
    cred = Credentials()
    place = context.root
    for name in path.strip(b"/").split(b"/"):
        try:
            place = context.walk(name, cred, place)
        except ENOENT:
            node = place.entry.directory.create(name, S_IFDIR | 0o755, 0, 0)
            place.entry.attach(name, node)
            place = context.walk(name, cred, place)
        if not hasattr(place.node, "lookup"):
            raise ENOTDIR
    return place


def start(kernel: Kernel, config: BootConfig, stdio: Callable[[Thread], Sequence[File]]) -> Thread:
    """Make the first process and let it execute its program; raise `BootError`."""
    thread = first_thread(kernel, config)
    for file in stdio(thread):
        thread.install(file)
    name = config.argv[0]
    try:
        place = find_program(thread, config)
        execve(thread, place[0], place[1], list(config.argv), list(config.env))
    except LinuxError as error:
        raise _boot_error(kernel, thread, name, error) from None
    kernel.executor.enqueue(thread)
    return thread


def first_thread(kernel: Kernel, config: BootConfig) -> Thread:
    """Make the first process, which has no program yet; raise `BootError`."""
    pid = kernel.pids.take()
    process = Process(pid, None, Limits())
    process.signals = ProcessSignals(SignalActions())
    process.signals.killable = not config.is_init
    process.start_time_ns = kernel.executor.now
    session = Session(pid)
    group = ProcessGroup(pid, session)
    kernel.sessions[pid] = session
    kernel.groups[pid] = group
    group.add(process)
    signals = ThreadSignals(process.signals)
    context = kernel.hart.new_context()
    thread = Thread(kernel, pid, process, context, config.cred, signals)
    thread.comm = process.comm = b"init"
    process.leader = thread
    process.threads[pid] = thread
    kernel.init = process
    kernel.processes[pid] = process
    kernel.threads[pid] = thread
    kernel.uts.nodename = config.hostname
    scope = thread.scope
    scope.set(FS, FsContext(kernel.root.root_location, protections=kernel.protections))
    scope.set(FILES, FdTable())
    scope.set(ACTIONS, process.signals.actions)
    scope.set(MEMORY, kernel.new_space(process.limits))
    thread.bind_resources()
    try:
        place = thread.fs.walk(config.cwd, config.cred)
        if place.node.kind != DIRECTORY:
            raise ENOTDIR
        thread.fs.set_cwd(place)
    except LinuxError as error:
        message = f"cannot start in {config.cwd.decode(errors='replace')}: {error}"
        raise BootError(message, 125) from None
    return thread


def find_program(thread: Thread, config: BootConfig) -> tuple[Location, bytes]:
    """Search PATH as execvp(3) does; return the place and the path it was found by.

    Raises ``LinuxError``.
    """
    name = config.argv[0]
    if b"/" in name:
        return thread.fs.walk(name, thread.cred), name
    path = next((v[5:] for v in config.env if v.startswith(b"PATH=")), b"/usr/bin:/bin")
    error: LinuxError = ENOENT()
    for folder in path.split(b":"):
        candidate = (folder or b".") + b"/" + name
        try:
            return thread.fs.walk(candidate, thread.cred), candidate
        except LinuxError as reason:
            if not isinstance(reason, (ENOENT, ENOTDIR)):
                error = reason
    raise error


def _boot_error(kernel: Kernel, thread: Thread, name: bytes, error: LinuxError) -> BootError:
    from .boot_errors import explain

    text, status = explain(kernel, thread, name, error)
    return BootError(text, status)


__all__ = [
    "BootConfig",
    "BootError",
    "build",
    "find_program",
    "first_thread",
    "make_directory",
    "mount_root",
    "start",
]
