"""Goals of lab 8."""

from __future__ import annotations

import struct
from typing import Any

from starrylab.abi.errno import ENOEXEC
from starrylab.kernel.task.chosen_loader import Loading
from starrylab.kernel.task.limits import Limits
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench, run_program
from starrylab.labs.components import attach
from starrylab.labs.student import Student

_PF_X, _PF_W, _PF_R = 1, 2, 4
_TOP = 0x3F_FFFF_F000
_AT_RANDOM, _AT_PAGESZ = 25, 6
_BASE = 0x2_0000


def elf(segments: list[tuple[int, int, bytes, int, int]], entry: int, **changes: int) -> bytes:
    """Write an executable: (vaddr, offset, content, memory size, flags) for each segment."""
    fields = {"kind": 2, "machine": 243, "phentsize": 56, "ident": 2, **changes}
    header = b"\x7fELF" + bytes([fields["ident"], 1, 1]) + bytes(9)
    header += struct.pack(
        "<HHIQQQIHHHHHH", fields["kind"], fields["machine"], 1, entry, 64, 0, 0, 64,
        fields["phentsize"], len(segments), 64, 0, 0,
    )  # fmt: skip
    size = max(offset + len(content) for _, offset, content, _, _ in segments)
    data = bytearray(size)
    for _, offset, content, _, _ in segments:
        data[offset : offset + len(content)] = content
    data[: len(header)] = header  # the first segment begins with them, as linkers do it
    for number, (vaddr, offset, content, memory_size, flags) in enumerate(segments):
        struct.pack_into(
            "<IIQQQQQQ", data, 64 + 56 * number, 1, flags, offset, vaddr, vaddr, len(content),
            memory_size, 4096,
        )  # fmt: skip
    return bytes(data)


@scenario
def parse(student: Student, files: list[bytes]) -> list[Any]:
    """Return what the student's parser makes of each file."""
    found: list[Any] = []
    read = student.get("parse")
    for data in files:
        try:
            program = read(data)
        except NotImplementedError:
            raise
        except Exception as error:
            kind = type(error)
            module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
            found.append("ENOEXEC" if kind is ENOEXEC else f"{module}{kind.__name__}: {error}")
        else:
            segments = [
                [s.vaddr, s.offset, s.file_size, s.memory_size, s.flags] for s in program.segments
            ]
            found.append([program.entry, segments, program.headers_at, program.header_count])
    return found


@scenario
def load(student: Student, data: bytes, looks: list[tuple[int, int]]) -> list[Any]:
    """Load into a kernel's address space; return the areas, and what is at some addresses."""
    bench = ScriptedBench()
    loading = Loading(bench.kernel.new_space(Limits()))
    program = student.get("parse")(data)
    student.get("load")(loading, data, program)
    loading.seal()
    return [loading.areas(), [loading.read(addr, size) for addr, size in looks]]


@scenario
def stack(
    student: Student,
    argv: list[bytes],
    envp: list[bytes],
    auxv: list[tuple[int, int]],
    random: bytes,
) -> Any:
    """Return the stack pointer and the stack."""
    sp, block = student.get("build_stack")(_TOP, argv, envp, [tuple(pair) for pair in auxv], random)
    return [sp, bytes(block)]


@scenario
def run_hello(student: Student, program: bytes, words: list[str], home: str) -> dict[str, object]:
    """Start the program with the student's loader, on an emulated CPU."""
    limit = student.description.limits
    return run_program(
        program, words, instructions=limit.instructions, ram=limit.ram, environment=(f"HOME={home}",),
        prepare=lambda kernel: attach(kernel, student),
    ).plain()  # fmt: skip


def _example(run: Run) -> tuple[bytes, list[list[int]], int]:
    code = run.random.randbytes(run.random.randrange(300, 900))
    data = run.random.randbytes(run.random.randrange(1000, 3000))
    bss = run.random.randrange(6000, 20000)
    at = 0x5000 + run.random.randrange(16) * 8
    segments = [
        (_BASE, 0, bytes(400) + code, 400 + len(code), _PF_R | _PF_X),
        (_BASE + at, at - 0x3000, data, len(data) + bss, _PF_R | _PF_W),
    ]
    entry = _BASE + 400
    found = elf(segments, entry)
    return found, [[v, o, len(c), m, f] for v, o, c, m, f in segments], entry


