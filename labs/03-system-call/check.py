"""Goals of lab 3."""

from __future__ import annotations

from typing import Any

from starrylab.abi.errno import EFAULT, EINVAL, ERANGE
from starrylab.labs.api import Run, goal, hint, scenario, with_name
from starrylab.labs.benches import ScriptedBench, run_program
from starrylab.labs.benches.scripted import SCRATCH, SCRATCH_SIZE
from starrylab.labs.components import attach, student_calls
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

_BAD = 0xDEAD_0000  # nothing is mapped there


@scenario
def call(
    student: Student, name: str, arguments: list[int], memory: bytes, at: int = SCRATCH
) -> list[Any]:
    """Make one call with ``memory`` at ``at``; return its result and the memory.

    An argument of -1 stands for ``at``.
    """
    bench = ScriptedBench()
    attach(bench.kernel, student)
    numbers = {entry.name: number for number, entry in student_calls(student.module()).items()}
    if name not in numbers:
        return ["missing", b""]
    bench.hart.numbers.update(numbers)
    found: list[Any] = []

    def program(m: ScriptedContext) -> Program:
        m.store(at, memory or b"\0")
        result = yield m.call(name, *(at if a == -1 else a for a in arguments))
        found.extend([result, m.load(at, len(memory))])
        yield m.call("exit_group", 0)

    bench.run(program)
    return found


@scenario
def run_ask(student: Student, program: bytes, words: list[str]) -> dict[str, object]:
    """Run the student's program on the student's kernel."""
    outcome = run_program(
        program,
        words,
        prepare=lambda kernel: attach(kernel, student),
        instructions=student.description.limits.instructions,
    )
    return outcome.plain()


def _made(found: list[Any], name: str) -> tuple[int, bytes]:
    assert found[0] != "missing", hint(
        f"NUMBERS does not give {name} a number", f"NUMBERS 中没有 {name} 的编号"
    )
    return found[0], found[1]


@goal(points=20, zh="clamp 把数限制在范围内；low > high 时返回 EINVAL。")
def numbers_in_numbers_out(run: Run) -> None:
    """clamp() keeps a number in a range, and answers EINVAL where low > high."""
    low, high = run.random.randrange(-100, 0), run.random.randrange(1, 100)
    ranges = [(value, low, high) for value in (low - 7, low, 0, high, high + 7)]
    for value, least, most in (*ranges, (low, high, high)):
        words = [number & (1 << 64) - 1 for number in (value, least, most)]
        result, _ = _made(run(call, "clamp", words, b""), "clamp")
        expected = max(least, min(value, most))
        assert result == expected, hint(
            f"clamp({value}, {least}, {most}) answered {with_name(result)}, not {expected}",
            f"clamp({value}, {least}, {most}) 返回 {with_name(result)}，应为 {expected}",
        )
    result, _ = _made(run(call, "clamp", [1, 9, 2], b""), "clamp")
    assert result == -EINVAL.errno, hint(
        f"clamp(1, 9, 2) answered {with_name(result)}: raise EINVAL, and the kernel makes the number of it",
        f"clamp(1, 9, 2) 返回 {with_name(result)}：请 raise EINVAL，由内核转换为错误号",
    )


