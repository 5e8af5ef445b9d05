"""Goals of lab 4."""

from __future__ import annotations

from typing import Any

from starrylab.kernel.mm.chosen import ChosenFrames
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import bound
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

Operation = tuple[str, int, int]


@scenario
def perform(student: Student, total: int, operations: list[Operation]) -> list[Any]:
    """Do what the list says; return each answer: a page, None, "ok" or the exception's name."""
    pages = student.get("BitmapAllocator")(total)
    answers: list[Any] = []
    for name, first, second in operations:
        try:
            if name == "alloc":
                answers.append(pages.alloc(first, second))
            elif name == "free":
                pages.free(first, second)
                answers.append("ok")
            else:
                answers.append(pages.free_pages())
        except Exception as error:
            if isinstance(error, NotImplementedError):
                raise
            answers.append(type(error).__name__)
    return answers


@scenario
def boot_and_work(student: Student, rounds: int) -> tuple[list[int], list[int], list[int]]:
    """Run a kernel on the student's pages; return call results and counts of free pages.

    The counts: after each round; then by the kernel and by the student, while a run is taken.
    """
    bench = ScriptedBench(bound(student), ram=4 << 20)
    kernel = bench.kernel
    free: list[int] = []

    def child(m: ScriptedContext) -> Program:
        for page in range(16):
            m.store(m.scratch + page * 4096, b"child")
        yield m.call("exit_group", 0)

    def program(m: ScriptedContext) -> Program:
        for _ in range(rounds):
            m.store(m.scratch, b"parent")
            pid = yield m.fork(child)
            yield m.call("wait4", pid, 0, 0, 0)
            free.append(kernel.frames.free_frames())
        yield m.call("exit_group", 0)

    results = bench.run(program)
    frames = kernel.frames
    assert isinstance(frames, ChosenFrames)
    frames.alloc_run(8)
    return results, free, [frames.free_frames(), frames.pages.free_pages()]


@goal(points=25, zh="每个空闲页恰好分配一次；全部用完后返回 None。")
def every_page_once(run: Run) -> None:
    """Each page is given out exactly once; when all are in use the answer is None."""
    total = run.random.randrange(40, 90)
    answers = run(perform, total, [("alloc", 1, 1)] * (total + 1))
    given = answers[:total]
    assert len(set(given)) == total, hint(
        f"of {total} pages only {len(set(given))} different ones came: mark a page when you give it out",
        f"共有 {total} 页，但只得到 {len(set(given))} 个不同的页：分配时要把位图中的位置 1",
    )
    assert set(given) == set(range(total)), hint(
        f"pages are numbered 0 to {total - 1}; you gave out {max(given, key=str)}",
        f"页号从 0 到 {total - 1}；你却给出了 {max(given, key=str)}",
    )
    assert answers[total] is None, hint(
        "with every page in use alloc() must answer None", "所有页都在使用时 alloc() 应返回 None"
    )


@goal(
    points=25, zh="释放的页可以再次分配；释放未分配的页引发 ValueError。", after="every_page_once"
)
def freed_pages_come_back(run: Run) -> None:
    """A page that was freed can be had again; to free one that is not in use is a ValueError."""
    total = 64
    page = run.random.randrange(total)
    answers = run(
        perform,
        total,
        [("alloc", 1, 1)] * total
        + [("free", page, 1), ("free_pages", 0, 0), ("alloc", 1, 1), ("free", page, 1)]
        + [("free", page, 1), ("free", total, 1), ("free_pages", 0, 0)],
    )[total:]
    assert answers[1] == 1, hint(
        f"one page was freed, but free_pages() says {answers[1]}",
        f"释放了一页，但 free_pages() 返回 {answers[1]}",
    )
    assert answers[2] == page, hint(
        f"page {page} was freed and is the only free one, but alloc() answered {answers[2]}",
        f"第 {page} 页已释放且是唯一的空闲页，但 alloc() 返回 {answers[2]}",
    )
    assert answers[4] == "ValueError", hint(
        "a page was freed twice and nobody noticed: look at its bit before you clear it",
        "同一页被释放两次却没有发现：清除之前先检查该位",
    )
    assert answers[5] == "ValueError", hint(
        f"page {total} does not exist, but free() took it", f"不存在第 {total} 页，free() 却接受了"
    )
    assert answers[6] == 1, hint(
        "a refused free() must change nothing", "被拒绝的 free() 不应改变任何状态"
    )


