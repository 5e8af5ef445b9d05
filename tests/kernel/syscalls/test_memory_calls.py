"""mmap(2) and its relatives as system calls: flags, files, bad pointers, bad descriptors."""

from __future__ import annotations

import pytest

from starrylab.abi import errno as e
from starrylab.abi import mman
from starrylab.abi.fcntl import AT_FDCWD, O_CREAT, O_RDONLY, O_RDWR, O_WRONLY
from starrylab.abi.mman import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    PROT_READ,
    PROT_WRITE,
)
from starrylab.abi.signal import SIGBUS, SIGSEGV
from starrylab.kernel.task.cred import Credentials

RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS
PAGE = 4096
BAD = 0x7000_0000_0000
FREE = 0x2000_0000  #: nothing is mapped here


def run(lab, *calls, **options):
    """Make calls one after the other; return their results."""

    def program(m):
        for name, *args in calls:
            yield m.call(name, *args)
        yield m.call("exit_group", 0)

    return lab.run(program, **options)[: len(calls)]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (("mmap", 0, 0, RW, ANON, -1, 0), e.EINVAL),
        (("mmap", 0, PAGE, RW, ANON, -1, 5), e.EINVAL),
        (("mmap", 0, PAGE, RW, MAP_ANONYMOUS, -1, 0), e.EINVAL),
        (("mmap", 0, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0), e.EINVAL),
        (("mmap", 0, PAGE, RW, MAP_PRIVATE, -1, 0), e.EBADF),
        (("mmap", 0, PAGE, RW, MAP_PRIVATE, 99, 0), e.EBADF),
        (("mmap", 0, 1 << 63, RW, ANON, -1, 0), e.ENOMEM),
        (("mmap", 0, (1 << 64) - 1, RW, ANON, -1, 0), e.ENOMEM),
        (("mmap", 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), e.EINVAL),
        (("mmap", 0, PAGE, RW, ANON | mman.MAP_HUGETLB, -1, 0), e.EINVAL),
        (("munmap", 1, PAGE), e.EINVAL),
        (("munmap", FREE, 0), e.EINVAL),
        (("munmap", BAD, PAGE), e.EINVAL),
        (("mprotect", FREE, PAGE, RW), e.ENOMEM),
        (("mprotect", FREE + 1, PAGE, RW), e.EINVAL),
        (("mprotect", FREE, PAGE, 0x100), e.EINVAL),
        (("mremap", FREE, PAGE, PAGE, 0, 0), e.EFAULT),
        (("mremap", FREE, PAGE, PAGE, 64, 0), e.EINVAL),
        (("madvise", FREE, PAGE, mman.MADV_DONTNEED), e.ENOMEM),
        (("madvise", FREE, PAGE, 77), e.EINVAL),
        (("msync", FREE, PAGE, mman.MS_SYNC), e.ENOMEM),
        (("msync", FREE, PAGE, mman.MS_SYNC | mman.MS_ASYNC), e.EINVAL),
        (("mincore", FREE, PAGE, BAD), e.ENOMEM),
        (("mlock", FREE, PAGE), e.ENOMEM),
        (("mlock2", FREE, PAGE, 8), e.EINVAL),
        (("munlock", FREE, PAGE), e.ENOMEM),
        (("mlockall", 0), e.EINVAL),
        (("mlockall", 8), e.EINVAL),
        (("membarrier", 8, 0, 0), e.EPERM),
        (("membarrier", 0, 1, 0), e.EINVAL),
        (("membarrier", 1 << 20, 0, 0), e.EINVAL),
        (("riscv_flush_icache", 0, 0, 2), e.EINVAL),
        (("shmat", 5, 0, 0), e.EINVAL),
        (("shmdt", FREE), e.EINVAL),
        (("shmget", 5, 100, 0), e.ENOENT),
        (("shmctl", 5, 2, 0), e.EINVAL),
        (("set_mempolicy", 77, 0, 0), e.EINVAL),
    ],
)
def test_refusals(lab, call, error):
    assert run(lab, call) == [-error.errno]


def test_low_addresses_need_a_privilege(make_lab):
    low = ("mmap", PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0)
    assert run(make_lab(), low) == [PAGE]
    assert run(make_lab(), low, cred=Credentials.user(1000, 1000)) == [-e.EPERM.errno]


def test_mincore_with_a_bad_vector(lab):
    def program(m):
        addr = yield m.call("mmap", 0, PAGE, RW, ANON, -1, 0)
        result = yield m.call("mincore", addr, PAGE, BAD)
        assert result == -e.EFAULT.errno
        result = yield m.call("mincore", addr, PAGE, m.scratch)
        assert (result, m.load(m.scratch, 1)) == (0, b"\0")
        yield m.call("exit_group", 42)

    lab.run(program)
    assert lab.exit_status == 42 << 8


