"""sysfs: the kernel's objects as a tree (sysfs(5)); as far as there are objects to show.

/sys/devices/system/cpu tells the processors, /sys/class/tty the terminals, /sys/dev the
devices by number, /sys/fs the file systems by type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from ...abi.errno import ENOENT
from ...abi.stat import S_IFDIR, SYSFS_MAGIC
from ..vfs.node import FilesystemOps, NodeOps
from .event_source import add_event_sources
from .proc._declare import Declared
from .proc._nodes import LiveDir, StaticDir, TextNode, ino_of
from .proc.system import NODE_FILES

if TYPE_CHECKING:
    from ..dev.device import Device
    from ..kernel import Kernel

#: cpu0/topology: one package with one core (Documentation/admin-guide/cputopology.rst)
_TOPOLOGY: Final = {
    **dict.fromkeys(("physical_package_id", "core_id"), "0"),
    **dict.fromkeys(("core_cpus", "thread_siblings", "package_cpus", "core_siblings"), "1"),
    **dict.fromkeys(
        ("core_cpus_list", "thread_siblings_list", "package_cpus_list", "core_siblings_list"), "0"
    ),
}


class SysFs(FilesystemOps):
    """One instance of sysfs."""

    name = "sysfs"
    magic = SYSFS_MAGIC

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel.clock.realtime)
        self.kernel = kernel
        self._root = self._tree()

    @property
    def root(self) -> StaticDir:
        """See ``FilesystemOps.root``."""
        return self._root

    def _tree(self) -> StaticDir:
        root = StaticDir(self, "sys")
        cpu = self._folder(root, "devices/system/cpu")
        for name in ("online", "possible", "present"):
            self._file(cpu, name, lambda _: "0\n")
        self._file(cpu, "kernel_max", lambda _: "0\n")
        self._file(cpu, "offline", lambda _: "\n")
        topology = self._folder(cpu, "cpu0/topology")
        for name, value in _TOPOLOGY.items():
            self._file(topology, name, _constant(value))
        node = self._folder(root, "devices/system/node")
        for name in ("online", "possible", "has_cpu", "has_memory", "has_normal_memory"):
            self._file(node, name, lambda _: "0\n")
        for name, render in NODE_FILES.items():
            self._file(self._folder(node, "node0"), name, render)
        terminals = self._folder(root, "class")
        terminals.children[b"tty"] = ClassDir(self, "tty", _is_terminal)
        terminals.children[b"mem"] = ClassDir(self, "mem", lambda device: device.driver == "mem")
        kernel = self._folder(root, "kernel")
        self._folder(kernel, "mm")
        self._folder(kernel, "tracing")  # where tracefs belongs
        fs = self._folder(root, "fs")
        for name in self.kernel.filesystems:
            self._folder(fs, name)
        dev = self._folder(root, "dev")
        for kind in ("char", "block"):
            dev.children[kind.encode()] = NumberDir(self, kind)
        add_event_sources(self, root, self._folder, self._file)
        return root

    def _folder(self, parent: StaticDir, path: str) -> StaticDir:
        for part in path.split("/"):
            child = parent.children.get(part.encode())
            if not isinstance(child, StaticDir):
                child = StaticDir(self, f"sys:{parent.ino}/{part}")
                parent.children[part.encode()] = child
            parent = child
        return parent

    def _file(
        self, parent: StaticDir, name: str, render: Callable[[Kernel], str], mode: int = 0o444
    ) -> None:
        parent.children[name.encode()] = self.text(f"{parent.ino}/{name}", render, mode)

    def text(self, path: str, render: Callable[[Kernel], str], mode: int = 0o444) -> TextNode:
        """Return a file that shows what ``render`` returns."""
        declared = Declared(f"sys:{path}", False, render, mode, False, None, False)
        return TextNode(self, self.kernel, declared)


def _constant(value: str) -> Callable[[Kernel], str]:
    return lambda _: value + "\n"


def _is_terminal(device: Device) -> bool:
    return device.driver in ("ttyS", "/dev/tty", "/dev/console", "/dev/ptmx")


class _DevicesDir(LiveDir):
    """A directory with one folder for each of some devices."""

    __slots__ = ()
    fs: SysFs

    def devices(self) -> Iterator[tuple[bytes, Device]]:
        """Yield name and device."""
        raise NotImplementedError

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        for found, device in self.devices():
            if found == name:
                return self._device(device)
        raise ENOENT

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        for name, _ in self.devices():
            yield name, S_IFDIR

    def _device(self, device: Device) -> StaticDir:
        number = f"{device.major}:{device.minor}"
        folder = StaticDir(self.fs, f"sys:device/{device.kind}/{number}")
        folder.children[b"dev"] = self.fs.text(f"{number}/dev", lambda _: number + "\n")
        event = f"MAJOR={device.major}\nMINOR={device.minor}\nDEVNAME={device.name.decode()}\n"
        folder.children[b"uevent"] = self.fs.text(f"{number}/uevent", lambda _: event)
        return folder


class ClassDir(_DevicesDir):
    """/sys/class/NAME."""

    __slots__ = ("_wanted",)

    def __init__(self, fs: SysFs, name: str, wanted: Callable[[Device], bool]) -> None:
        super().__init__(fs, ino_of("sys:class", name), 0o755)
        self._wanted = wanted

    def devices(self) -> Iterator[tuple[bytes, Device]]:
        """See ``_DevicesDir.devices``."""
        for name, device in sorted(self.fs.kernel.devices.named.items()):
            if self._wanted(device):
                yield name, device


class NumberDir(_DevicesDir):
    """/sys/dev/char and /sys/dev/block."""

    __slots__ = ("_kind",)

    def __init__(self, fs: SysFs, kind: str) -> None:
        super().__init__(fs, ino_of("sys:dev", kind), 0o755)
        self._kind = kind

    def devices(self) -> Iterator[tuple[bytes, Device]]:
        """See ``_DevicesDir.devices``."""
        for (kind, major, minor), device in sorted(self.fs.kernel.devices.items()):
            if kind == self._kind:
                yield b"%d:%d" % (major, minor), device
