"""Goals of lab 14."""

from __future__ import annotations

from typing import Any

from starrylab.abi.errno import EINVAL
from starrylab.labs.api import Run, goal, hint, scenario, with_name
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import attach
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

_CWD = (1 << 64) - 100
_THROWS = 600_000
#: of chi squared with 1 to 8 degrees of freedom: a fair die exceeds it once in a million times
_UNFAIR = 50.0


@scenario
def perform(student: Student, seed: int, steps: list[tuple[str, str, Any]]) -> list[Any]:
    """Do what the list says; return results: read PATH SIZE, write PATH TEXT, stat PATH."""
    bench = ScriptedBench(seed=seed)
    attach(bench.kernel, student)
    found: list[Any] = []
    chunk = 128 << 10

    def program(m: ScriptedContext) -> Program:
        buffer = m.scratch + 8192
        for what, path, more in steps:
            m.string(m.scratch, path.encode())
            fd = yield m.call("openat", _CWD, m.scratch, 0 if what == "read" else 1, 0)
            result: Any = fd
            if fd >= 0 and what == "write":
                m.store(buffer, more.encode())
                result = yield m.call("write", fd, buffer, len(more))
            elif fd >= 0:
                got, left, size = b"", more, 1
                while left > 0 and size > 0:
                    size = yield m.call("read", fd, buffer, min(left, chunk))
                    got += m.load(buffer, size) if size > 0 else b""
                    left -= max(size, 0)
                result = got if size >= 0 else size
            if fd >= 0:
                yield m.call("close", fd)
            found.append(result)
        yield m.call("exit_group", 0)

    bench.run(program)
    return found


def _do(run: Run, *steps: tuple[str, str, Any]) -> list[Any]:
    found: list[Any] = run(perform, run.random.randrange(1 << 30), list(steps))
    return found


def _throws(data: Any, sides: int) -> list[int]:
    assert isinstance(data, bytes), hint(
        f"a read of /dev/dice answered {data}", f"读取 /dev/dice 返回 {data}"
    )
    lines = data.split(b"\n")
    assert lines.pop() == b"" and all(len(line) == 1 and line.isdigit() for line in lines), hint(
        f"every throw is a digit and a newline; the data begins with {data[:8]!r}",
        f"每次投掷是一个数字加换行；数据开头为 {data[:8]!r}",
    )
    numbers = [int(line) for line in lines]
    assert all(1 <= number <= sides for number in numbers), hint(
        f"a die with {sides} sides showed {max(numbers)} or {min(numbers)}",
        f"{sides} 面的骰子出现了 {max(numbers)} 或 {min(numbers)}",
    )
    return numbers


@goal(points=25, zh="/dev/dice 读出数字；放不下一次投掷时返回 EINVAL。")
def a_device(run: Run) -> None:
    """/dev/dice can be read: as many throws as fit; EINVAL where not even one does."""
    size = 2 * run.random.randrange(20, 60)
    even, odd, one = _do(
        run, ("read", "/dev/dice", size), ("read", "/dev/dice", 7), ("read", "/dev/dice", 1)
    )
    assert len(_throws(even, 6)) == size // 2, hint(
        f"a read of {size} bytes should give {size // 2} throws, not {len(even) // 2}",
        f"读取 {size} 个字节应得到 {size // 2} 次投掷，而不是 {len(even) // 2} 次",
    )
    assert odd == -EINVAL.errno and one == -EINVAL.errno, hint(
        "where one byte is left no throw fits: EINVAL, not half a throw",
        "只剩一个字节时放不下一次投掷：应返回 EINVAL，而不是半次投掷",
    )


@goal(points=25, zh="骰子是公平的：六十万次投掷中各数字出现的次数没有偏差。", after="a_device")
def a_fair_die(run: Run) -> None:
    """The die is fair: in six hundred thousand throws no side is favoured."""
    numbers = _throws(_do(run, ("read", "/dev/dice", 2 * _THROWS))[0], 6)
    counts = [numbers.count(side) for side in range(1, 7)]
    mean = _THROWS / 6
    chi = sum((count - mean) ** 2 / mean for count in counts)
    assert chi < _UNFAIR, hint(
        f"the sides came {counts} times, which is no accident: 256 is not a multiple of 6",
        f"各面出现的次数为 {counts}，这不是偶然：256 不是 6 的倍数",
    )
    pairs = len(set(zip(numbers[:2000:2], numbers[1:2000:2], strict=True)))
    again = _throws(_do(run, ("read", "/dev/dice", 200))[0], 6)
    assert pairs == 36 and again != numbers[:100], hint(
        "the throws repeat themselves: take new random bytes for each",
        "投掷在重复：每次都要取新的随机字节",
    )


@goal(points=25, zh="写入 2 到 9 改变面数；其他内容返回 EINVAL 且不改变。", after="a_device")
def settings(run: Run) -> None:
    """To write 2 to 9 sets the number of sides; anything else is EINVAL and changes nothing."""
    sides = run.random.choice((3, 4, 5, 7, 8, 9))
    bad = ("1\n", "10", "", "six", "-3", "0\n", "٣")
    steps: list[tuple[str, str, Any]] = [("write", "/dev/dice", f"{sides}\n")]
    steps += [("write", "/dev/dice", text) for text in bad if text]
    found = _do(
        run,
        *steps,
        ("read", "/dev/dice", 2000),
        ("write", "/dev/dice", "2"),
        ("read", "/dev/dice", 200),
    )
    assert found[0] == 2, hint(
        f"'{sides}\\n' are two bytes, write answered {with_name(found[0])}",
        f"'{sides}\\n' 是两个字节，write 返回 {with_name(found[0])}",
    )
    for (_, _, text), answer in zip(steps[1:], found[1:], strict=False):
        assert answer == -EINVAL.errno, hint(
            f"{text!r} is no number of sides, write answered {with_name(answer)}",
            f"{text!r} 不是合法的面数，write 返回 {with_name(answer)}",
        )
    assert set(_throws(found[-3], sides)) == set(range(1, sides + 1)), hint(
        f"{sides} sides were asked for, and the refused writes should have changed nothing",
        f"已设为 {sides} 面，被拒绝的写入不应改变它",
    )
    assert found[-2] == 1 and set(_throws(found[-1], 2)) == {1, 2}, hint(
        "'2' without a newline is a number as well", "不带换行的 '2' 也是数"
    )


@goal(points=25, zh="/proc/dice 报告面数和投掷次数，在读取时生成。", after="settings")
def a_report(run: Run) -> None:
    """/proc/dice tells sides and throws, as they are at the moment of the read."""
    count, sides = run.random.randrange(5, 90), run.random.choice((4, 5, 7))
    found = _do(
        run, ("read", "/proc/dice", 100), ("read", "/dev/dice", 2 * count), ("write", "/dev/dice", f"{sides}"),
        ("read", "/proc/dice", 100), ("read", "/dev/dice", 2), ("read", "/proc/dice", 100),
    )  # fmt: skip
    expected = [
        b"sides 6\nthrows 0\n",
        b"sides %d\nthrows %d\n" % (sides, count),
        b"sides %d\nthrows %d\n" % (sides, count + 1),
    ]
    for got, text in zip((found[0], found[3], found[5]), expected, strict=True):
        assert got == text, hint(
            f"/proc/dice reads {got!r}, and should read {text!r}",
            f"/proc/dice 读到 {got!r}，应为 {text!r}",
        )
