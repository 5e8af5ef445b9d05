"""Goals of lab 20."""

from __future__ import annotations

import zlib
from typing import Any

from starrylab.boards import Board, load
from starrylab.boards.images import monitor_program
from starrylab.boards.monitor_build import monitor_elf
from starrylab.image.errors import ImageFormatError
from starrylab.image.riscv import read_header
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches.board import run_on_board
from starrylab.labs.emulated_loader import EmulatedLoader, Places, places_of, start_of
from starrylab.labs.student import Student
from starrylab.machine.board.monitor import MonitorError

_RAM = 0x8000_0000
#: what is the same in each header: offset -> bytes
_FIXED = {
    4: b"\x13\0\0\0",
    24: bytes(8),
    32: b"\2" + bytes(15),
    48: b"RISCV\0\0\0RSC\x05" + bytes(4),
}


@scenario
def images(student: Student, cases: list[tuple[Any, bytes, int, int]]) -> list[Any]:
    """Make images; return each, or the name of the error."""
    found: list[Any] = []
    for places, code, entry, size in cases:
        try:
            found.append(bytes(student.get("make_image")(Places(*places), code, entry, size)))
        except ValueError:
            found.append("ValueError")
    return found


@scenario
def talk(student: Student, start: str, commands: list[str]) -> Any:
    """Get a prompt, enter commands; return what they printed, and what the loader understood."""
    port = EmulatedLoader(
        Places(_RAM, 1 << 28, (), _RAM, _RAM), at_prompt=start == "typed", stops=start != "system"
    )
    if start == "typed":
        port.write(b"half a comm")
    try:
        student.get("get_prompt")(port)
    except TimeoutError:
        return ["TimeoutError", [], port.now()]
    said = [student.get("command")(port, line) for line in commands]
    return [said, port.entered, port.now()]


@scenario
def send(student: Student, data: bytes, flips: list[int], drops: list[int]) -> Any:
    """Send a file; return the end, what arrived, the blocks, and what is on the line afterwards."""
    port = EmulatedLoader(Places(_RAM, 1 << 28, (), _RAM, _RAM), at_prompt=True)
    port.write(b"loady 0x84000000\r")
    seen = b""
    while not seen.endswith(b"bps...\r\n"):
        seen += port.read(1, 1.0)
    port.flip.update(flips)
    port.drop.update(drops)
    try:
        student.get("send_file")(port, "some image.bin", data)
        end = "sent"
    except OSError as error:
        end = f"OSError: {error}"
    rest = b""
    while more := port.read(4096, 1.0):
        rest += more
    return [end, port.memory.get(0x8400_0000), list(port.blocks), rest.endswith(b"=> "), port.now()]


@scenario
def start(
    student: Student, places: Any, code: bytes, entry: int, memory_size: int, damage: int,
    program: bytes, words: list[str], home: str,
) -> Any:  # fmt: skip
    """Make the image, flash it, and run a program; return how far it came, and its output."""
    board = Places(*places)
    image = student.get("make_image")(board, code, entry, memory_size)
    port = EmulatedLoader(board, code)
    port.bad_loads = damage
    found: dict[str, Any] = {"error": "", "output": b"", "status": -1}
    try:
        student.get("flash")(port, board, image)
    except (OSError, TimeoutError) as error:
        found["error"] = f"{type(error).__name__}: {error}"
    found |= {
        "entered": list(port.entered),
        "problem": port.problem,
        "runs": port.monitor is not None,
    }
    if program and port.monitor is not None:
        try:
            outcome = run_on_board(port, program, words, environment=(f"HOME={home}",))
            found |= {"output": outcome.output, "status": outcome.status}
        except MonitorError as error:
            found["error"] = str(error)
    port.close()
    return found


def _target(word: int) -> int | None:
    """Return how far a `jal x0` jumps; None: it is another instruction."""
    if word & 0xFFF != 0x6F:
        return None
    high = (word >> 31 & 1) << 20 | (word >> 12 & 0xFF) << 12
    distance = high | (word >> 20 & 1) << 11 | (word >> 21 & 0x3FF) << 1
    return distance - (1 << 21 if distance & 1 << 20 else 0)


