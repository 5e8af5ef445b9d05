"""The audit of frames adds up whatever a program does with memory."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.debug.leaks.frames import FrameMap, heap_unaccounted, usage
from tests.kernel.conftest import ScriptedLab

BASE, PAGE, SLOTS = 0x6000_0000, 4096, 8
PROT_READ, PROT_RW, MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANON = 1, 3, 1, 2, 16, 32
MADV_DONTNEED, MREMAP_MAYMOVE = 4, 1
SIZE = 4 * PAGE

slots = st.integers(0, SLOTS - 1)
OPERATIONS = st.one_of(
    st.tuples(st.just("private"), slots),
    st.tuples(st.just("shared"), slots),
    st.tuples(st.just("file"), slots),
    st.tuples(st.just("private file"), slots),
    st.tuples(st.just("touch"), slots),
    st.tuples(st.just("unmap"), slots),
    st.tuples(st.just("protect"), slots),
    st.tuples(st.just("forget"), slots),
    st.tuples(st.just("grow"), slots),
    st.tuples(st.just("fork"), slots),
    st.tuples(st.just("pipe"), slots),
    st.tuples(st.just("truncate"), slots),
)


def perform(m: Any, operation: str, slot: int, files: dict[str, int]):
    """One operation on the part of the address space that belongs to ``slot``."""
    at = BASE + slot * 64 * PAGE
    kinds = {
        "private": (MAP_PRIVATE | MAP_ANON, -1),
        "shared": (MAP_SHARED | MAP_ANON, -1),
        "file": (MAP_SHARED, files["file"]),
        "private file": (MAP_PRIVATE, files["file"]),
    }
    if operation in kinds:
        flags, fd = kinds[operation]
        yield m.call("mmap", at, SIZE, PROT_RW, flags | MAP_FIXED, fd, 0)
    elif operation == "touch":
        m.store(m.scratch, b"touched")
        for page in (0, 2):  # by the kernel, so that an unmapped page is no fault
            yield m.call("pread64", files["file"], at + page * PAGE, 10, 0)
    elif operation == "unmap":
        yield m.call("munmap", at + PAGE, 2 * PAGE)
    elif operation == "protect":
        yield m.call("mprotect", at, 2 * PAGE, PROT_READ)
    elif operation == "forget":
        yield m.call("madvise", at, SIZE, MADV_DONTNEED)
    elif operation == "grow":
        yield m.call("mremap", at, PAGE, 8 * PAGE, MREMAP_MAYMOVE)
    elif operation == "fork":
        yield from fork(m, at, files)
    elif operation == "pipe":
        yield m.call("write", files["pipe"], m.scratch, 3000)
    elif operation == "truncate":
        yield m.call("ftruncate", files["file"], PAGE * (slot % 4))
        yield m.call("ftruncate", files["file"], SIZE)


def fork(m: Any, at: int, files: dict[str, int]):
    """A child writes to what it shares with its parent, and ends."""

    def child(m: Any):
        yield m.call("pread64", files["file"], at, 10, 0)
        yield m.call("exit_group", 0)

    pid = yield m.fork(child)
    yield m.call("pread64", files["file"], at, 10, 0)
    yield m.call("wait4", pid, 0, 0, 0)


@settings(max_examples=25, deadline=None)
@given(st.lists(OPERATIONS, max_size=25))
def test_everything_adds_up(operations: list[tuple[str, int]]) -> None:
    lab = ScriptedLab()
    kernel = lab.kernel
    after = []

    def program(m: Any):
        m.store(m.scratch, b"/file\0")
        files = {"file": (yield m.call("openat", -100, m.scratch, 0o102, 0o600))}
        yield m.call("write", files["file"], m.scratch, SIZE)
        yield m.call("pipe2", m.scratch, 0o4000)
        files["pipe"] = int.from_bytes(m.load(m.scratch + 4, 4), "little")
        for operation, slot in operations:
            yield from perform(m, operation, slot, files)
            after.append((operation, FrameMap(kernel).wrong(), heap_unaccounted(kernel)))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert [row for row in after if row[1] or row[2]] == []
    assert FrameMap(kernel).wrong() == []
    assert heap_unaccounted(kernel) == 0
    assert sum(usage(kernel).values()) == sum(
        PAGE for _ in FrameMap(kernel).in_use())  # fmt: skip
