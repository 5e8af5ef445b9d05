"""A kernel's worth of files without a CPU: RAM, page pool, mounts, and a thread that asks."""

from __future__ import annotations

import inspect
import itertools
from types import SimpleNamespace

from starrylab.abi.errno import EAGAIN
from starrylab.kernel.files.fdtable import FdTable
from starrylab.kernel.fs.system import register
from starrylab.kernel.fs.tmpfs import Tmpfs
from starrylab.kernel.mm.frames import FrameAllocator
from starrylab.kernel.mm.layout import Layout
from starrylab.kernel.mm.space import AddressSpace
from starrylab.kernel.syscalls import declared
from starrylab.kernel.task.cred import ROOT, Credentials
from starrylab.kernel.task.limits import Limits
from starrylab.kernel.task.process import Usage
from starrylab.kernel.vfs.context import FsContext
from starrylab.kernel.vfs.mount import MountNamespace
from starrylab.kernel.vfs.page_pool import PagePool

AT_FDCWD = -100
PRIVATE_ANON = 0x22
SCRATCH = 1 << 20  #: bytes of user memory for arguments and buffers


class Ram:
    def __init__(self, size: int) -> None:
        self.size = size
        self.view = memoryview(bytearray(size))
        self.grain = 4096
        self.copy_page = None


class Blocked(Exception):
    """A call would sleep; `coroutine` goes on with it."""


class World:
    def __init__(self, ram: int = 32 << 20, root=None) -> None:
        self.time = itertools.count(1_700_000_000_000_000_000, 1_000)
        self.frames = FrameAllocator(Ram(ram))
        self.pool = PagePool(self.frames)
        self.mounts = MountNamespace()
        self.now = lambda: next(self.time)
        self.fs = root(self) if root else Tmpfs(self.now, self.pool)
        self.root = self.mounts.new_root(self.fs)
        self.kernel = SimpleNamespace(
            pool=self.pool, mounts=self.mounts, filesystems={}, devices={}, threads={},
            executor=SimpleNamespace(current=None),
            clock=SimpleNamespace(realtime=self.now), boot_time_ns=10**9,
            registry=SimpleNamespace(living=()),
        )  # fmt: skip
        register(self.kernel)
        self.pids = itertools.count(1)

    def thread(self, cred: Credentials = ROOT, like: Thread | None = None) -> Thread:
        thread = Thread(self, cred, like)
        self.kernel.threads[thread.process.pid] = thread
        return thread


class Thread:
    """As much of a thread as system calls on files use."""

    def __init__(self, world: World, cred: Credentials, like: Thread | None) -> None:
        self.kernel = world.kernel
        self.cred = cred
        mnt = SimpleNamespace(tree=world.mounts, user_ns=None)
        self.namespaces = SimpleNamespace(mnt=mnt)
        self.usage = Usage()
        self.fds = like.fds.copy_table() if like else FdTable()
        self.fs = like.fs.copy() if like else FsContext(world.root.root_location)
        limits = Limits()
        self.process = SimpleNamespace(pid=next(world.pids), limits=limits, shown=int)
        self.mm = AddressSpace(world.frames, Layout(), limits)
        self.base = self.mm.map(0, SCRATCH, 3, PRIVATE_ANON)
        self.signals = []

    # What the kernel's thread offers.

    def install(self, file, *, cloexec=False):
        return self.fds.install(file, self.process.limits.nofile, cloexec=cloexec)

    def send_sigpipe(self):
        self.signals.append(13)

    def send_signal(self, info):
        self.signals.append(info.signo)

    def wait_io(self, file, events, attempt, timeout_ns=None, *, nonblocking=None):
        async def wait():
            while True:
                try:
                    return attempt()
                except EAGAIN:
                    await _Sleep()

        return wait()

    # What tests use.

    def start(self, name, *args):
        """Call a system call; return its result or its coroutine.

        ``bytes`` are put into user memory, ``None`` is a null pointer.
        """
        entry = declared()[name]
        at = self.base + SCRATCH // 2
        regs = []
        for arg in args:
            if isinstance(arg, bytes):
                self.mm.write(at, arg + b"\0")
                regs.append(at)
                at += len(arg) + 16 & ~7
            else:
                regs.append((arg or 0) & 0xFFFFFFFFFFFFFFFF)
        return entry.call(self, tuple(regs) + (0,) * 6)

    def call(self, name, *args):
        """Call a system call to its end; raise `Blocked` if it would sleep."""
        result = self.start(name, *args)
        if inspect.iscoroutine(result):
            return step(result)
        return result if result is not None else 0

    def out(self, size):
        """Return what the last call left at the start of user memory."""
        return self.mm.read(self.base, size)

    def open(self, path, flags=0, mode=0o644):
        return self.call("openat", AT_FDCWD, path, flags, mode)

    def read(self, fd, size=SCRATCH // 2):
        return self.out(self.call("read", fd, self.base, size))

    def write(self, fd, data):
        self.mm.write(self.base, data)
        return self.call("write", fd, self.base, len(data))

    def put(self, path, data, mode=0o644):
        fd = self.open(path, 0o1102, mode)
        if data:
            self.write(fd, data)
        self.call("close", fd)

    def get(self, path):
        fd = self.open(path)
        data = b""
        while part := self.read(fd):
            data += part
        self.call("close", fd)
        return data

    def listing(self, path):
        fd = self.open(path, 0o200000)
        names = []
        while count := self.call("getdents64", fd, self.base, 512):
            data = self.out(count)
            while data:
                length = int.from_bytes(data[16:18], "little")
                names.append(data[19:length].split(b"\0", 1)[0])
                data = data[length:]
        self.call("close", fd)
        return sorted(set(names) - {b".", b".."})

    def stat(self, path, flags=0):
        self.call("newfstatat", AT_FDCWD, path, self.base, flags)
        return Stat(self.out(128))

    def fstat(self, fd):
        self.call("fstat", fd, self.base)
        return Stat(self.out(128))


class Stat:
    def __init__(self, data: bytes) -> None:
        word = lambda at, size: int.from_bytes(data[at : at + size], "little")  # noqa: E731
        self.dev, self.ino = word(0, 8), word(8, 8)
        self.mode, self.nlink, self.uid, self.gid = (word(a, 4) for a in (16, 20, 24, 28))
        self.rdev, self.size = word(32, 8), word(48, 8)
        self.blksize, self.blocks = word(56, 4), word(64, 8)
        self.atime, self.mtime, self.ctime = (
            word(a, 8) * 10**9 + word(a + 8, 8) for a in (72, 88, 104)
        )


class _Sleep:
    def __await__(self):
        yield


def step(coroutine):
    """Run a call until it ends or sleeps (then raise `Blocked`, with the coroutine)."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value if done.value is not None else 0
    blocked = Blocked()
    blocked.coroutine = coroutine
    raise blocked
