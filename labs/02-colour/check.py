"""Goals of lab 2."""

from __future__ import annotations

import random
import re

from starrylab.devices.uart16550 import Uart16550
from starrylab.kernel.dev.setup import attach_serial
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import attach
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

_DLAB = 0x80
END = b"\r\n"
_SGR = re.compile(rb"\x1b\[([0-9;]*)m")
_COLOURS = {30 + n for n in range(8)} | {90 + n for n in range(8)}


class Chip:
    """The registers that this lab is about; it takes its time for each byte."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._busy = 0
        self.divisor = 0
        self.line_control = 0
        self.sent = bytearray()
        self.lost = 0
        self.touched: list[int] = []

    def read8(self, offset: int) -> int:
        if offset == 5:
            self._busy = max(0, self._busy - 1)
            return 0 if self._busy else 0x60
        return self.line_control if offset == 3 else 0

    def write8(self, offset: int, value: int) -> None:
        self.touched.append(offset)
        value &= 0xFF
        if offset == 3:
            self.line_control = value
        elif self.line_control & _DLAB and offset in (0, 1):
            shift = 8 * offset
            self.divisor = self.divisor & ~(0xFF << shift) | value << shift
        elif offset == 0 and self._busy:
            self.lost += 1
        elif offset == 0:
            self.sent.append(value)
            self._busy = self._random.randrange(1, 9)


@scenario
def set_up(student: Student, baud: int, clock_hz: int) -> list[int]:
    """Return divisor and line control after set-up."""
    chip = Chip(0)
    student.get("setup")(chip, baud, clock_hz)
    return [chip.divisor, chip.line_control]


@scenario
def send(student: Student, data: bytes, seed: int) -> list[object]:
    """Return what came out of the chip, and how many bytes it lost."""
    chip = Chip(seed)
    put = student.get("put")
    for byte in data:
        put(chip, byte)
    return [bytes(chip.sent), chip.lost]


@scenario
def print_lines(student: Student, lines: list[tuple[int, bytes]], seed: int) -> list[bytes]:
    """Return what each line looks like on the wire."""
    found = []
    for level, text in lines:
        chip = Chip(seed)
        student.get("print_line")(chip, level, text)
        found.append(bytes(chip.sent))
    return found


@scenario
def boot_and_log(student: Student, lines: list[bytes]) -> bytes:
    """Boot a kernel with the student's console, and write to /dev/kmsg; return the wire."""
    bench = ScriptedBench()
    wire = bytearray()
    uart = Uart16550(transmit=wire.extend)
    _, line = attach_serial(bench.kernel, uart)
    uart.irq = line
    attach(bench.kernel, student)

    def program(m: ScriptedContext) -> Program:
        m.string(m.scratch, b"/dev/kmsg")
        fd = yield m.call("openat", -100, m.scratch, 1, 0)
        for text in lines:
            m.store(m.scratch, text)
            yield m.call("write", fd, m.scratch, len(text))
        yield m.call("exit_group", 0)

    bench.run(program)
    return bytes(wire)


def _shown(wire: bytes) -> tuple[bytes, set[int], set[int]]:
    """Return the text, the colours it was in, and what is still in force at the end."""
    text, seen, active, at = b"", set[int](), set[int](), 0
    for match in [*_SGR.finditer(wire), None]:
        piece = wire[at : match.start() if match else len(wire)]
        text += piece
        if piece.strip(b"\r\n"):
            seen |= active or {0}
        if match is None:
            break
        for number in (int(word or 0) for word in match[1].split(b";")):
            if number in (0, 39):
                active = set()
            elif number in _COLOURS:
                active = {number}
        at = match.end()
    return text, seen, active


