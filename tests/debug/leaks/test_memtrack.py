"""/dev/memtrack: the commands, Starry Mix's text, and the raw format written and read back."""

from __future__ import annotations

import errno
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.leaks import raw
from starrylab.debug.leaks.tracker import Tracker
from starrylab.kernel.dev.memtrack import MemoryTracker
from tests.kernel.conftest import ScriptedLab

O_RDWR, AT_FDCWD = 2, -100


def conversation(*commands: bytes, lab: ScriptedLab | None = None, leak: bool = True):
    """Write commands to the device; return the results and what can be read afterwards."""
    lab = lab or tracked()
    results: list[int] = []
    texts: list[bytes] = []

    def program(m):
        m.store(m.scratch, b"/dev/memtrack\0")
        fd = yield m.call("openat", AT_FDCWD, m.scratch, O_RDWR, 0)
        assert fd >= 0
        for command in commands:
            m.store(m.scratch, command)
            results.append((yield m.call("write", fd, m.scratch, len(command))))
            size = yield m.call("pread64", fd, m.scratch, 200_000, 0)
            texts.append(m.load(m.scratch, max(0, size)))
            if leak:
                yield m.call("eventfd2", 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    return results, [text.decode() for text in texts]


def tracked() -> ScriptedLab:
    lab = ScriptedLab()
    lab.kernel.components.bind(MemoryTracker, Tracker)
    return lab


@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_start_and_end(newline: bytes) -> None:
    results, texts = conversation(b"start" + newline, b"end" + newline)
    assert results == [5 + len(newline), 3 + len(newline)]
    assert texts[0] == "Memory allocation generation stamped: 0\n"
    lines = texts[1].splitlines()
    assert lines[0] == "Alive tasks: [Process(1 init)]"
    assert lines[1:3] == ["===========================", "Memory usage:"]
    assert "==========================" in lines
    line = r"^ (\d+) bytes, \d+ allocations, Layout \{ size: \d+, align: 8 \(1 << 3\) \}, "
    sizes = [int(found[1]) for found in re.finditer(line, texts[1], re.MULTILINE)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes
    assert "   0: eventfd2\n            at kernel/syscalls/event.py:" in texts[1]
    assert "fd table" in texts[1]  # who holds it


def test_known_names_are_categories() -> None:
    lab = tracked()
    reports = []

    def program(m):
        m.store(m.scratch, b"/dev/memtrack\0")
        fd = yield m.call("openat", AT_FDCWD, m.scratch, O_RDWR, 0)
        m.store(m.scratch, b"start")
        yield m.call("write", fd, m.scratch, 5)
        m.store(m.scratch, b"/new\0")
        yield m.call("openat", AT_FDCWD, m.scratch, 0o102, 0o644)
        yield m.fork(lambda child: iter([child.call("exit_group", 0)]))
        yield m.call("sched_yield")
        m.store(m.scratch, b"end")
        yield m.call("write", fd, m.scratch, 3)
        size = yield m.call("pread64", fd, m.scratch, 200_000, 0)
        reports.append(m.load(m.scratch, size).decode())
        yield m.call("exit_group", 0)

    lab.run(program)
    for category in ("process data", "process", "dentry", "cached file", "inode"):
        assert reports[0].count(f", [{category}]") == 1


@pytest.mark.parametrize("command", [b"stop", b"", b"start now", b"\xff", b"START", b"x" * 100])
def test_other_commands_are_refused(command: bytes) -> None:
    results, _ = conversation(command)
    assert results == [-errno.EINVAL]


def test_an_end_without_a_start_is_refused() -> None:
    assert conversation(b"end", b"raw")[0] == [-errno.EINVAL] * 2


def test_without_a_tracker_there_is_no_device_behind_it() -> None:
    assert conversation(b"start", lab=ScriptedLab())[0] == [-errno.ENODEV]


def test_stamps_tell_what_changed() -> None:
    _, texts = conversation(b"stamp", b"stamp")
    assert "stamp 1" in texts[0]
    assert re.search(r"\+1 +\+\d+ bytes eventfd", texts[1])


def test_raw_is_written_and_read() -> None:
    _, texts = conversation(b"start", b"raw")
    blocks = list(raw.parse(texts[1].splitlines()))
    assert blocks
    assert all(block.kind == "alloc" and block.complete for block in blocks)
    (event,) = [block for block in blocks if block.pairs["object"] == "eventfd"]
    assert event.pairs["arch"] == "riscv64"
    assert event.frames[0].symbol == "eventfd2"
    assert event.frames[0].file == "kernel/syscalls/event.py"
    assert event.frames[0].line > 0
    assert event.frames[0].ip > 0
    assert [frame.index for frame in event.frames] == list(range(len(event.frames)))


def test_logs_of_real_kernels_are_read() -> None:
    log = """
[  0.123 0:2 starry] noise
BACKTRACE_BEGIN kind=raw arch=x86_64 alloc=true dwarf=true
BT 0 ip=0xffff800000123456 fp=0xffff800001001000
[  1.5] BT 1 ip=0xffff800000123460 fp=0xffff800001001020
BT_ERROR invalid_fp
BACKTRACE_END
BT 7 ip=0x1 fp=0x2
BACKTRACE_BEGIN kind=panic arch=x86_64 alloc=false map=true
BT 0 ip=0xffff800000123456 fp=0xffff800001001000 symbol=core::fmt::<impl X for Y>::f at a b.rs:42
BACKTRACE_BEGIN kind=alloc
BT 0 ip=0x10 fp=0x0"""
    first, second, third = raw.parse(log.splitlines())
    assert (first.kind, first.complete, first.error) == ("raw", True, "invalid_fp")
    assert [(f.ip, f.fp) for f in first.frames] == [
        (0xFFFF800000123456, 0xFFFF800001001000), (0xFFFF800000123460, 0xFFFF800001001020),
    ]  # fmt: skip
    frame = second.frames[0]
    assert (frame.symbol, frame.file, frame.line) == (
        "core::fmt::<impl X for Y>::f", "a b.rs", 42)  # fmt: skip
    assert not second.complete
    assert (third.kind, len(third.frames), third.complete) == ("alloc", 1, False)


@given(st.text(alphabet="BACKTRE_GINDip=0xf 12\n", max_size=300))
def test_any_text_can_be_parsed(text: str) -> None:
    for block in raw.parse(text.splitlines()):
        assert len(block.frames) <= 256
