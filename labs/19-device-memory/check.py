"""Goals of lab 19."""

from __future__ import annotations

import zlib
from typing import Any

from starrylab.abi.errno import EIO, ENOSPC
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.bus import BusError, BusRam, NorFlash, payload
from starrylab.labs.components import attach
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

_BASE = 0x2000_0000
_CWD = (1 << 64) - 100
Region = tuple[str, int, int]


class Witness:
    """A device that tells what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.last: list[Any] = []

    def load(self, offset: int, width: int) -> int:
        """Answer with the offset."""
        self.last = [self.name, offset, width]
        return offset

    def store(self, offset: int, width: int, value: int) -> None:
        """Remember."""
        self.last = [self.name, offset, width, value]


@scenario
def decode(student: Student, regions: list[Region], accesses: list[tuple[int, int]]) -> Any:
    """Add regions, access addresses; return what was refused, who answered, and the lines."""
    board = student.get("MemoryMap")()
    devices, refused = [], []
    for name, start, size in regions:
        device = Witness(name)
        try:
            board.add(name, start, size, device)
            devices.append(device)
        except ValueError:
            refused.append(name)
    answers: list[Any] = []
    for addr, width in accesses:
        for device in devices:
            device.last = []
        try:
            got: Any = board.load(addr, width)
            asked = [device.last for device in devices if device.last]
            board.store(addr, width, 0x5A)
            asked += [device.last for device in devices if device.last]
            answers.append([got, asked])
        except BusError:
            answers.append("BusError")
    return [refused, answers, board.lines()]


def _chip(description: dict[str, Any]) -> NorFlash:
    chip = NorFlash(description["size"], description["block"], description["slowness"])
    chip.content[:] = description["content"]
    chip.worn.update(description.get("worn", ()))
    return chip


def _driver(student: Student, chip: Any, size: int) -> Any:
    board = student.get("MemoryMap")()
    board.add("flash", _BASE, size, chip)
    return student.get("Flash")(board, _BASE)


def _readable(chip: NorFlash) -> bool:
    return chip.load(0, 8) == int.from_bytes(chip.content[:8], "little")


@scenario
def drive(student: Student, description: dict[str, Any], steps: list[list[Any]]) -> Any:
    """Call the driver; return each answer, the loads it took, and whether the chip is readable."""
    chip = _chip(description)
    flash = _driver(student, chip, chip.size)
    answers: list[Any] = []
    for name, *arguments in steps:
        if name == "disturb":  # whoever was there before has left it so
            chip.store(0, 1, 0x70)
            continue
        before = chip.loads
        call = student.get("find_payload") if name == "payload" else getattr(flash, name)
        try:
            answer = call(flash) if name == "payload" else call(*arguments)
        except EIO:
            answer = "EIO"
        took = chip.loads - before
        answer = list(answer) if isinstance(answer, tuple) else answer
        answers.append([answer, took, _readable(chip)])
    return [answers, bytes(chip.content), list(chip.erased)]


@scenario
def no_chip(student: Student) -> Any:
    """Identify RAM."""
    try:
        return list(_driver(student, BusRam(4096), 4096).identify())
    except EIO:
        return "EIO"


@scenario
def use(student: Student, description: dict[str, Any], steps: list[list[Any]]) -> Any:
    """Let a program do lseek, read and write on /dev/flash; return results, content, and errors."""
    chip = _chip(description)
    bench = ScriptedBench()
    attach(bench.kernel, student)
    device: Any = bench.kernel.devices.named[b"flash"]
    device.chip = _driver(student, chip, chip.size)
    found: list[Any] = []

    def program(m: ScriptedContext) -> Program:
        buffer = m.scratch + 8192
        m.string(m.scratch, b"/dev/flash")
        fd = yield m.call("openat", _CWD, m.scratch, 2, 0)
        for what, value in steps:
            if what == "lseek":
                yield m.call("lseek", fd, value, 0)
            elif what == "write":
                m.store(buffer, value)
                found.append((yield m.call("write", fd, buffer, len(value))))
            else:
                size = yield m.call("read", fd, buffer, value)
                found.append(m.load(buffer, size) if size >= 0 else size)
        yield m.call("exit_group", 0)

    bench.run(program)
    return [found, bytes(chip.content)]


def _describe(run: Run, content: bytes | None = None) -> dict[str, Any]:
    block = 256 << run.random.randrange(2)
    size = block * 8
    if content is None:
        content = run.random.randbytes(size)
    return {
        "size": size, "block": block, "slowness": run.random.randrange(2, 12),
        "content": content.ljust(size, b"\xff"),
    }  # fmt: skip


@goal(points=20, zh="地址映射：每个地址由谁响应；重叠的区域和没有响应者的访问被拒绝。")
def the_map(run: Run) -> None:
    """The map tells who answers at an address; overlaps, and accesses that nobody answers, are refused."""
    at = run.random.randrange(1, 200) * 0x1000
    regions: list[Region] = [
        ("high", at + 0x3000, 0x1000), ("low", at, 0x1000), ("odd", at + 0x1000, 6),
        ("inside", at + 0x10, 4), ("around", at - 0x1000, 0x8000), ("tail", at + 0xFFF, 1),
        ("empty", at + 0x8000, 0), ("next", at + 0x4000, 16), ("before", at + 0x2FF0, 16),
    ]  # fmt: skip
    bad = [
        (at - 8, 8), (at + 0x1004, 4), (at + 0x1006, 1), (at + 0x2000, 1), (at + 2, 4),
        (at + 0x3004, 8), (at + 0x4010, 1),
    ]  # fmt: skip
    good = [("low", at, 0xFF8, 8), ("odd", at + 0x1000, 4, 2), ("odd", at + 0x1000, 0, 4)]
    good += [("high", at + 0x3000, 0, 8), ("next", at + 0x4000, 15, 1)]
    accesses = bad + [(start + offset, width) for _, start, offset, width in good]
    refused, answers, lines = run(decode, regions, accesses)
    expected = ["inside", "around", "tail", "empty"]
    assert refused == expected, hint(
        f"add() refused {refused}; it should refuse {expected}: no region overlaps, none is empty",
        f"add() 拒绝了 {refused}，应拒绝 {expected}：区域不能重叠，也不能为空",
    )
    for (addr, width), answer in zip(bad, answers, strict=False):
        assert answer == "BusError", hint(
            f"an access of {width} bytes to {addr:#x} (regions: {lines}) is a BusError, not {answer}",
            f"对 {addr:#x} 的 {width} 字节访问（区域：{lines}）应是 BusError，而不是 {answer}",
        )
    for (name, start, offset, width), answer in zip(good, answers[len(bad) :], strict=True):
        wanted = [offset, [[name, offset, width], [name, offset, width, 0x5A]]]
        assert answer == wanted, hint(
            f"an access of {width} bytes to {start + offset:#x} should reach {name} at offset {offset}; it did {answer}",
            f"对 {start + offset:#x} 的 {width} 字节访问应到达 {name} 的偏移 {offset}；实际为 {answer}",
        )
    shown = sorted(region for region in regions if region[0] not in expected)
    shown.sort(key=lambda region: region[1])
    text = [f"{start:08x}-{start + size - 1:08x} : {name}" for name, start, size in shown]
    assert lines == text, hint(
        f"lines() is {lines}, not {text}", f"lines() 为 {lines}，应为 {text}"
    )


@goal(points=20, zh="identify 从查询表中读出大小和块；read 用最宽的访问读取。", after="the_map")
def the_driver_reads(run: Run) -> None:
    """identify() reads size and block from the query table; read() takes the widest loads."""
    chip = _describe(run)
    size, block, content = chip["size"], chip["block"], chip["content"]
    start, length = run.random.randrange(9, 90) * 8 + 3, run.random.randrange(600, 900)
    steps = [["identify"], ["disturb"], ["read", 0, size], ["read", start, length], ["read", 5, 0]]
    (who, whole, part, none), _, _ = run(drive, chip, steps)
    assert who[0] == [size, block], hint(
        f"identify() answered {who[0]}; the chip has {size} bytes in blocks of {block}",
        f"identify() 返回 {who[0]}；芯片有 {size} 个字节，每块 {block}",
    )
    assert who[2], hint(
        "after identify() a load does not see the content: the chip still answers the query",
        "identify() 之后读不到内容：芯片仍在响应查询",
    )
    assert whole[0] == content, hint(
        "read() returned something else than the chip's content: it may be in another mode when you come",
        "read() 的结果不是芯片的内容：你开始读时它可能处于别的模式",
    )
    assert part[0] == content[start : start + length] and none[0] == b"", hint(
        f"read({start}, {length}) returned something else than what is there",
        f"read({start}, {length}) 的结果与实际内容不符",
    )
    assert whole[1] <= size // 8 + 8 and part[1] <= length // 8 + 16, hint(
        f"{whole[1]} loads for {size} bytes, {part[1]} for {length}: each crosses the bus, and one may be 8 bytes wide",
        f"{size} 个字节用了 {whole[1]} 次加载，{length} 个用了 {part[1]} 次：每次都要经过总线，而一次可以有 8 字节宽",
    )
    assert run(no_chip) == "EIO", hint(
        "RAM does not answer a query with QRY: EIO", "RAM 不会用 QRY 响应查询：应返回 EIO"
    )


@goal(
    points=20,
    zh="find_payload 找到第一个完整的载荷，不被损坏的头部欺骗。",
    after="the_driver_reads",
)
def the_payload(run: Run) -> None:
    """find_payload() finds the first payload that is whole, and is not deceived by broken headers."""
    content = run.random.randbytes(run.random.randrange(100, 600))
    other = payload(run.random.randbytes(30))
    huge = b"pfld" + (0xFFFF_FFF0).to_bytes(4, "little") + bytes(4)
    beyond = b"pfld" + (5000).to_bytes(4, "little") + zlib.crc32(b"").to_bytes(4, "little")
    damaged = bytearray(payload(content[:90]))
    damaged[12 + run.random.randrange(90)] ^= 1 << run.random.randrange(8)
    chip = _describe(run, b"")
    block, flash = chip["block"], bytearray(chip["content"])
    pieces = ((0, damaged), (1, huge), (2, beyond), (3, payload(content)), (7, other))
    for number, piece in pieces:
        flash[number * block : number * block + len(piece)] = piece
    flash[2 * block + 100 : 2 * block + 100 + len(other)] = other  # not where a block begins
    (found, none), _, _ = run(
        drive, {**chip, "content": bytes(flash)}, [["payload"], ["disturb"], ["payload"]]
    )
    assert found[0] == content and none[0] == content, hint(
        f"block 0 has a damaged payload, 1 and 2 are larger than the chip, 3 has the right one of {len(content)} bytes; found was "
        f"{_size(found[0])}",
        f"块 0 的载荷已损坏，块 1、2 比芯片还大，块 3 才是正确的（{len(content)} 字节）；找到的是 {_size(found[0], '字节')}",
    )
    (nothing,), _, _ = run(drive, _describe(run, bytes(damaged)), [["payload"]])
    assert nothing[0] is None, hint(
        "there is no whole payload on this chip, and something was found",
        "这块芯片上没有完整的载荷，却找到了某些内容",
    )


def _size(found: Any, unit: str = "bytes") -> str:
    return f"{len(found)} {unit}" if isinstance(found, bytes) else repr(found)


@goal(
    points=20, zh="write 保留其余内容，只在必要时擦除，并报告芯片的错误。", after="the_driver_reads"
)
def the_driver_writes(run: Run) -> None:
    """write() keeps all else, erases only where it has to, and reports the chip's errors."""
    chip = _describe(run)
    size, block, content = chip["size"], chip["block"], chip["content"]
    data = run.random.randbytes(block)
    at = block + run.random.randrange(20, 200)
    answers, now, erased = run(drive, chip, [["write", at, data]])
    expected = content[:at] + data + content[at + block :]
    assert now == expected, hint(
        f"after write({at}, {block} bytes) byte {_differs(now, expected)} is not what it should be: is every command finished "
        "before the next, and what else is in the blocks?",
        f"write({at}, {block} 字节) 之后第 {_differs(now, expected)} 个字节不对：每条命令都在下一条之前完成了吗？块中还有什么？",
    )
    assert answers[0][2], hint("after write() the chip is not readable", "write() 之后芯片不可读")
    assert sorted(erased) == [block, 2 * block], hint(
        f"erased were the blocks at {erased}; {[block, 2 * block]} had to be",
        f"擦除了位于 {erased} 的块；必须擦除的是 {[block, 2 * block]}",
    )
    empty = _describe(run, bytes(10))
    at = empty["block"] - 20
    steps = [["write", at, data[:100]], ["write", at, data[:100]], ["write", 0, bytes(30)]]
    answers, now, erased = run(drive, empty, steps)
    expected = bytearray(empty["content"])
    expected[at : at + 100], expected[:30] = data[:100], bytes(30)
    assert now == expected and not erased, hint(
        f"all that was needed were zeros instead of ones, and the blocks at {erased} were erased: they wear out",
        f"只需把 1 变为 0，却擦除了位于 {erased} 的块：块会磨损",
    )
    worn = {**chip, "worn": [3 * block]}
    steps = [["write", 3 * block, data], ["read", 0, 64], ["write", 5 * block + 1, data[:9]]]
    answers, now, _ = run(drive, worn, steps)
    assert answers[0][0] == "EIO", hint(
        "a block could not be erased, as its status says; write() raises EIO",
        "某块无法擦除（状态中有报告）；write() 应引发 EIO",
    )
    after = now[5 * block + 1 : 5 * block + 10]
    assert answers[1][0] == content[:64] and answers[2][0] is None and after == data[:9], hint(
        "after an error the next read or write goes wrong: status bits stay until they are cleared",
        "出错之后的读写不正常：状态位会一直保留，直到被清除",
    )


