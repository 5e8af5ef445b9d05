"""Goals of lab 5: correct on any load, then better than the kernel's own on one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from starrylab.abi.errno import ENOMEM
from starrylab.kernel.mm.heap import BYTE_ALLOCATORS
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.student import Student

_BASE = 0x4000
_ROOM = 2 << 20  # bytes of the challenge
_SIZES = tuple(32 << n for n in range(9))
_STEP = 4  # bytes by which every round asks for more
_MOST = 2000  # rounds; memory ends far before

Operation = tuple[str, int, int]


def _perform(allocator: Any, operations: list[Operation]) -> list[Any]:
    """Do what the list says; frees name the operation whose result is freed."""
    answers: list[Any] = []
    for name, first, second in operations:
        try:
            if name == "alloc":
                answers.append(allocator.alloc(first, second))
            else:
                allocator.free(answers[first] if second else first)
                answers.append("ok")
        except NotImplementedError:
            raise
        except Exception as error:
            answers.append(type(error).__name__)
    return answers


@scenario
def perform(student: Student, kind: str, size: int, operations: list[Operation]) -> list[Any]:
    """Run operations on one of the student's allocators."""
    return _perform(student.get(kind)(_BASE, size), operations)


def load(make: Callable[[int, int], Any]) -> Iterator[list[int]]:
    """Ask for nine sizes and keep every second block, again and again; yield each whole round."""
    allocator = make(_BASE, _ROOM)
    for number in range(_MOST):
        offsets = []
        try:
            for size in _SIZES:
                offsets.append(allocator.alloc(size + number * _STEP))
        except ENOMEM:
            return
        for offset in offsets[::2]:
            allocator.free(offset)
        yield offsets


@scenario
def challenge(student: Student) -> list[list[int]]:
    """Return the offsets of every round that the student's allocator could serve."""
    return list(load(student.get("Allocator")))


def _score(rounds: list[list[int]]) -> int:
    """Return how many rounds hold up: in range, and never over a block that is in use."""
    kept: list[tuple[int, int]] = []
    for number, offsets in enumerate(rounds):
        blocks = [
            (at, at + size + number * _STEP) for at, size in zip(offsets, _SIZES, strict=True)
        ]
        _verify([*kept, *blocks], _ROOM)
        kept += blocks[1::2]
    return len(rounds)


def _verify(blocks: list[tuple[int, int]], size: int) -> None:
    end = _BASE
    for start, stop in sorted(blocks):
        assert start >= end, hint(
            f"the block from {start:#x} to {stop:#x} overlaps one that is in use, or leaves the range",
            f"{start:#x} 到 {stop:#x} 的块与正在使用的块重叠，或超出范围",
        )
        end = stop
    assert end <= _BASE + size, hint(
        f"a block ends at {end:#x}, behind the range, which ends at {_BASE + size:#x}",
        f"有一块在 {end:#x} 结束，超出了在 {_BASE + size:#x} 结束的范围",
    )


@goal(points=20, zh="BumpAllocator 依次分配并对齐；全部释放后可以重新使用。")
def bump(run: Run) -> None:
    """BumpAllocator gives out bytes in turn, aligned; when all are freed it begins again."""
    sizes = [run.random.randrange(1, 60) for _ in range(20)]
    operations: list[Operation] = [("alloc", size, 16) for size in sizes]
    count = len(sizes)
    operations += [("alloc", 4096, 8), ("free", 0, 1), ("free", 0, 1)]
    operations += [("free", n, 1) for n in range(1, count)] + [("alloc", 4096, 8)]
    answers = run(perform, "BumpAllocator", 4096, operations)
    got = answers[:count]
    assert all(isinstance(at, int) and at % 16 == 0 for at in got), hint(
        f"offsets must be multiples of 16, as asked; they were {got[:4]} ...",
        f"偏移应为所要求的 16 的倍数；得到的是 {got[:4]} ……",
    )
    _verify([(at, at + size) for at, size in zip(got, sizes, strict=True)], 4096)
    assert got == sorted(got) and got[-1] - got[0] < 80 * count, hint(
        "a bump allocator goes upwards, with no more between blocks than alignment needs",
        "bump 分配器一直向上分配，块之间只留对齐所需的空隙",
    )
    assert answers[count] == "ENOMEM", hint(
        f"4096 bytes no longer fit, but alloc answered {answers[count]}: raise ENOMEM",
        f"已容不下 4096 字节，alloc 却返回 {answers[count]}：应 raise ENOMEM",
    )
    assert answers[count + 2] == "KeyError", hint(
        "the same block was freed twice; the second time is a KeyError",
        "同一块被释放两次；第二次应引发 KeyError",
    )
    assert answers[-1] == _BASE, hint(
        f"everything was freed, so all 4096 bytes can be had at the beginning; the answer was {answers[-1]}",
        f"全部释放后，全部 4096 字节应能从头分配；得到的是 {answers[-1]}",
    )