def test_files(lab):
    def program(m):
        path = m.string(m.scratch, b"/data")
        fd = yield m.call("openat", AT_FDCWD, path, O_CREAT | O_RDWR, 0o600)
        m.store(m.scratch + 100, b"content")
        yield m.call("write", fd, m.scratch + 100, 7)
        shared = yield m.call("mmap", 0, PAGE, RW, MAP_SHARED, fd, 0)
        private = yield m.call("mmap", 0, PAGE, RW, MAP_PRIVATE, fd, 0)
        assert m.load(shared, 8) == b"content\0"
        m.store(shared, b"C")
        assert m.load(private, 7) == b"Content"
        m.store(private, b"k")
        m.store(shared + 1, b"O")
        assert m.load(private, 7) == b"kontent"
        count = yield m.call("pread64", fd, m.scratch + 200, 10, 0)
        assert m.load(m.scratch + 200, count) == b"COntent"
        assert (yield m.call("msync", shared, PAGE, mman.MS_SYNC)) == 0
        assert (yield m.call("ftruncate", fd, 0)) == 0
        read_only = yield m.call("openat", AT_FDCWD, path, O_RDONLY, 0)
        write_only = yield m.call("openat", AT_FDCWD, path, O_WRONLY, 0)
        acces = -e.EACCES.errno
        assert (yield m.call("mmap", 0, PAGE, RW, MAP_SHARED, read_only, 0)) == acces
        assert (yield m.call("mmap", 0, PAGE, 1, MAP_PRIVATE, write_only, 0)) == acces
        view = yield m.call("mmap", 0, PAGE, PROT_READ, MAP_SHARED, read_only, 0)
        assert (yield m.call("mprotect", view, PAGE, RW)) == acces
        folder = yield m.call("openat", AT_FDCWD, m.string(m.scratch, b"/"), O_RDONLY, 0)
        assert (yield m.call("mmap", 0, PAGE, 1, MAP_PRIVATE, folder, 0)) == -e.ENODEV.errno
        sync = MAP_SHARED_VALIDATE | mman.MAP_SYNC
        assert (yield m.call("mmap", 0, PAGE, 1, sync, fd, 0)) == -e.EOPNOTSUPP.errno
        m.load(shared, 1)  # beyond the end of the file by now
        yield m.call("exit_group", 1)

    lab.run(program)
    assert lab.exit_status & 0x7F == SIGBUS


def test_a_closed_file_stays_mapped(lab):
    def program(m):
        path = m.string(m.scratch, b"/gone")
        fd = yield m.call("openat", AT_FDCWD, path, O_CREAT | O_RDWR, 0o600)
        m.store(m.scratch + 100, b"still here")
        yield m.call("write", fd, m.scratch + 100, 10)
        addr = yield m.call("mmap", 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0)
        yield m.call("close", fd)
        yield m.call("unlinkat", AT_FDCWD, path, 0)
        assert m.load(addr, 10) == b"still here"
        yield m.call("exit_group", 42)

    lab.run(program)
    assert lab.exit_status == 42 << 8


def test_shared_memory_between_processes_and_protection(lab):
    def child(m):
        m.store(FREE, b"from the child")
        assert (yield m.call("mprotect", FREE, PAGE, PROT_READ)) == 0
        m.store(FREE, b"x")
        yield m.call("exit_group", 1)

    def program(m):
        yield m.call("mmap", FREE, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
        yield m.fork(child)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 1)[0] & 0x7F == SIGSEGV
        assert m.load(FREE, 14) == b"from the child"
        yield m.call("exit_group", 42)

    lab.run(program)
    assert lab.exit_status == 42 << 8


def test_heap_and_advice(lab):
    def program(m):
        start = yield m.call("brk", 0)
        end = yield m.call("brk", start + 5 * PAGE)
        assert end == start + 5 * PAGE
        m.store(start, b"heap")
        assert (yield m.call("madvise", start & -PAGE, PAGE, mman.MADV_DONTNEED)) == 0
        assert m.load(start, 4) == bytes(4)
        assert (yield m.call("mlock", start & -PAGE, PAGE)) == 0
        assert (yield m.call("mlockall", mman.MCL_FUTURE)) == 0
        assert (yield m.call("munlockall")) == 0
        registered = yield m.call("membarrier", 16, 0, 0)
        assert registered == 0
        assert (yield m.call("membarrier", 8, 0, 0)) == 0
        assert (yield m.call("riscv_flush_icache", 0, 0, 0)) == 0
        yield m.call("exit_group", 42)

    lab.run(program)
    assert lab.exit_status == 42 << 8


def test_a_process_gives_everything_back(lab):
    before = []

    def child(m):
        addr = yield m.call("mmap", 0, 64 * PAGE, RW, ANON, -1, 0)
        for i in range(64):
            m.store(addr + i * PAGE, b"x")
        shared = yield m.call("mmap", 0, 8 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        m.store(shared, b"x" * 8 * PAGE)
        yield m.call("exit_group", 0)

    def program(m):
        m.store(m.scratch, b"x")
        for _ in range(3):
            yield m.fork(child)
            yield m.call("wait4", -1, 0, 0, 0)
            m.store(m.scratch, b"x")
            before.append(lab.kernel.frames.usage())
        yield m.call("exit_group", 42)

    lab.run(program)
    assert lab.exit_status == 42 << 8
    assert before[0] == before[1] == before[2]