@goal(points=25, zh="parse 读出入口和各段；不是本机可执行文件的一律 ENOEXEC。")
def the_file(run: Run) -> None:
    """parse() finds entry and segments; what is no executable for this machine is ENOEXEC."""
    data, segments, entry = _example(run)
    found = run(parse, [data])[0]
    assert isinstance(found, list), hint(
        f"a good executable was refused: {found}", f"正常的可执行文件被拒绝：{found}"
    )
    for name, got, expected in (
        ("entry", found[0], entry),
        ("headers_at", found[2], _BASE + 64),
        ("header_count", found[3], 2),
    ):
        assert got == expected, hint(
            f"{name} was read as {_hex(got)}, it is {expected:#x}",
            f"{name} 解析为 {_hex(got)}，应为 {expected:#x}",
        )
    assert found[1] == segments, hint(
        f"the segments (vaddr, offset, file_size, memory_size, flags) are {_hex(segments)}, you read {_hex(found[1])}",
        f"各段（vaddr, offset, file_size, memory_size, flags）为 {_hex(segments)}，你读出的是 {_hex(found[1])}",
    )
    one = [(_BASE, 0, bytes(500), 500, 5)]
    broken = {
        ("an empty file", "空文件"): b"",
        ("a shell script", "shell 脚本"): b"#!/bin/sh\n" + bytes(200),
        ("a file cut in its header", "在 ELF 头中截断的文件"): data[:40],
        ("a file cut in its program headers", "在程序头中截断的文件"): data[:100],
        ("a 32-bit file", "32 位文件"): elf(one, entry, ident=1),
        ("an x86-64 file", "x86-64 的文件"): elf(one, entry, machine=62),
        ("an object file", "目标文件"): elf(one, entry, kind=1),
        ("a segment larger in the file than in memory", "段在文件中比在内存中大"): elf(
            [(_BASE, 0, bytes(500), 100, 5)], entry
        ),
        ("a segment that ends behind the file", "段超出文件末尾"): elf(one, entry)[:-90],
    }
    for (what, zh), answer in zip(broken, run(parse, list(broken.values())), strict=True):
        said = answer if isinstance(answer, str) else "a Program"
        assert answer == "ENOEXEC", hint(
            f"{what} is ENOEXEC; parse() made of it: {said}",
            f"{zh}应引发 ENOEXEC；parse() 的结果为：{said}",
        )


@goal(points=25, zh="load 按页映射各段，权限正确，bss 为零。", after="the_file")
def the_memory(run: Run) -> None:
    """load() maps whole pages with the segment's permissions; the content is there, bss is zero."""
    data, segments, _ = _example(run)
    (_, _, size, _, _), (vaddr, offset, file_size, memory_size, _) = segments
    looks = [(_BASE, size), (vaddr, file_size), (vaddr + file_size, memory_size - file_size)]
    areas, contents = run(load, data, looks)
    expected = [
        [_BASE, _BASE + 4096, _PF_R | _PF_X],
        [vaddr // 4096 * 4096, -(-(vaddr + memory_size) // 4096) * 4096, _PF_R | _PF_W],
    ]
    assert areas == expected, hint(
        f"mapped was {_show(areas)}; the segments need {_show(expected)}",
        f"映射的是 {_show(areas)}；各段需要 {_show(expected)}",
    )
    assert contents[0] == data[:size] and contents[1] == data[offset : offset + file_size], hint(
        "what is in memory is not what the file has for it: offset and address are different things",
        "内存中的内容与文件不符：offset 与地址是两回事",
    )
    assert contents[2] == bytes(len(contents[2])) and len(contents[2]) == memory_size - file_size, (
        hint(
            "bss, what a segment has in memory and not in the file, must be there and be zero",
            "bss（在内存中有而文件中没有的部分）必须存在且为零",
        )
    )


def _hex(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_hex, value))}]"
    return f"{value:#x}" if isinstance(value, int) else repr(value)


def _show(areas: list[list[int]]) -> str:
    return ", ".join(f"{start:#x}-{end:#x}/{flags}" for start, end, flags in areas)


