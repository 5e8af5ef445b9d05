"""Goals of lab 18."""

from __future__ import annotations

import itertools
from typing import Any

from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import run_program
from starrylab.labs.student import Student

_TOP = 0x3F_FFFF_F000


@scenario
def symbols(student: Student, table: list[tuple[int, int, str]], addrs: list[int]) -> list[str]:
    """Return what each address is called."""
    symbolize = student.get("symbolize")
    return [symbolize([tuple(row) for row in table], addr) for addr in addrs]


@scenario
def unwind(student: Student, stacks: list[tuple[dict[int, int], int, int]]) -> list[Any]:
    """Return the backtrace of each stack."""
    backtrace = student.get("backtrace")
    return [backtrace(memory.get, pc, fp) for memory, pc, fp in stacks]


@scenario
def lines(student: Student, rows: list[tuple[int, str, int]], addrs: list[int]) -> list[str]:
    """Return the line of each address."""
    line = student.get("line")
    return [line([tuple(row) for row in rows], addr) for addr in addrs]


@scenario
def store(student: Student, program: bytes, words: list[str]) -> dict[str, object]:
    """Run the student's inventory."""
    limit = student.description.limits
    return run_program(program, words, instructions=limit.instructions, ram=limit.ram).plain()


@goal(points=20, zh="symbolize 找到包含地址的函数。")
def names(run: Run) -> None:
    """symbolize() finds the function that an address is in."""
    table, addr = [], 0x1_0000
    for number in range(run.random.randrange(10, 30)):
        size = 4 * run.random.randrange(1, 60)
        table.append((addr, size, f"function{number}"))
        addr += size + run.random.choice((0, 0, 4, 64))
    expected: dict[int, str] = {0: "?", addr + 100: "?"}
    ends = {start for start, _, _ in table}
    for start, size, name in table:
        inside = run.random.randrange(size)
        expected |= {start: f"{name}+0x0", start + inside: f"{name}+{inside:#x}"}
        if start + size not in ends:
            expected[start + size] = "?"
    run.random.shuffle(table)
    for (at, want), got in zip(expected.items(), run(symbols, table, list(expected)), strict=True):
        assert got == want, hint(
            f"{at:#x} is {want}, not {got}: a function's last byte is at address + size - 1",
            f"{at:#x} 应为 {want}，而不是 {got}：函数的最后一个字节在 地址 + 大小 - 1",
        )


def _stack(run: Run, depth: int) -> tuple[dict[int, int], int, int, list[int]]:
    memory: dict[int, int] = {}
    calls = [0x1_0000 + 4 * run.random.randrange(1 << 16) for _ in range(depth + 1)]
    fps = [_TOP - 0x8000]
    for _ in range(depth):
        fps.append(fps[-1] + 16 * run.random.randrange(1, 9))
    for number in range(depth):
        caller = fps[number + 1] if number + 1 < depth else 0
        memory |= {fps[number] - 8: calls[number + 1], fps[number] - 16: caller}
    return memory, calls[0], fps[0], calls


@goal(points=30, zh="backtrace 沿帧指针走完调用链，遇到损坏的栈会停下。")
def calls(run: Run) -> None:
    """backtrace() follows the frame pointers to the end, and stops where a stack is spoilt."""
    depth = run.random.randrange(4, 20)
    memory, pc, fp, expected = _stack(run, depth)
    got = run(unwind, [(memory, pc, fp), ({}, pc, 0), ({}, pc, fp)])
    assert got[0] == expected, hint(
        f"{len(expected)} addresses were to be found, {got[0][:3]} ... came: the return address is at fp - 8, the caller's fp at fp - 16",
        f"应找到 {len(expected)} 个地址，得到 {got[0][:3]} ……：返回地址在 fp - 8，调用者的 fp 在 fp - 16",
    )
    assert got[1] == got[2] == [pc], hint(
        "without a frame pointer, or where nothing can be read, the pc alone is known",
        "没有帧指针、或无法读取时，只知道 pc",
    )
    spoilt = {
        "leads in a circle": fp,
        "goes down again": fp - 64,
        "is no multiple of 8": fp + 33,
        "is nonsense": 0x4141_4141_4141_4140,
    }
    for what, value in spoilt.items():
        cut = dict(memory) | {fp - 16: value, fp + 25: 1, fp + 17: 2, fp - 72: 3, fp - 80: fp}
        answer = run(unwind, [(cut, pc, fp)])[0]
        assert answer == expected[:2], hint(
            f"a frame pointer that {what} ends the backtrace; yours goes on for {len(answer)} calls",
            f"遇到无效的帧指针（{value:#x}）应结束回溯；你的结果有 {len(answer)} 项",
        )


@goal(points=20, zh="line 由行号表得到源文件和行号。")
def source(run: Run) -> None:
    """line() finds file and line of an address in the line table."""
    rows: list[tuple[int, str, int]] = []
    addr = 0x1_0000
    for _ in range(40):
        rows.append(
            (
                addr,
                run.random.choice(("a.c", "b.c", "list.h")),
                run.random.choice((0, *range(1, 90))),
            )
        )
        addr += 4 * run.random.randrange(1, 20)
    rows[7] = (rows[7][0], "a.c", 0)
    rows.append((addr, "a.c", 1))
    expected = {0xFFFF: "?", addr: "?", addr + 50: "?"}
    for (start, file, number), (end, _, _) in itertools.pairwise(rows):
        text = f"{file}:{number}" if number else "?"
        expected |= {start: text, end - 1: text}
    for (at, want), got in zip(expected.items(), run(lines, rows, list(expected)), strict=True):
        assert got == want, hint(
            f"{at:#x} is {want}, not {got}: look for the last row that does not begin behind it"
            + ("; is there one, and does it tell a line?" if want == "?" else ""),
            f"{at:#x} 应为 {want}，而不是 {got}：寻找起始地址不大于它的最后一项"
            + ("；有这样的项吗？它给出了行号吗？" if want == "?" else ""),
        )


@goal(points=30, zh="inventory 不再崩溃，且输出正确。")
def the_cause(run: Run) -> None:
    """inventory crashes no more, and its numbers are right."""
    program = run.build("inventory.c")
    a, b = run.random.randrange(10, 99), run.random.randrange(1, 9)
    long = "left-handed-" * 4 + "screw"
    cases = [
        (["add", "bolt", str(a), "total"], f"total {a}\n"),
        (["add", "bolt", str(a), "take", "nut", "1", "total"], f"no nut\ntotal {a}\n"),
        (
            ["add", "bolt", str(a), "add", "nut", "2", "add", "bolt", str(b), "total"],
            f"total {a + b + 2}\n",
        ),
        (
            ["add", long, str(a), "add", "nut", str(b), "take", long, "3", "total"],
            f"total {a + b - 3}\n",
        ),
    ]
    for words, expected in cases:
        found = run(store, program, words)
        output = found["output"].decode(errors="replace").replace("\r\n", "\n")
        shown = " ".join(words)
        assert found["status"] == 0, hint(
            f"inventory {shown} ended with status {found['status']} (139 is SIGSEGV): run it under starrylab debug",
            f"inventory {shown} 的退出状态为 {found['status']}（139 为 SIGSEGV）：请在 starrylab debug 下运行",
        )
        assert output == expected, hint(
            f"inventory {shown} printed {output!r}, not {expected!r}",
            f"inventory {shown} 输出 {output!r}，应为 {expected!r}",
        )