@goal(points=30, zh="Allocator 在随机负载下正确，并合并相邻的空闲块。")
def correct(run: Run) -> None:
    """Allocator is right under a random load, and joins free neighbours."""
    size = 64 << 10
    operations: list[Operation] = []
    live: list[int] = []
    for _ in range(400):
        if live and run.random.random() < 0.45:
            operations.append(("free", live.pop(run.random.randrange(len(live))), 1))
        else:
            live.append(len(operations))
            operations.append(
                ("alloc", run.random.randrange(1, 700), run.random.choice((8, 8, 16, 64)))
            )
    operations += [("free", number, 1) for number in live]
    for order in (range(8), range(7, -1, -1)):  # each joins on another side
        first = len(operations)
        operations += [("alloc", 7 << 10, 8)] * 8
        operations += [("free", first + n, 1) for n in order]
        operations += [("alloc", 48 << 10, 8), ("free", first + 16, 1)]
    operations += [("free", _BASE + 3, 0)]
    answers = run(perform, "Allocator", size, operations)
    used: dict[int, tuple[int, int]] = {}
    for number, ((name, first, align), answer) in enumerate(zip(operations, answers, strict=True)):
        if name == "alloc" and isinstance(answer, int):
            assert answer % align == 0, hint(
                f"alloc({first}, {align}) answered {answer:#x}, which is not aligned",
                f"alloc({first}, {align}) 返回 {answer:#x}，没有对齐",
            )
            used[number] = (answer, answer + first)
            _verify(list(used.values()), size)
        elif name == "free" and align:
            used.pop(first, None)
    large = [answers[n] for n, operation in enumerate(operations) if operation[1] == 48 << 10]
    assert all(isinstance(at, int) for at in large), hint(
        "everything was freed, yet three quarters of the range are not to be had in one piece: join free neighbours",
        "全部释放后，却无法得到一整块四分之三大小的空间：请合并相邻的空闲块",
    )
    assert answers[-1] == "KeyError", hint(
        "free() took an offset that alloc never returned", "free() 接受了 alloc 从未返回的偏移"
    )


def _compare(run: Run, other: str) -> None:
    scores = {name: _score(list(load(make))) for name, make in BYTE_ALLOCATORS.items()}
    mine = _score(run(challenge))
    run.rank("rounds", mine, scores)
    assert mine > scores[other], hint(
        f"your allocator lasts {mine} rounds, {other} {scores[other]}",
        f"你的分配器坚持了 {mine} 轮，{other} 为 {scores[other]} 轮",
    )


@goal(points=20, zh="在课程的负载上，Allocator 胜过伙伴分配器。", after="correct")
def beats_buddy(run: Run) -> None:
    """On the course's load Allocator lasts longer than the kernel's buddy allocator."""
    _compare(run, "buddy")


@goal(points=30, zh="在课程的负载上，Allocator 胜过 TLSF。", after="beats_buddy")
def beats_tlsf(run: Run) -> None:
    """On the course's load Allocator lasts longer than TLSF."""
    _compare(run, "tlsf")