@goal(points=25, zh="build_stack 的布局正确：argc、argv、envp、auxv，16 字节对齐。")
def the_stack(run: Run) -> None:
    """build_stack() lays out argc, argv, envp and auxv as the ABI says, aligned to 16 bytes."""
    for count, others in ((1, 0), (1, 1), (run.random.randrange(3, 9), run.random.randrange(2, 6))):
        argv = [b"arg%d" % n + b"x" * run.random.randrange(20) for n in range(count)]
        envp = [b"K%d=%d" % (n, run.random.randrange(1000)) for n in range(others)]
        random = run.random.randbytes(16)
        auxv = [(_AT_PAGESZ, 4096), (3, _BASE + 64)]
        sp, block = run(stack, argv, envp, auxv, random)
        assert sp % 16 == 0, hint(
            f"the stack pointer is {sp:#x}; the ABI wants a multiple of 16",
            f"栈指针为 {sp:#x}；ABI 要求它是 16 的倍数",
        )
        assert sp + len(block) == _TOP, hint(
            f"{len(block)} bytes from {sp:#x} do not end at {_TOP:#x}",
            f"从 {sp:#x} 开始的 {len(block)} 个字节没有在 {_TOP:#x} 结束",
        )
        _verify_stack(sp, block, argv, envp, auxv, random)


def _verify_stack(
    sp: int,
    block: bytes,
    argv: list[bytes],
    envp: list[bytes],
    auxv: list[tuple[int, int]],
    random: bytes,
) -> None:
    words = struct.unpack_from(f"<{len(block) // 8}Q", block)

    def text(addr: int) -> bytes:
        return block[addr - sp :].split(b"\0", 1)[0] if sp <= addr < _TOP else b"(outside)"

    assert words[0] == len(argv), hint(
        f"the first word is argc; it is {words[0]} and not {len(argv)}",
        f"第一个字是 argc；它是 {words[0]}，应为 {len(argv)}",
    )
    at = 1
    for name, texts in (("argv", argv), ("envp", envp)):
        got = [text(word) for word in words[at : at + len(texts)]]
        assert got == texts, hint(
            f"{name} leads to {got}, not {texts}", f"{name} 指向 {got}，应为 {texts}"
        )
        at += len(texts)
        assert words[at] == 0, hint(
            f"{name} does not end with a null pointer", f"{name} 没有以空指针结束"
        )
        at += 1
    pairs: dict[int, int] = {}
    while words[at] and at + 3 < len(words):
        pairs[words[at]] = words[at + 1]
        at += 2
    for kind, value in auxv:
        assert pairs.get(kind) == value, hint(
            f"auxv should say {value:#x} for type {kind}; it says {pairs.get(kind)}",
            f"auxv 中类型 {kind} 应为 {value:#x}；实际为 {pairs.get(kind)}",
        )
    place = pairs.get(_AT_RANDOM, 0) - sp
    assert 0 <= place <= len(block) - 16 and block[place : place + 16] == random, hint(
        "AT_RANDOM (25) has to be the address of the 16 random bytes, which lie on the stack too",
        "AT_RANDOM (25) 应是 16 个随机字节的地址，这些字节也在栈上",
    )


@goal(
    points=25,
    zh="hello 由你的加载器启动，输出参数、环境和页大小。",
    after=("the_memory", "the_stack"),
)
def the_first_program(run: Run) -> None:
    """hello, started by your loader, tells its arguments, its environment and the page size."""
    words = [f"word{run.random.randrange(1000)}" for _ in range(run.random.randrange(1, 5))]
    home = f"/home/{run.random.randrange(1000)}"
    found = run(run_hello, run.build("hello.c"), words, home)
    output = found["output"].decode(errors="replace").replace("\r\n", "\n")
    lines = [f"argv[{n}]={word}" for n, word in enumerate(["/bin/program", *words])]
    expected = "\n".join([*lines, f"HOME={home}", "page=4096", ""])
    assert output == expected, hint(
        f"hello printed {output!r}, not {expected!r}", f"hello 输出 {output!r}，应为 {expected!r}"
    )
    assert found["status"] == 0, hint(
        f"hello ended with status {found['status']}", f"hello 的退出状态为 {found['status']}"
    )