@goal(points=30, zh="reverse 反转用户内存中的字节；地址无效时返回 EFAULT 且不改变内存。")
def memory_of_the_program(run: Run) -> None:
    """reverse() turns bytes of user memory round; a bad address is EFAULT and changes nothing."""
    data = run.random.randbytes(run.random.randrange(5000, 9000))
    result, after = _made(run(call, "reverse", [-1, len(data)], data), "reverse")
    assert result == len(data), hint(
        f"reverse() of {len(data)} bytes returns {len(data)}, yours {with_name(result)}",
        f"对 {len(data)} 字节的 reverse() 应返回 {len(data)}，你返回了 {with_name(result)}",
    )
    assert after == data[::-1], hint(
        f"{len(data)} bytes, on several pages, begin with {data[:4].hex(' ')} and end with "
        f"{data[-4:].hex(' ')}; after reverse() they begin with {after[:4].hex(' ')} and end with "
        f"{after[-4:].hex(' ')}",
        f"跨越多页的 {len(data)} 个字节以 {data[:4].hex(' ')} 开头、{data[-4:].hex(' ')} 结尾；"
        f"reverse() 之后以 {after[:4].hex(' ')} 开头、{after[-4:].hex(' ')} 结尾",
    )
    result, _ = _made(run(call, "reverse", [_BAD, 16], b""), "reverse")
    assert result == -EFAULT.errno, hint(
        f"nothing is mapped at {_BAD:#x}, but reverse() answered {with_name(result)} and not EFAULT (-14)",
        f"地址 {_BAD:#x} 未映射，reverse() 却返回 {with_name(result)}，应为 EFAULT (-14)",
    )
    at = SCRATCH + SCRATCH_SIZE - 64  # the last bytes that are mapped
    result, after = _made(run(call, "reverse", [-1, 5000], data[:64], at), "reverse")
    assert result == -EFAULT.errno and after == data[:64], hint(
        f"the buffer's first 64 bytes are mapped, its end is not; reverse() answered {with_name(result)}: answer EFAULT (-14), with the memory as it was",
        f"缓冲区前 64 字节已映射，末尾未映射；reverse() 返回 {with_name(result)}：应返回 EFAULT (-14)，且内存保持原样",
    )
    size = (1 << 20) + 1
    result, _ = _made(run(call, "reverse", [-1, size], b""), "reverse")
    assert result == -EINVAL.errno, hint(
        f"more than 1 MiB is EINVAL (-22), before anything is read; for {size} bytes you answered {with_name(result)}",
        f"超过 1 MiB 应返回 EINVAL (-22)，且不读取任何内容；对 {size} 字节你返回了 {with_name(result)}",
    )


@goal(points=25, zh="whoami 写出进程号和程序名；缓冲区太小时返回 ERANGE 且不越界写入。")
def no_byte_too_many(run: Run) -> None:
    """whoami() writes pid and name; a buffer that is too small is ERANGE, and stays untouched."""
    expected = b"1 init\0"
    blank = b"\xaa" * 16
    result, after = _made(run(call, "whoami", [-1, 16], blank), "whoami")
    assert after.startswith(expected), hint(
        f"process 1 is called init; you wrote {after[:8]!r}, without the NUL?",
        f"1 号进程名为 init；你写入的是 {after[:8]!r}，是否缺少 NUL？",
    )
    assert result == len(expected) and after[result:] == blank[result:], hint(
        f"{len(expected)} bytes were to be written and returned, you returned {with_name(result)}",
        f"应写入并返回 {len(expected)} 个字节，你返回了 {with_name(result)}",
    )
    result, after = _made(run(call, "whoami", [-1, len(expected)], blank), "whoami")
    assert result == len(expected) and after.startswith(expected), hint(
        f"{len(expected)} bytes fit a buffer of {len(expected)}; whoami() answered {with_name(result)}",
        f"{len(expected)} 个字节放得进 {len(expected)} 字节的缓冲区；whoami() 返回 {with_name(result)}",
    )
    for size in (0, 1, len(expected) - 1):
        result, after = _made(run(call, "whoami", [-1, size], blank), "whoami")
        assert result == -ERANGE.errno and after == blank, hint(
            f"with room for {size} bytes whoami() must be ERANGE and write nothing; it gave {with_name(result)}",
            f"只有 {size} 个字节的空间时，whoami() 应返回 ERANGE 且不写入；它返回了 {with_name(result)}",
        )


@goal(points=25, zh="ask 程序在真正的 CPU 上使用你的调用。", after="memory_of_the_program")
def a_program_uses_it(run: Run) -> None:
    """ask, compiled and run on a CPU, prints its argument backwards by your call."""
    word = "".join(run.random.choice("abcdefghijkl") for _ in range(12))
    found = run(run_ask, run.build("ask.c"), [word])
    output = found["output"].decode(errors="replace").replace("\r\n", "\n")
    used = [call for call in found["calls"] if call[0] == "reverse"]
    assert used, hint(
        "ask never made the call: syscall(SYS_reverse, address, size), see syscall(2)",
        "ask 没有使用该调用：syscall(SYS_reverse, 地址, 大小)，见 syscall(2)",
    )
    assert output == f"{word[::-1]}\n", hint(
        f"ask {word} printed {output!r}: is the NUL at the string's end reversed as well?",
        f"ask {word} 输出 {output!r}：是否把字符串末尾的 NUL 也反转了？",
    )
    assert found["status"] == 0, hint(
        f"ask ended with status {found['status']}", f"ask 的退出状态为 {found['status']}"
    )
