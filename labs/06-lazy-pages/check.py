"""Goals of lab 6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starrylab.abi.mman import MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_PRIVATE
from starrylab.kernel.mm.frames import USER
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import bound
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

READ, WRITE, EXEC = 1, 2, 4
_SIGSEGV = 11
_PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS


def _run(
    student: Student, program: Callable[[ScriptedContext, Any, list[Any]], Program]
) -> dict[str, Any]:
    """Run a program on a kernel with the student's handler; it notes what it sees."""
    bench = ScriptedBench(bound(student))
    seen: list[Any] = []
    status = "?"
    bench.run(lambda m: program(m, bench.kernel, seen))
    status = bench.kernel.exit_status
    return {"seen": seen, "signal": (status or 0) & 0x7F}


def _users(kernel: Any) -> int:
    return kernel.frames.kinds.count(USER)


@scenario
def touch(student: Student, pages: list[int], texts: list[bytes]) -> dict[str, Any]:
    """Write to some pages of a mapping of 64, and read them and another one back."""

    def program(m: ScriptedContext, kernel: Any, seen: list[Any]) -> Program:
        start = yield m.call("mmap", 0, 64 << 12, READ | WRITE, _PRIVATE, (1 << 64) - 1, 0)
        before = _users(kernel)
        for page, text in zip(pages, texts, strict=True):
            m.store(start + (page << 12) + 100, text)
        seen.append(_users(kernel) - before)
        for page, text in zip(pages, texts, strict=True):
            seen.append(m.load(start + (page << 12) + 100, len(text)))
        seen.append(m.load(start + (pages[0] << 12), 8))
        yield m.call("exit_group", 0)

    return _run(student, program)


@scenario
def read_all(student: Student, pages: int) -> dict[str, Any]:
    """Read many pages that were never written, then write to one of them."""

    def program(m: ScriptedContext, kernel: Any, seen: list[Any]) -> Program:
        start = yield m.call("mmap", 0, pages << 12, READ | WRITE, _PRIVATE, (1 << 64) - 1, 0)
        before = _users(kernel)
        seen.append(all(m.load(start + (n << 12), 16) == bytes(16) for n in range(pages)))
        seen.append(_users(kernel) - before)
        m.store(start, b"mine")
        seen.append([m.load(start, 4), m.load(start + 4096, 4)])
        seen.append(_users(kernel) - before)
        yield m.call("exit_group", 0)

    return _run(student, program)


@scenario
def misuse(student: Student, what: str) -> dict[str, Any]:
    """Do one thing that a program must not do."""

    def program(m: ScriptedContext, kernel: Any, seen: list[Any]) -> Program:
        prot = {"write": READ, "none": 0}.get(what, READ | WRITE)
        start = yield m.call("mmap", 0, 4 << 12, prot, _PRIVATE, (1 << 64) - 1, 0)
        if what == "write":
            m.load(start, 1)
            m.store(start, b"x")
        elif what == "none":
            m.load(start, 1)
        elif what == "behind":
            yield m.call("munmap", start + 4096, 3 << 12)
            m.store(start, b"x")
            m.store(start + 4096, b"x")
        else:
            m.load(0x10, 8)
        seen.append("went on")
        yield m.call("exit_group", 0)

    return _run(student, program)


@scenario
def descend(student: Student, distance: int, rest: int) -> dict[str, Any]:
    """Let a stack grow by a jump of some pages, then page by page."""

    def program(m: ScriptedContext, kernel: Any, seen: list[Any]) -> Program:
        flags = _PRIVATE | MAP_GROWSDOWN
        top = 0x2000_0000
        start = yield m.call("mmap", top - 8192, 8192, READ | WRITE, flags | 0x10, (1 << 64) - 1, 0)
        m.store(start, b"first")
        lowest = start - (distance << 12)
        m.store(lowest + 50, b"deep")
        for page in range(rest):
            m.store(lowest - ((page + 1) << 12), b"%d" % page)
        seen.append([m.load(start, 5), m.load(lowest + 50, 4)])
        seen.append(m.load(lowest - (rest << 12), 1))
        yield m.call("exit_group", 0)

    return _run(student, program)


@goal(points=30, zh="首次写入时页出现，内容为零，且每页各有自己的页帧。")
def a_page_at_the_first_touch(run: Run) -> None:
    """A page appears when it is first written, full of zeros, and each has a frame of its own."""
    pages = run.random.sample(range(64), 9)
    texts = [run.random.randbytes(40) for _ in pages]
    found = run(touch, pages, texts)
    assert not found["signal"], hint(
        f"the program was ended by signal {found['signal']} at an access that is permitted",
        f"程序在一次合法访问时被信号 {found['signal']} 终止",
    )
    frames, *contents, beginning = found["seen"]
    assert contents == texts, hint(
        "what was written to one page was not there afterwards: which page did you map?",
        "写入某页的内容后来不见了：你映射的是哪一页？",
    )
    assert beginning == bytes(8), hint("a new page is not full of zeros", "新页的内容不全为零")
    assert frames == len(pages), hint(
        f"{len(pages)} pages were touched, and {frames} frames taken",
        f"访问了 {len(pages)} 页，却占用了 {frames} 个页帧",
    )


@goal(points=25, zh="没有权限或没有映射的访问以 SIGSEGV 结束。", after="a_page_at_the_first_touch")
def bad_accesses(run: Run) -> None:
    """What a program was not promised, or not for that use, is SIGSEGV."""
    said = {
        "null": ("an access to address 0x10", "访问地址 0x10"),
        "none": ("a read of memory without permissions", "读取没有任何权限的内存"),
        "write": ("a write to read-only memory", "写入只读内存"),
        "behind": ("an access behind the end of a region", "访问区域末尾之后的地址"),
    }
    for what, (en, zh) in said.items():
        found = run(misuse, what)
        assert found["signal"] == _SIGSEGV, hint(
            f"{en} was served; return False", f"{zh}得到了满足；应返回 False"
        )


@goal(
    points=25,
    zh="只读的页共享零页：读一百页不占用页帧；写入时才换成自己的页。",
    after="bad_accesses",
)
def zeros_are_shared(run: Run) -> None:
    """To read a hundred untouched pages costs no frame; a write makes that one page its own."""
    count = run.random.randrange(80, 120)
    zeros, read, contents, written = run(read_all, count)["seen"]
    assert zeros, hint("untouched memory did not read as zeros", "未写过的内存读出的不是零")
    assert read == 0, hint(
        f"{count} pages were only read, and {read} frames taken for them: there is memory.zero_frame",
        f"{count} 页只被读取，却占用了 {read} 个页帧：可使用 memory.zero_frame",
    )
    assert contents == [b"mine", bytes(4)], hint(
        "one page was written, and another one changed: did somebody write to the frame of zeros?",
        "写了一页，另一页却变了：是否有人写入了零页？",
    )
    assert written == 1, hint(
        f"one page was written, which took {written} frames", f"写了一页，占用了 {written} 个页帧"
    )


@goal(points=20, zh="栈可以一次向下增长多页。", after="bad_accesses")
def stacks_grow(run: Run) -> None:
    """A stack grows down to where it is touched, also by several pages at once."""
    distance = run.random.randrange(5, 40)
    found = run(descend, distance, 12)
    assert not found["signal"], hint(
        f"a program that touched its stack {distance} pages below its end was ended by signal {found['signal']}",
        f"程序在栈底以下 {distance} 页处访问栈，被信号 {found['signal']} 终止",
    )
    assert found["seen"] == [[b"first", b"deep"], b"1"], hint(
        "the stack lost what was written to it", "写入栈的内容丢失了"
    )