@goal(points=25, zh="连续的页真正相邻、对齐且互不重叠。", after="freed_pages_come_back")
def runs_are_adjacent_and_aligned(run: Run) -> None:
    """Runs of pages are adjacent, aligned, and never overlap what is in use."""
    total = 256
    operations: list[Operation] = []
    for _ in range(40):
        operations.append(
            ("alloc", run.random.choice((1, 2, 3, 5, 8)), run.random.choice((1, 1, 2, 4, 8)))
        )
    used: dict[int, int] = {}
    for (_, count, align), page in zip(operations, run(perform, total, operations), strict=True):
        if page is None:
            continue
        assert page % align == 0, hint(
            f"alloc({count}, {align}) answered {page}, which is no multiple of {align}",
            f"alloc({count}, {align}) 返回 {page}，它不是 {align} 的倍数",
        )
        for number in range(page, page + count):
            assert 0 <= number < total, hint(
                f"a run of {count} pages from {page} leaves memory, which has {total} pages",
                f"从 {page} 开始的 {count} 页超出了内存（共 {total} 页）",
            )
            assert number not in used, hint(
                f"alloc({count}, {align}) answered {page}, but page {number} is in use",
                f"alloc({count}, {align}) 返回 {page}，但第 {number} 页正在使用",
            )
            used[number] = page
    few = run(perform, 7, [("alloc", 1, 1)] * 6 + [("alloc", 2, 1)])
    assert few[-1] is None, hint(
        f"of 7 pages only the last was free; alloc(2) answered {few[-1]}: a run ends within memory",
        f"共 7 页，只有最后一页空闲；alloc(2) 却返回 {few[-1]}：连续的页不能超出内存",
    )
    count = ("free_pages", 0, 0)
    twice = run(perform, 8, [("alloc", 4, 1), ("free", 1, 1), count, ("free", 0, 4), count])
    assert twice[3] == "ValueError" and twice[2] == twice[4], hint(
        f"of pages 0 to 3 page 1 was free already; free(0, 4) answered {twice[3]}, and of {twice[2]} free pages it made {twice[4]}",
        f"第 0 到 3 页中第 1 页已经空闲；free(0, 4) 的结果为 {twice[3]}，空闲页数从 {twice[2]} 变为 {twice[4]}",
    )
    holes = [("alloc", 1, 1)] * 8 + [("free", n, 1) for n in (1, 3, 4, 6)] + [("alloc", 2, 1)]
    assert run(perform, 8, holes)[-1] == 3, hint(
        "pages 1, 3, 4 and 6 were free: the only run of two begins at 3",
        "空闲页为 1、3、4、6：唯一的两页连续区从 3 开始",
    )


@goal(
    points=25,
    zh="内核用你的分配器启动，fork 一百次后空闲页数不变。",
    after="runs_are_adjacent_and_aligned",
)
def the_kernel_runs_on_it(run: Run) -> None:
    """The kernel runs on your allocator, and after a hundred forks no page is missing."""
    results, free, both = run(boot_and_work, 100)
    first, last = free[0], free[-1]
    assert all(result >= 0 for result in results), hint(
        f"a system call failed with {min(results)}: memory ran out although pages are freed",
        f"某个系统调用失败，返回 {min(results)}：页在释放，内存却用完了",
    )
    assert first == last, hint(
        f"after the first fork {first} pages were free, after the last {last}: some are lost",
        f"第一次 fork 后空闲 {first} 页，最后一次后空闲 {last} 页：有页丢失",
    )
    assert both[0] == both[1], hint(
        f"{both[0]} pages are free, but free_pages() says {both[1]} once a run of 8 was taken",
        f"实际空闲 {both[0]} 页，但取走连续 8 页后 free_pages() 返回 {both[1]}",
    )
