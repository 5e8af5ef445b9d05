"""Answers with fixed figures, for tests of what is drawn."""

from __future__ import annotations

from starrylab.session.inspection.model import (
    AddressDetails,
    AreaView,
    CachedFile,
    CallsDetails,
    CallSource,
    CallView,
    CredentialsView,
    DescriptorView,
    EntryView,
    FilesDetails,
    FolderDetails,
    LimitView,
    MemoryDetails,
    MountView,
    OpenFile,
    PageView,
    ProcessDetails,
    SignalView,
    ThreadView,
)

_TEXT = AreaView(0x10000, 0x30000, "r-xp", 0, "/usr/bin/sh", "cow", 12, 0, 0, 0, 20)
PROCESS = ProcessDetails(
    2,
    True,
    "sh",
    exe="/usr/bin/sh",
    cwd="/root",
    root="/",
    umask=0o22,
    arguments=("sh", "-l"),
    children=(7, 8, 9),
    credentials=CredentialsView((1000, 0, 0, 0), (5, 5, 5, 5), (5, 27), 3, 3, 3, True),
    threads=(
        ThreadView(
            2, "sh", "S", "read", "poll.poll_io:111", 0x10100, 0x3FFFFFF000, 5 * 10**7, 10**6, 900,
            0, 0, 0, 0,
        ),
    ),
    descriptors=(
        DescriptorView(0, "tty", "/dev/ttyS0", "rw", False, 0, 3),
        DescriptorView(3, "file", "/etc/文件", "r nonblock", True, 4096, 1),
    ),
    areas=(
        _TEXT,
        AreaView(0x30000, 0x40000, "rw-p", 0, "[heap]", "cow", 3, 2, 6, 5, 0),
        AreaView(0x3FFFFDF000, 0x3FFFFFF000, "rw-p", 0, "[stack]", "cow", 28, 0, 4, 0, 0),
    ),
    signals=(
        SignalView(2, "SIGINT", "0x10abc", 0x10000000, False, False),
        SignalView(10, "SIGUSR1", "ignored", 0, True, True),
    ),
    limits=(LimitView("nofile", 1024, 1 << 20), LimitView("stack", 8 << 20, -1)),
)  # fmt: skip
MEMORY = MemoryDetails(
    frames=65536,
    kinds=("free", "kernel heap", "user", "page cache", "page table", "dma"),
    cells=bytes((1, 2, 3, 0, 4, 2)) + bytes(250),
    used=bytes((255, 200, 128, 0, 20, 5)) + bytes(250),
    free_frames=60000,
    largest_run=50000,
    free_runs=(3, 0, 7, 1),
    heap_used=5000,
    heap_held=8192,
    cache_pages=900,
    cache_limit=16384,
    evictions=12,
    reclaims=1,
    files=(
        CachedFile("/bin/busybox", "overlay", 1 << 20, 200, 0, 3, 800, 200),
        CachedFile("/tmp/x", "tmpfs", 8192, 2, 2, 0, 0, 0),
    ),
    files_total=2,
    faults=(("first touch", 900), ("copy on write", 300)),
)
ADDRESS = AddressDetails(
    2,
    0x10123,
    True,
    (0, 0, 16),
    0x1000,
    0x2000,
    PageView(0x5005, 0x5000, "r-x", "page cache", 3, False),
    _TEXT,
    b"\x7fELF",
)
FILES = FilesDetails(
    (
        MountView(21, 0, "/", "rootfs", "tmpfs", "rw", 4),
        MountView(22, 21, "/dev", "devtmpfs", "devtmpfs", "mode=755", 2),
    ),
    (OpenFile(2, "sh", DescriptorView(5, "eventfd", "anon_inode:[eventfd]", "rw", True, 0, 1)),),
    1,
)
FOLDER = FolderDetails(
    b"/",
    True,
    (
        EntryView("etc", "directory", 3, 0, 2, 0, False),
        EntryView("init", "file", 4, 5000, 0, 2, False),
        EntryView("none", "absent", 0, 0, 0, 0, False),
        EntryView("proc", "directory", 5, 0, 0, 0, True),
    ),
    5,
)
CALLS = CallsDetails(
    (
        CallView(25, "fcntl", "partial", "no leases", "fd.py:7"),
        CallView(56, "openat", "full", "", "open.py:12"),
        CallView(425, "io_uring_setup", "absent", "", ""),
    )
)
SOURCE = CallSource(
    "openat",
    "open.py:12",
    12,
    '@syscall()\ndef openat(t: Thread, dirfd: FdNum) -> int:\n    """openat(2)."""\n    return 3\n',
)
