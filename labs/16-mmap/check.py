"""Goals of lab 16."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starrylab.abi.mman import MAP_PRIVATE, MAP_SHARED
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import bound
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

READ, WRITE = 1, 2
_SIGBUS = 7
_CWD = (1 << 64) - 100
_MS_SYNC = 4
Steps = Callable[[ScriptedContext, int, list[Any]], Program]


def _with_file(student: Student, content: bytes, steps: Steps) -> dict[str, Any]:
    """Run a program that has a file of this content open as ``fd``; it notes what it sees."""
    bench = ScriptedBench(bound(student))
    seen: list[Any] = []

    def program(m: ScriptedContext) -> Program:
        m.string(m.scratch, b"/file")
        fd = yield m.call("openat", _CWD, m.scratch, 0o102, 0o644)
        at = m.scratch + 8192
        m.store(at, content)
        yield m.call("write", fd, at, len(content))
        yield from steps(m, fd, seen)
        yield m.call("exit_group", 0)

    bench.run(program)
    return {"seen": seen, "signal": (bench.kernel.exit_status or 0) & 0x7F}


@scenario
def look(
    student: Student, content: bytes, offset: int, places: list[tuple[int, int]]
) -> dict[str, Any]:
    """Map from ``offset`` on, and read at some places."""

    def steps(m: ScriptedContext, fd: int, seen: list[Any]) -> Program:
        start = yield m.call("mmap", 0, len(content) - offset, READ, MAP_PRIVATE, fd, offset)
        for at, size in places:
            seen.append(m.load(start + at, size))

    return _with_file(student, content, steps)


@scenario
def write_private(student: Student, content: bytes, at: int) -> dict[str, Any]:
    """Write to one of two private mappings; read both, the file, and what was written again."""

    def steps(m: ScriptedContext, fd: int, seen: list[Any]) -> Program:
        first = yield m.call("mmap", 0, len(content), READ | WRITE, MAP_PRIVATE, fd, 0)
        second = yield m.call("mmap", 0, len(content), READ | WRITE, MAP_PRIVATE, fd, 0)
        seen.append(m.load(first + at, 4))
        m.store(first + at, b"mine")
        seen.append(m.load(first + at - 8, 16))
        seen.append(m.load(second + at, 4))
        yield m.call("pread64", fd, m.scratch, 4, at)
        seen.append(m.load(m.scratch, 4))

    return _with_file(student, content, steps)


@scenario
def write_shared(student: Student, content: bytes, at: int) -> dict[str, Any]:
    """Write through a shared mapping and through the file; look from both sides, and after msync."""

    def steps(m: ScriptedContext, fd: int, seen: list[Any]) -> Program:
        first = yield m.call("mmap", 0, len(content), READ | WRITE, MAP_SHARED, fd, 0)
        second = yield m.call("mmap", 0, len(content), READ, MAP_SHARED, fd, 0)
        seen.append(m.load(second + at, 4) == content[at : at + 4])
        m.store(first + at, b"ours")
        seen.append(m.load(second + at, 4))
        yield m.call("pread64", fd, m.scratch, 4, at)
        seen.append(m.load(m.scratch, 4))
        m.store(m.scratch, b"file")
        yield m.call("pwrite64", fd, m.scratch, 4, at)
        seen.append(m.load(first + at, 4))
        yield m.call("msync", first, len(content), _MS_SYNC)
        m.store(first + at, b"last")
        yield m.call("munmap", first, len(content))
        yield m.call("pread64", fd, m.scratch, 4, at)
        seen.append(m.load(m.scratch, 4))

    return _with_file(student, content, steps)


@scenario
def beyond(student: Student, size: int, access: int) -> dict[str, Any]:
    """Read the rest of the file's last page, then touch the page behind it."""

    def steps(m: ScriptedContext, fd: int, seen: list[Any]) -> Program:
        start = yield m.call("mmap", 0, 4 << 12, READ | WRITE, MAP_PRIVATE, fd, 0)
        end = -(-size // 4096) * 4096
        seen.append(m.load(start + size - 1, end - size + 1))
        if access == WRITE:
            m.store(start + end, b"x")
        else:
            m.load(start + end, 1)
        seen.append("went on")

    return _with_file(student, b"z" * size, steps)


def _content(run: Run) -> bytes:
    return run.random.randbytes(run.random.randrange(5 * 4096, 9 * 4096))


def _survived(found: dict[str, Any]) -> list[Any]:
    assert not found["signal"], hint(
        f"the program was ended by signal {found['signal']} at an access that is permitted",
        f"程序在一次合法访问时被信号 {found['signal']} 终止",
    )
    seen: list[Any] = found["seen"]
    return seen


@goal(points=25, zh="映射显示文件的内容，偏移正确。")
def the_content(run: Run) -> None:
    """A mapping shows what is in the file, from the offset on that was asked for."""
    content = _content(run)
    for offset in (0, 4096 * run.random.randrange(1, 4)):
        size = len(content) - offset
        places = [
            (run.random.randrange(size - 600), run.random.randrange(1, 600)) for _ in range(6)
        ]
        seen = _survived(run(look, content, offset, places))
        wrong = [
            at
            for (at, n), got in zip(places, seen, strict=True)
            if got != content[offset + at :][:n]
        ]
        assert not wrong, hint(
            f"a mapping from offset {offset} on shows something else at byte {wrong[:1]} of it: page of memory and page of the file are not the same number",
            f"从偏移 {offset} 开始的映射在第 {wrong[:1]} 字节处内容不符：内存的页号与文件的页号不是同一个数",
        )


@goal(points=25, zh="对私有映射的写入只有自己看到。", after="the_content")
def private_writes(run: Run) -> None:
    """A write to a private mapping is one's own: neither the file nor another mapping sees it."""
    content = _content(run)
    at = run.random.randrange(5000, len(content) - 100)
    before, around, other, file = _survived(run(write_private, content, at))
    assert before == content[at : at + 4], hint(
        "the page was read before it was written, and was not right", "写入之前先读取该页，内容不对"
    )
    expected = content[at - 8 : at] + b"mine" + content[at + 4 : at + 8]
    assert around == expected, hint(
        f"around the written bytes {around!r} is read, not {expected!r}: a copy has the content of the file",
        f"写入的字节附近读到 {around!r}，应为 {expected!r}：副本应包含文件的内容",
    )
    assert file == other == content[at : at + 4], hint(
        f"the file now has {file!r}, another mapping {other!r}: they must not see a private write",
        f"文件中变成 {file!r}，另一个映射中是 {other!r}：它们不应看到私有写入",
    )


@goal(points=25, zh="对共享映射的写入就是对文件的写入，反之亦然。", after="the_content")
def shared_writes(run: Run) -> None:
    """A write to a shared mapping is a write to the file, seen by read and by others; and back."""
    content = _content(run)
    at = run.random.randrange(5000, len(content) - 100)
    before, other, file, back, last = _survived(run(write_shared, content, at))
    assert before, hint("a shared mapping did not show the file", "共享映射没有显示文件内容")
    assert other == file == b"ours", hint(
        f"b'ours' was written; another mapping shows {other!r}, and read(2) {file!r}: all have one frame, the page cache's",
        f"写入了 b'ours'；另一个映射显示 {other!r}，read(2) 读到 {file!r}：大家应共用页缓存的页帧",
    )
    assert back == b"file", hint(
        f"write(2) wrote b'file', the mapping shows {back!r}",
        f"write(2) 写入 b'file'，映射显示 {back!r}",
    )
    assert last == b"last", hint(
        f"what was written after msync and before munmap reads {last!r}",
        f"在 msync 之后、munmap 之前写入的内容读到 {last!r}",
    )


@goal(
    points=25, zh="文件末尾之后的页以 SIGBUS 结束；最后一页的剩余部分为零。", after="private_writes"
)
def behind_the_end(run: Run) -> None:
    """A page behind the file's end is SIGBUS; the rest of its last page is zeros."""
    size = 4096 + run.random.randrange(100, 4000)
    for access in (READ, WRITE):
        found = run(beyond, size, access)
        assert found["seen"][:1] == [b"z" + bytes(8192 - size)], hint(
            "behind the last byte of the file its page has to be zeros",
            "文件最后一个字节之后，该页的剩余部分应为零",
        )
        assert found["signal"] == _SIGBUS, hint(
            f"the file has {size} bytes; an access to its third page should be SIGBUS (7), and was {found['signal'] or 'served'}",
            f"文件有 {size} 个字节；访问第三页应为 SIGBUS (7)，实际为 {found['signal'] or '成功'}",
        )