@goal(points=25, zh="setup 设置波特率和 8N1，并让芯片处于可以发送的状态。")
def line_settings(run: Run) -> None:
    """setup() programs the rate and 8N1, and leaves the chip ready to send."""
    clock = run.random.choice((1_843_200, 24_000_000, 3_686_400))
    baud = run.random.choice((115_200, 9_600, 57_600))
    slow = run(set_up, 300, 24_000_000)[0]
    divisor, control = run(set_up, baud, clock)
    expected = round(clock / (16 * baud))
    assert divisor == expected, hint(
        f"for {baud} baud at {clock} Hz the divisor is {expected}, the chip has {divisor}: DLL and DLM are there only while DLAB is 1",
        f"时钟 {clock} Hz、波特率 {baud} 时分频值应为 {expected}，芯片中是 {divisor}：只有 DLAB 为 1 时才能访问 DLL 和 DLM",
    )
    assert slow == 5000, hint(
        f"for 300 baud at 24 MHz the divisor is 5000, the chip has {slow}: a register has 8 bits, DLM the upper 8",
        f"时钟 24 MHz、波特率 300 时分频值应为 5000，芯片中是 {slow}：一个寄存器只有 8 位，DLM 是高 8 位",
    )
    assert not control & _DLAB, hint(
        "DLAB is still 1: what you write to register 0 now changes the rate and sends nothing",
        "DLAB 仍为 1：现在写寄存器 0 会改变波特率，而不会发送任何内容",
    )
    assert control & 0x3F == 3, hint(
        f"line control is {control:#x}; 8 data bits, no parity and 1 stop bit is 3",
        f"线路控制寄存器为 {control:#x}；8 个数据位、无校验、1 个停止位应为 3",
    )


@goal(points=25, zh="put 等待芯片就绪，不丢失字节；换行以 CR LF 发送。")
def no_byte_is_lost(run: Run) -> None:
    """put() waits for the chip, so that no byte is lost; a newline goes out as CR LF."""
    data = bytes(run.random.choice(b"abcdefgh\n") for _ in range(200)) + b"\n"
    sent, lost = run(send, data, run.random.randrange(1 << 30))
    assert not lost, hint(
        f"{lost} bytes were written while the chip was busy, and are lost: wait for THRE in LSR",
        f"有 {lost} 个字节在芯片忙时写入而丢失：请等待 LSR 中的 THRE",
    )
    assert sent == data.replace(b"\n", b"\r\n"), hint(
        f"{data[-4:]!r} went out as {sent[-5:]!r}; a terminal wants CR before LF",
        f"{data[-4:]!r} 发送为 {sent[-5:]!r}；终端需要在 LF 之前有 CR",
    )


@goal(
    points=25,
    zh="print_line 按级别着色并恢复；消息中的控制字符不能影响终端。",
    after="no_byte_is_lost",
)
def colours(run: Run) -> None:
    """print_line() colours by level and ends it; no message can play with the terminal."""
    words = b"".join(run.random.choice((b"fan ", b"disk ", b"link ")) for _ in range(3))
    lines = [(level, words) for level in range(8)]
    for (level, _), wire in zip(lines, run(print_lines, lines, 1), strict=True):
        text, seen, active = _shown(wire)
        expected = {31, 91} if level <= 3 else {33, 93} if level == 4 else {0}
        assert text == words + b"\r\n", hint(
            f"without colours the line of level {level} is {text!r}, not {words + END!r}",
            f"去掉颜色后，级别 {level} 的一行为 {text!r}，应为 {words + END!r}",
        )
        assert seen <= expected, hint(
            f"level {level} was shown in colours {sorted(seen)}; red is ESC [31m, yellow ESC [33m",
            f"级别 {level} 的颜色为 {sorted(seen)}；红色是 ESC [31m，黄色是 ESC [33m",
        )
        assert not active, hint(
            f"after a line of level {level} the terminal stays coloured: end it with ESC [0m",
            f"级别 {level} 的一行之后终端仍保持颜色：请以 ESC [0m 结束",
        )
    bad = b"bad \x1b[31m\x07\x7f\r\nname"
    text, _, _ = _shown(run(print_lines, [(6, bad)], 1)[0])
    assert text == b"bad ?[31m????name\r\n", hint(
        f"the message {bad!r} was shown as {text!r}: show ? in place of each control character",
        f"消息 {bad!r} 显示为 {text!r}：请用 ? 代替每个控制字符",
    )


@goal(points=25, zh="内核用你的控制台显示日志，一千行一行不少。", after="colours")
def the_kernel_uses_it(run: Run) -> None:
    """The kernel shows its log by your console, and of a thousand lines none is missing."""
    number = run.random.randrange(1000)
    lines = [b"<%d>line %d of %d\n" % (n % 7, n, number) for n in range(1000)]
    wire = run(boot_and_log, lines)
    text, _, active = _shown(wire)
    missing = [n for n in range(1000) if b"line %d of %d\r\n" % (n, number) not in text]
    assert not missing, hint(
        f"line {missing[:1]} and {len(missing) - 1} others never reached the wire",
        f"第 {missing[:1]} 行以及其他 {len(missing) - 1} 行没有到达串口",
    )
    assert not active, hint("the terminal stays coloured at the end", "最后终端仍保持颜色")
