"""Goals of lab 1."""

from __future__ import annotations

from typing import Any

from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import run_program
from starrylab.labs.student import Student

_SIGILL = 4


@scenario
def run_traps(student: Student, program: bytes, words: list[str]) -> dict[str, object]:
    """Run the student's program."""
    limit = student.description.limits
    return run_program(program, words, instructions=limit.instructions, ram=limit.ram).plain()


def _run(run: Run, *words: object) -> dict[str, Any]:
    found: dict[str, Any] = run(run_traps, run.build("traps.c"), [str(word) for word in words])
    return found


@goal(points=25, zh="traps greet 输出一行问候，退出状态为 42。")
def greets(run: Run) -> None:
    """traps greet prints its line and ends with status 42."""
    found = _run(run, "greet")
    output = found["output"].decode(errors="replace").replace("\r\n", "\n")
    line = "Hello from user mode\n"
    assert output == line, hint(
        f"it printed {output!r}, not the line {line!r}",
        f"它输出了 {output!r}，而不是一行 {line!r}",
    )
    assert found["status"] == 42, hint(
        f"it ended with status {found['status']}: what main returns is the status, $? in a shell",
        f"退出状态为 {found['status']}：main 的返回值就是退出状态，即 shell 中的 $?",
    )


@goal(points=25, zh="traps calls N 恰好进行 N 次 getppid 系统调用。")
def system_calls(run: Run) -> None:
    """traps calls N makes exactly N system calls getppid."""
    for count in (0, run.random.randrange(2, 90)):
        made = sum(name == "getppid" for name, _, _ in _run(run, "calls", count)["calls"])
        assert made == count, hint(
            f"traps calls {count} made {made} system calls getppid; watch it with --strace",
            f"traps calls {count} 进行了 {made} 次 getppid 系统调用；用 --strace 观察",
        )


@goal(points=25, zh="traps touch N 恰好产生 N 次缺页异常。")
def page_faults(run: Run) -> None:
    """traps touch N has exactly N page faults more than traps touch 0."""
    base = _run(run, "touch", 0)["faults"]
    other = _run(run, "calls", 0)["faults"]
    assert base <= other, hint(
        f"traps touch 0 had {base} page faults, traps calls 0 {other}: to touch no page is to touch none",
        f"traps touch 0 产生了 {base} 次缺页异常，traps calls 0 为 {other} 次：N 为 0 时不应访问任何页",
    )
    count = run.random.randrange(20, 200)
    more = _run(run, "touch", count)["faults"] - base
    assert more == count, hint(
        f"traps touch {count} had {more} page faults: the first access to each page of 4096 bytes is one",
        f"traps touch {count} 产生了 {more} 次缺页异常：对每个 4096 字节的页，首次访问产生一次",
    )


@goal(points=25, zh="traps illegal 因非法指令异常被信号 SIGILL 终止。")
def exceptions(run: Run) -> None:
    """traps illegal is ended by SIGILL, for an instruction that there is not."""
    found = _run(run, "illegal")
    assert found["status"] == 128 + _SIGILL, hint(
        f"it ended with status {found['status']}; death by SIGILL would be {128 + _SIGILL}",
        f"退出状态为 {found['status']}；被 SIGILL 终止时应为 {128 + _SIGILL}",
    )
    sent = [name for name, _, _ in found["calls"] if name in ("kill", "tkill", "tgkill")]
    assert not sent, hint(
        f"the program asked for the signal itself, by {sent[:1]}; it is the CPU that has to complain",
        f"程序通过 {sent[:1]} 自己请求了信号；应当由 CPU 报告异常",
    )
