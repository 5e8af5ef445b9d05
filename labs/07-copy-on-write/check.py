"""Goals of lab 7."""

from __future__ import annotations

from typing import Any

from starrylab.abi.mman import MAP_ANONYMOUS, MAP_PRIVATE
from starrylab.kernel.mm.frames import USER
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import bound
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

READ, WRITE = 1, 2
_AREA = 128  # pages


def _users(bench: ScriptedBench) -> int:
    return bench.kernel.frames.kinds.count(USER)


@scenario
def generations(student: Student, texts: list[bytes]) -> dict[str, Any]:
    """Parent, child and grandchild read what they inherited, and write in turn."""
    bench = ScriptedBench(bound(student))
    seen: dict[str, Any] = {}
    count = len(texts)

    def read(m: ScriptedContext) -> list[bytes]:
        return [m.load(m.scratch + (n << 12), 8) for n in range(count)]

    def write(m: ScriptedContext, prefix: bytes) -> None:
        for n in range(count):
            m.store(m.scratch + (n << 12), b"%s%03d" % (prefix, n))

    def grandchild(m: ScriptedContext) -> Program:
        seen["grandchild got"] = read(m)
        write(m, b"grand")
        seen["grandchild wrote"] = read(m)
        yield m.call("exit_group", 0)

    def child(m: ScriptedContext) -> Program:
        seen["child got"] = read(m)
        write(m, b"child")
        pid = yield m.fork(grandchild)
        yield m.call("wait4", pid, 0, 0, 0)
        seen["child after"] = read(m)
        yield m.call("exit_group", 0)

    def program(m: ScriptedContext) -> Program:
        for n, text in enumerate(texts):
            m.store(m.scratch + (n << 12), text)
        pid = yield m.fork(child)
        m.store(m.scratch, b"parents!")  # before the child had its first turn
        seen["parent after fork"] = read(m)
        yield m.call("wait4", pid, 0, 0, 0)
        seen["parent after"] = read(m)
        yield m.call("exit_group", 0)

    bench.run(program)
    return seen


@scenario
def price(student: Student, pages: int, written: int) -> dict[str, int]:
    """Count frames: at a fork, for what the child writes, and for the parent afterwards."""
    bench = ScriptedBench(bound(student))
    cost: dict[str, int] = {}
    taken: list[int] = []

    def child(m: ScriptedContext) -> Program:
        before = _users(bench)
        for n in range(written):
            m.store(m.scratch + (n << 12), b"mine")
            m.store(m.scratch + (n << 12) + 64, b"again")
        cost["written"] = _users(bench) - before
        yield m.call("exit_group", 0)

    def program(m: ScriptedContext) -> Program:
        for n in range(pages):
            m.store(m.scratch + (n << 12), b"parent's")
        before = _users(bench)
        pid = yield m.fork(child)
        cost["fork"] = _users(bench) - before
        yield m.call("wait4", pid, 0, 0, 0)
        bench.kernel.frames.on_alloc = lambda _, kind: taken.append(kind)
        for n in range(pages):
            m.store(m.scratch + (n << 12), b"parent's again")
        bench.kernel.frames.on_alloc = None
        cost["alone"] = taken.count(USER)
        cost["kept"] = _users(bench) - before
        yield m.call("exit_group", 0)

    bench.run(program)
    return cost


@scenario
def half_written(student: Student) -> list[bytes]:
    """Fork with a read-only page and one that was only read; return what the child sees."""
    bench = ScriptedBench(bound(student))
    seen: list[bytes] = []

    def child(m: ScriptedContext) -> Program:
        seen.append(m.load(m.scratch, 5))
        seen.append(m.load(m.scratch + 4096, 5))
        m.store(m.scratch + 4096, b"child")
        seen.append(m.load(m.scratch + 4096, 5))
        seen.append(m.load(m.scratch + 8192, 5))
        yield m.call("exit_group", 0)

    def program(m: ScriptedContext) -> Program:
        m.store(m.scratch, b"fixed")
        yield m.call("mprotect", m.scratch, 4096, READ)
        m.load(m.scratch + 4096, 8)
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        seen.append(m.load(m.scratch + 4096, 5))
        yield m.call("exit_group", 0)

    bench.run(program)
    return seen