@goal(points=20, zh="make_image 的头部正确；放不进内存的镜像被拒绝。")
def the_image(run: Run) -> None:
    """make_image() writes the header; an image that has no room is refused."""
    code = run.random.randbytes(run.random.randrange(3000, 9000))
    at = _RAM + run.random.randrange(1, 64) * 0x20_0000
    entry, size = run.random.randrange(1, 1400) * 2, len(code) + run.random.randrange(1, 9000)
    reserved = ((_RAM, 0x8_0000, "OpenSBI"), (at + 0x10_0000, 0x1000, "a table"))
    good = (_RAM, 1 << 28, reserved, at, 0)
    refused = {
        "on OpenSBI": ((_RAM, 1 << 28, reserved, _RAM + 0x7_0000, 0), code, entry, size),
        "before RAM": ((at + 0x1000, 1 << 28, (), at, 0), code, entry, size),
        "with its zeros over a reserved table": (good, code, entry, 0x10_0000),
        "with its zeros past the end of RAM": (
            (_RAM, at - _RAM + 0x4000, (), at, 0),
            code,
            entry,
            0x4000,
        ),
    }
    far = run.random.randrange(1 << 17, 1 << 18) * 2  # each field of the jump has something in it
    large = (good, bytes(1 << 19), far, 1 << 19)
    got, other, *others = run(images, [(good, code, entry, size), large, *refused.values()])
    assert isinstance(got, bytes) and isinstance(other, bytes), hint(
        "a good image was refused", "正确的镜像被拒绝了"
    )
    try:
        header = read_header(got)
    except ImageFormatError as error:
        raise AssertionError(hint(f"U-Boot would say: {error}", f"U-Boot 会说：{error}")) from None
    assert header.text_offset == at - _RAM, hint(
        f"text_offset is {header.text_offset:#x}; {at:#x} is {at - _RAM:#x} behind the start of RAM",
        f"text_offset 为 {header.text_offset:#x}；{at:#x} 距内存起点 {at - _RAM:#x}",
    )
    assert header.image_size == 64 + size, hint(
        f"image_size is {header.image_size}; header and code take {64 + size} bytes in memory",
        f"image_size 为 {header.image_size}；头部与代码在内存中占 {64 + size} 字节",
    )
    for start, where in ((header.code[:4], entry), (other[:4], far)):
        jump = _target(int.from_bytes(start, "little"))
        assert jump == 64 + where, hint(
            f"the first instruction, {start[::-1].hex()}, should be a jal x0 by {64 + where}; it is "
            + ("none" if jump is None else f"by {jump}"),
            f"第一条指令 {start[::-1].hex()} 应是跳转 {64 + where} 字节的 jal x0；"
            + ("它不是" if jump is None else f"它跳转 {jump} 字节"),
        )
    right = bytearray(got[:64])
    for at, value in _FIXED.items():
        right[at : at + len(value)] = value
    wrong = next((at for at, byte in enumerate(got[:64]) if byte != right[at]), 0)
    assert got[:64] == right, hint(
        f"byte {wrong} of the header is {got[wrong]:#x}, not {right[wrong]:#x}: see the table",
        f"头部的第 {wrong} 字节为 {got[wrong]:#x}，应为 {right[wrong]:#x}：请看表格",
    )
    assert got[64:] == code, hint("behind the header comes the code", "头部之后是代码本身")
    for why, answer in zip(refused, others, strict=True):
        assert answer == "ValueError", hint(
            f"an image {why} is a ValueError; this one was made",
            f"（{why}）这样的镜像应引发 ValueError",
        )


@goal(points=20, zh="get_prompt 得到提示符，command 返回命令的输出。")
def the_prompt(run: Run) -> None:
    """get_prompt() comes to the prompt from power-on too, command() returns what was printed."""
    word = f"w{run.random.randrange(1000)}"
    size = run.random.randrange(1, 1 << 12)
    ask = f"crc32 0x84000000 {size:#x}"
    said, entered, _ = run(talk, "power", ["version", word, ask])
    assert said != "TimeoutError", hint(
        "after power-on the countdown ran out and a system was started: no key arrived in its two seconds "
        "(what comes before them is lost)",
        "上电后倒计时结束，系统被启动：在那两秒内没有收到按键（之前到达的会丢失）",
    )
    span = f"84000000 ... {0x8400_0000 + size - 1:08x}"
    expected = [
        "U-Boot 2025.01 (emulated)",
        f"Unknown command '{word}' - try 'help'",
        f"crc32 for {span} ==> {zlib.crc32(bytes(size)):08x}",
    ]
    for command, want, got in zip(["version", word, ask], expected, said, strict=True):
        assert got.strip() == want, hint(
            f"{command} printed {want!r}; command() returned {got!r}: where does the output end?",
            f"{command} 输出 {want!r}；command() 返回 {got!r}：输出在哪里结束？",
        )
    said, entered, _ = run(talk, "typed", ["version"])
    assert entered == ["version"] and said[0].strip() == expected[0], hint(
        f"somebody has left a half-typed line at the prompt; executed was {entered}",
        f"有人在提示符后留下了半行输入；执行的是 {entered}",
    )
    said, _, seconds = run(talk, "system", [])
    assert said == "TimeoutError" and 2 < seconds < 60, hint(
        "on a board whose system runs already there is no prompt: TimeoutError after some ten seconds",
        "板上已有系统在运行，没有提示符：约十秒后应引发 TimeoutError",
    )