def _differs(now: bytes, expected: bytes) -> int:
    return next(i for i, (a, b) in enumerate(zip(now, expected, strict=True)) if a != b)


@goal(points=20, zh="/dev/flash 可以被程序读写，有末尾。", after="the_driver_writes")
def the_file(run: Run) -> None:
    """Programs read and write /dev/flash, which has an end."""
    chip = _describe(run)
    size, content = chip["size"], chip["content"]
    at, new = run.random.randrange(100, 900), run.random.randbytes(80)
    steps = [
        ["read", 300], ["read", size], ["read", 10], ["lseek", at], ["write", new], ["read", 20],
        ["lseek", size - 30], ["write", new], ["write", new], ["lseek", size + 99], ["read", 8],
        ["write", new], ["lseek", at - 5], ["read", 90],
    ]  # fmt: skip
    found, now = run(use, chip, steps)
    after = content[:at] + new + content[at + 80 :]
    wanted = [
        ("read 300", content[:300]), ("read to the end", content[300:]), ("read at the end", b""),
        ("write 80", 80), ("read 20 behind them", after[at + 80 : at + 100]),
        ("write 80 where 30 fit", 30), ("write at the end", -ENOSPC.errno),
        ("read behind the end", b""), ("write behind the end", -ENOSPC.errno),
        ("read 90 across what was written", after[at - 5 : at + 85]),
    ]  # fmt: skip
    for (what, value), got in zip(wanted, found, strict=True):
        assert got == value, hint(
            f"{what}: {_short(got)}, and should be {_short(value)}",
            f"{what}：{_short(got)}，应为 {_short(value)}",
        )
    assert now == after[: size - 30] + new[:30], hint(
        "what is on the chip is not what was written", "芯片上的内容与写入的不符"
    )


def _short(value: Any) -> str:
    return f"{len(value)} bytes {value[:6].hex(' ')}..." if isinstance(value, bytes) else str(value)