@goal(points=25, zh="子进程看到父进程的全部内存，包括只读的页。")
def the_child_has_it_all(run: Run) -> None:
    """A child sees all that its parent had, read-only pages too."""
    texts = [run.random.randbytes(8) for _ in range(run.random.randrange(10, 40))]
    seen = run(generations, texts)
    assert seen["child got"][1:] == texts[1:], hint(
        "the child does not see what its parent had written before the fork",
        "子进程看不到父进程在 fork 之前写入的内容",
    )
    found = run(half_written)
    assert found[0] == b"fixed", hint(
        f"a page that the parent had made read-only is {found[0]!r} in the child",
        f"父进程设为只读的页在子进程中是 {found[0]!r}",
    )
    assert found[2] == b"child" and found[4] == bytes(5), hint(
        "a page that was only read before the fork was written by the child, and the parent saw it",
        "fork 之前只读过的页被子进程写入，父进程却看到了",
    )


@goal(points=25, zh="任何一方写入后，另一方看不到；孙进程也一样。", after="the_child_has_it_all")
def writes_stay_private(run: Run) -> None:
    """After the fork each writes for itself: parent, child and grandchild."""
    texts = [run.random.randbytes(8) for _ in range(run.random.randrange(10, 40))]
    seen = run(generations, texts)
    by_child = [b"child%03d" % n for n in range(len(texts))]
    by_grandchild = [b"grand%03d" % n for n in range(len(texts))]
    assert seen["child got"] == texts, hint(
        "the parent wrote after the fork, and the child saw it: protect the parent's entries, too",
        "父进程在 fork 之后写入，子进程却看到了：父进程的表项也要写保护",
    )
    assert seen["parent after"] == seen["parent after fork"] == [b"parents!", *texts[1:]], hint(
        "the child wrote, and the parent's memory changed: which of the two pages was not protected?",
        "子进程写入后，父进程的内存变了：两个页中哪一个没有写保护？",
    )
    assert seen["grandchild got"] == by_child, hint(
        "the grandchild does not see what the child had written", "孙进程看不到子进程写入的内容"
    )
    assert seen["grandchild wrote"] == by_grandchild and seen["child after"] == by_child, hint(
        "child and grandchild share a page that one of them wrote",
        "子进程和孙进程共享了其中一方已写入的页",
    )


@goal(points=25, zh="fork 本身不复制任何页；写几页就复制几页。", after="writes_stay_private")
def a_fork_is_cheap(run: Run) -> None:
    """A fork copies no page; what is written afterwards is copied, once."""
    pages, written = run.random.randrange(60, 120), run.random.randrange(3, 9)
    cost = run(price, pages, written)
    assert cost["fork"] == 0, hint(
        f"a fork with {pages} pages took {cost['fork']} frames: share them, and protect them on both sides",
        f"有 {pages} 页的 fork 占用了 {cost['fork']} 个页帧：应共享这些页，并在两边写保护",
    )
    assert cost["written"] == written, hint(
        f"the child wrote to {written} pages, twice each, which took {cost['written']} frames",
        f"子进程写了 {written} 页，每页两次，却占用了 {cost['written']} 个页帧",
    )


@goal(points=25, zh="只剩一个所有者的页直接变为可写，不再复制。", after="a_fork_is_cheap")
def the_last_owner_copies_nothing(run: Run) -> None:
    """Once the child is gone, the parent's writes copy nothing."""
    pages = run.random.randrange(60, 120)
    cost = run(price, pages, 4)
    assert cost["alone"] == 0, hint(
        f"nobody else has these pages any more, and {cost['alone']} of {pages} were copied: look at references()",
        f"这些页已没有其他所有者，{pages} 页中却复制了 {cost['alone']} 页：请查看 references()",
    )
    assert cost["kept"] == 0, hint(
        f"{cost['kept']} frames more than before the fork are in use",
        f"与 fork 之前相比多用了 {cost['kept']} 个页帧",
    )