@goal(points=20, zh="send_file 用 YMODEM 发送文件。")
def the_transfer(run: Run) -> None:
    """send_file() sends a file by YMODEM, of any length."""
    for size in (run.random.randrange(1500, 6000), 2048, 300 * 1024 + 5, 0):
        data = run.random.randbytes(size)
        end, got, blocks, prompt, _ = run(send, data, [], [])
        assert end == "sent", hint(
            f"{size} bytes on a clean line: {end}; the receiver took {len(blocks)} blocks",
            f"无错误的线上发送 {size} 字节：{end}；接收方收到 {len(blocks)} 块",
        )
        assert got == data, hint(
            f"of {size} bytes sent {'none' if got is None else len(got)} arrived: the name's block tells the length",
            f"发送了 {size} 字节，收到 {'0' if got is None else len(got)}：文件名块说明长度",
        )
        assert prompt, hint(
            "the boot loader still waits for the end of the batch", "引导程序仍在等待批次结束"
        )


@goal(
    points=20,
    zh="线路出错时重发；内存中的内容用 crc32 核对。",
    after=("the_prompt", "the_transfer", "the_image"),
)
def the_bad_line(run: Run) -> None:
    """Blocks that arrive damaged are sent again; what is in memory is verified by its checksum."""
    data = run.random.randbytes(run.random.randrange(9000, 12000))
    flips = sorted(run.random.sample(range(10, 9000), 3))
    drops = sorted(run.random.sample(range(10, 9000), 2))
    for bad, lost in ((flips, []), ([], drops), (flips, drops)):
        end, got, blocks, _, _ = run(send, data, bad, lost)
        assert end == "sent" and got == data, hint(
            f"bytes {bad} were damaged and {lost} lost: the end was {end!r}, {len(blocks)} blocks were accepted, the file is "
            f"{'right' if got == data else 'wrong'}",
            f"第 {bad} 字节损坏、第 {lost} 字节丢失：结果为 {end!r}，接受了 {len(blocks)} 块，文件{'正确' if got == data else '错误'}",
        )
    board, body, entry, size = _monitor()
    found = run(start, board, body, entry, size, 1, b"", [], "")
    last = found["entered"][-1] if found["entered"] else ""
    assert found["runs"] or not last.startswith("booti") or found["problem"], hint(
        f"the boot loader does not start anything by {last!r}",
        f"引导程序没有因 {last!r} 启动任何东西",
    )
    assert found["runs"], hint(
        "after the first transfer a bit was wrong in memory, after the second all was right; the image should be loaded "
        f"twice, and started; entered: {found['entered']} {found['error']} {found['problem']}",
        "第一次传输之后内存中有一位出错，第二次则完全正确；镜像应加载两次并启动；"
        f"输入的命令：{found['entered']} {found['error']} {found['problem']}",
    )
    found = run(start, board, body, entry, size, 99, b"", [], "")
    assert found["error"].startswith("OSError") and not found["runs"], hint(
        "memory that is always wrong is an OSError after some attempts, and the image is not started",
        "内存始终出错时，若干次之后应引发 OSError，且不启动镜像",
    )


def _monitor() -> tuple[Any, bytes, int, int]:
    """Return the board, and of its monitor: all behind the header, the entry there, and size in memory."""
    board: Board = load("virt-riscv64")
    program = monitor_program(board, monitor_elf(board.arch))
    return (
        places_of(board).plain(),
        program.data[64:],
        start_of(program.data) - 64,
        program.memory_size - 64,
    )


@goal(points=20, zh="监控程序在板上启动，hello 在板的 CPU 上运行。", after="the_bad_line")
def the_program(run: Run) -> None:
    """The monitor starts from your image, and lab 8's program runs on the board's CPU."""
    board, body, entry, size = _monitor()
    words = [f"word{run.random.randrange(1000)}" for _ in range(run.random.randrange(1, 5))]
    home = f"/home/{run.random.randrange(1000)}"
    found = run(start, board, body, entry, size, 0, run.build("hello.c"), words, home)
    assert found["runs"], hint(
        f"no monitor runs; entered was {found['entered']} {found['error']} {found['problem']}",
        f"没有监控程序在运行；输入的命令：{found['entered']} {found['error']} {found['problem']}",
    )
    lines = [f"argv[{n}]={word}" for n, word in enumerate(["/bin/program", *words])]
    expected = "\n".join([*lines, f"HOME={home}", "page=4096", ""])
    output = found["output"].decode(errors="replace").replace("\r\n", "\n")
    assert output == expected and found["status"] == 0, hint(
        f"hello printed {output!r} and ended with {found['status']}, not {expected!r} and 0 {found['error']}",
        f"hello 输出 {output!r}，状态 {found['status']}；应为 {expected!r} 和 0 {found['error']}",
    )
