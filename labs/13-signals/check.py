"""Goals of lab 13."""

from __future__ import annotations

import re
from typing import Any

from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import attach
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ProgramFunction, ScriptedContext

SIGKILL, SIGSTOP, SIGUSR1, SIGUSR2, SIGALRM, SIGRTMIN = 9, 19, 10, 12, 14, 32
SA_SIGINFO, SA_ONSTACK, SA_RESTART, SA_NODEFER = 4, 0x08000000, 0x10000000, 0x40000000
_EINTR = -4
_STACK = 0x10_0000  # the lowest address of the model's memory
_SIZE = 0x1_0000
_STATE = 520
_ALL = (1 << 64) - 1
_TEXT = 0x40_0000  # handlers are there


class ModelCpu:
    """A CPU with 520 bytes of registers: pc, sp and return address come first."""

    def __init__(self, state: bytes, sp: int, mask: int) -> None:
        self.state = bytearray(state)
        self.memory = bytearray(b"\xa5" * _SIZE)
        self.mask = mask
        self.state[8:16] = sp.to_bytes(8, "little")
        self.arguments: tuple[int, ...] = ()
        self.writes: list[list[int]] = []

    state_size = _STATE

    @property
    def sp(self) -> int:
        """See the skeleton."""
        return int.from_bytes(self.state[8:16], "little")

    @property
    def pc(self) -> int:
        """Where it goes on."""
        return int.from_bytes(self.state[:8], "little")

    def save(self) -> bytes:
        """See the skeleton."""
        return bytes(self.state)

    def restore(self, state: bytes) -> None:
        """See the skeleton."""
        if len(state) != _STATE:
            raise ValueError(f"restore() takes {_STATE} bytes, not {len(state)}")
        self.state = bytearray(state)

    def read(self, addr: int, size: int) -> bytes:
        """See the skeleton."""
        self._inside(addr, size)
        return bytes(self.memory[addr - _STACK : addr - _STACK + size])

    def write(self, addr: int, data: bytes) -> None:
        """See the skeleton."""
        self._inside(addr, len(data))
        self.writes.append([addr, len(data)])
        self.memory[addr - _STACK : addr - _STACK + len(data)] = data

    def _inside(self, addr: int, size: int) -> None:
        if not _STACK <= addr <= _STACK + _SIZE - size:
            raise ValueError(f"{size} bytes at {addr:#x} are not the stack's")

    def jump(self, pc: int, sp: int, return_address: int, arguments: tuple[int, ...]) -> None:
        """See the skeleton."""
        words = (pc, sp, return_address)
        self.state[:24] = b"".join(word.to_bytes(8, "little") for word in words)
        self.arguments = tuple(arguments)

    def restart(self) -> None:
        """See the skeleton."""
        self.state[:8] = (self.pc - 4).to_bytes(8, "little")

    def clobber(self, filler: int) -> None:
        """Do with the registers what a handler may do; it keeps the stack pointer."""
        sp = self.sp
        self.state = bytearray([filler]) * _STATE
        self.state[8:16] = sp.to_bytes(8, "little")


class Came:
    """See ``signal`` in the skeleton."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.signo = SIGUSR1
        self.info = bytes(range(128))
        self.handler = _TEXT
        self.flags = SA_SIGINFO
        self.mask = self.mask_after = 0
        self.trampoline = 0x7000
        self.stack: tuple[int, int] | None = None
        self.restartable = False
        for name, value in fields.items():
            setattr(self, name, tuple(value) if isinstance(value, list) else value)


@scenario
def queue(student: Student, operations: list[tuple[str, int, int]]) -> list[Any]:
    """Add and take signals."""
    pending = student.get("Pending")()
    return [
        pending.add(first, second) if name == "add" else pending.take(first)
        for name, first, second in operations
    ]


@scenario
def enter(student: Student, state: bytes, sp: int, mask: int, fields: dict[str, Any]) -> Any:
    """Enter a handler, and tell what it finds."""
    cpu, came = ModelCpu(state, sp, mask), Came(fields)
    student.get("Handlers")().enter(cpu, came)
    info = cpu.arguments[1] if len(cpu.arguments) == 3 else 0
    inside = _STACK <= info <= _STACK + _SIZE - 128
    return {
        "pc": cpu.pc,
        "sp": cpu.sp,
        "return": int.from_bytes(cpu.state[16:24], "little"),
        "arguments": list(cpu.arguments),
        "info": cpu.read(info, 128) if inside else b"",
        "mask": cpu.mask,
        "writes": cpu.writes,
    }


@scenario
def nest(
    student: Student, state: bytes, sp: int, mask: int, signals: list[dict[str, Any]], bad: bool
) -> Any:
    """Enter handlers one inside of the other, and leave them all."""
    handlers, cpu = student.get("Handlers")(), ModelCpu(state, sp, mask)
    before = []
    for number, fields in enumerate(signals):
        before.append([cpu.save(), cpu.mask])
        handlers.enter(cpu, Came({**fields, "mask_after": cpu.mask}))
        cpu.clobber(number)
        cpu.mask ^= 1 << 20 + number  # handlers may call sigprocmask
    if bad:  # the program overwrites all that is on its stack
        cpu.memory[:] = b"\xff" * _SIZE
    after = []
    for _ in signals:
        handlers.leave(cpu)
        after.append([cpu.save(), cpu.mask])
    return {"before": before[::-1], "after": after}


def _action(m: ScriptedContext, signo: int, number: int, flags: int, mask: int = 0) -> Any:
    """Call rt_sigaction for the handler with that number."""
    words = (_TEXT + 64 * number, flags, mask)
    m.store(m.scratch, b"".join(word.to_bytes(8, "little") for word in words))
    yield m.call("rt_sigaction", signo, m.scratch, 0, 8)


@scenario
def boot_and_signal(student: Student, flags: int) -> dict[str, Any]:
    """Interrupt a read with a signal whose handler sends another one, then block signals."""
    bench = ScriptedBench()
    attach(bench.kernel, student)
    seen: dict[str, Any] = {"order": []}

    def outer(m: ScriptedContext) -> Program:
        seen["order"].append("outer in")
        seen["info"] = int.from_bytes(m.load(m.x[11], 4), "little")
        if len(seen["order"]) == 1:
            yield m.call("kill", (yield m.call("getpid")), SIGUSR2)
            yield m.call("kill", (yield m.call("getpid")), SIGUSR1)
            yield from _sleep(m, 50)
        seen["order"].append("outer out")
        yield m.call("getpid")

    def inner(m: ScriptedContext) -> Program:
        seen["order"].append("inner")
        yield m.call("getpid")

    def child(fds: tuple[int, int], parent: int) -> ProgramFunction:
        def program(m: ScriptedContext) -> Program:
            yield from _sleep(m, 50)
            yield m.call("kill", parent, SIGUSR1)
            yield from _sleep(m, 50)
            m.store(m.scratch, b"late")
            yield m.call("write", fds[1], m.scratch, 4)
            yield m.call("exit_group", 0)

        return program

    def slow(m: ScriptedContext) -> Program:
        yield from _sleep(m, 75)

    def bystander(m: ScriptedContext) -> Program:
        yield from _action(m, SIGUSR1, 2, SA_SIGINFO)
        yield m.call("kill", (yield m.call("getpid")), SIGUSR1)
        yield m.call("exit_group", 7)

    def program(m: ScriptedContext) -> Program:
        other = yield m.fork(bystander)
        yield from _action(m, SIGUSR1, 0, SA_SIGINFO | flags)
        yield from _action(m, SIGUSR2, 1, SA_SIGINFO)
        yield m.call("pipe2", m.scratch, 0)
        data = m.load(m.scratch, 8)
        fds = int.from_bytes(data[:4], "little"), int.from_bytes(data[4:], "little")
        yield m.fork(child(fds, (yield m.call("getpid"))))
        m.x[9], m.x[18] = 0x1234, 0x5678
        seen["read"] = yield m.call("read", fds[0], m.scratch + 8, 4)
        seen["kept"] = [m.x[9], m.x[18]]
        m.store(m.scratch, (1 << SIGUSR2 - 1).to_bytes(8, "little"))
        yield m.call("rt_sigprocmask", 0, m.scratch, m.scratch + 16, 8)
        seen["mask"] = int.from_bytes(m.load(m.scratch + 16, 8), "little")
        seen["order"].append("blocked")
        yield m.call("kill", (yield m.call("getpid")), SIGUSR2)
        seen["order"].append("unblocked")
        m.store(m.scratch, bytes(8))
        yield m.call("rt_sigprocmask", 2, m.scratch, 0, 8)
        yield m.call("wait4", other, m.scratch, 0, 0)
        seen["other"] = int.from_bytes(m.load(m.scratch, 4), "little")
        yield m.call("exit_group", 0)

    bench.hart.texts.update({_TEXT: outer, _TEXT + 64: inner, _TEXT + 128: slow})
    bench.start(program)
    bench.kernel.executor.call_at(bench.door.now + 60 * 10**9, bench.kernel.executor.stop)
    bench.kernel.executor.run()
    missing = re.search(r"NotImplementedError: ([\w.]+)", bench.kernel.panic_text or "")
    if missing is not None:
        raise NotImplementedError(missing[1])
    seen["panic"] = (bench.kernel.panic_text or "").strip().rpartition("\n")[2]
    seen["status"] = bench.kernel.exit_status
    return seen


def _sleep(m: ScriptedContext, milliseconds: int) -> Any:
    m.store(m.scratch + 64, bytes(8) + (milliseconds * 1_000_000).to_bytes(8, "little"))
    yield m.call("nanosleep", m.scratch + 64, 0)


def _bit(*signals: int) -> int:
    return sum(1 << signo - 1 for signo in signals)


@goal(points=20, zh="Pending：标准信号只记一次，实时信号排队，小编号优先，跳过被阻塞的。")
def pending_signals(run: Run) -> None:
    """Pending: standard signals once, real-time signals queued, lowest number first, blocked ones stay."""
    one, two = sorted(run.random.sample(range(1, 31), 2))
    low, high = SIGRTMIN, run.random.randrange(SIGRTMIN + 1, 64)
    operations = [
        ("add", high, 1), ("add", two, 2), ("add", low, 3), ("add", two, 4), ("add", low, 5),
        ("add", one, 6), ("take", _bit(one), 0), ("take", 0, 0), ("take", _bit(low), 0),
        ("take", 0, 0), ("take", _bit(low), 0), ("add", two, 7), ("take", 0, 0), ("take", 0, 0),
        ("take", 0, 0),
    ]  # fmt: skip
    right: list[Any] = [True, True, True, False, True, True]
    right += [(two, 2), (one, 6), (high, 1), (low, 3), None, True, (two, 7), (low, 5), None]
    answers = run(queue, operations)
    for number, (got, want) in enumerate(zip(answers, right, strict=True)):
        got = tuple(got) if isinstance(got, list) else got
        done = ", ".join(
            f"add({first})" if name == "add" else f"take(blocked={first:#x})"
            for name, first, _ in operations[: number + 1]
        )
        assert got == want, hint(
            f"{done}: the last one answered {got}, {want} is right",
            f"{done}：最后一个返回 {got}，应为 {want}",
        )


def _entered(run: Run, sp: int, before: int, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = run(enter, run.random.randbytes(_STATE), sp, before, fields)
    return found


@goal(points=25, zh="enter：处理函数得到参数、对齐的栈、返回地址和正确的信号掩码。")
def handlers_are_entered(run: Run) -> None:
    """enter: the handler finds its arguments, an aligned stack, the way back, and what is blocked."""
    sp = _STACK + 0x8000 + run.random.randrange(1, 16)
    mask, info = _bit(3), run.random.randbytes(128)
    found = _entered(run, sp, mask, info=info, mask=_bit(SIGALRM))
    assert found["pc"] == _TEXT and found["return"] == 0x7000, hint(
        f"the CPU goes on at {found['pc']:#x} and returns to {found['return']:#x}; "
        f"{_TEXT:#x} and {0x7000:#x} are right",
        f"CPU 在 {found['pc']:#x} 继续，返回到 {found['return']:#x}；应为 {_TEXT:#x} 和 {0x7000:#x}",
    )
    assert found["sp"] % 16 == 0, hint(
        f"the stack pointer is {found['sp']:#x}: functions rely on a multiple of 16",
        f"栈指针为 {found['sp']:#x}：函数要求它是 16 的倍数",
    )
    above = [addr for addr, size in found["writes"] if addr + size > sp]
    below = [addr for addr, _ in found["writes"] if addr < found["sp"]]
    assert not above, hint(
        f"bytes above the stack pointer {sp:#x} were overwritten: these are the program's",
        f"栈指针 {sp:#x} 以上的字节被覆盖：它们属于程序",
    )
    assert found["writes"] and not below, hint(
        "the frame lies below the new stack pointer, where the handler's own variables go",
        "栈帧位于新的栈指针以下，会被处理函数的局部变量覆盖",
    )
    assert found["arguments"][:1] == [SIGUSR1] and found["info"] == info, hint(
        f"handler{tuple(found['arguments'])}: the first is the signal, the second where its "
        "128 bytes of siginfo_t are",
        f"handler{tuple(found['arguments'])}：第一个参数是信号编号，第二个是 128 字节 siginfo_t 的地址",
    )
    assert found["mask"] == mask | _bit(SIGALRM, SIGUSR1), hint(
        f"blocked before: {mask:#x}, by the action: {_bit(SIGALRM):#x}, the signal's own bit "
        f"{_bit(SIGUSR1):#x}; in the handler you block {found['mask']:#x}",
        f"原先阻塞 {mask:#x}，动作要求 {_bit(SIGALRM):#x}，信号自身 {_bit(SIGUSR1):#x}；"
        f"处理函数中你阻塞了 {found['mask']:#x}",
    )
    found = _entered(run, sp, mask, flags=SA_NODEFER)
    assert found["mask"] == mask, hint(
        "with SA_NODEFER the signal itself is not blocked", "有 SA_NODEFER 时不阻塞信号自身"
    )
    other = _STACK + 0x1000
    found = _entered(run, sp, mask, flags=SA_ONSTACK, stack=[other, 0x2000])
    assert other < found["sp"] < other + 0x2000, hint(
        f"SA_ONSTACK: the alternate stack is {other:#x}-{other + 0x2000:#x}, sp {found['sp']:#x}",
        f"SA_ONSTACK：备用栈为 {other:#x}-{other + 0x2000:#x}，sp 为 {found['sp']:#x}",
    )
    found = _entered(run, sp, mask, stack=[other, 0x2000])
    assert found["sp"] > other + 0x2000, hint(
        "without SA_ONSTACK the handler runs on the ordinary stack",
        "没有 SA_ONSTACK 时处理函数在普通栈上运行",
    )
    inside = other + 0x1800
    found = _entered(run, inside, mask, flags=SA_ONSTACK, stack=[other, 0x2000])
    assert found["sp"] < inside, hint(
        "the thread was on the alternate stack already: the frame must go below what is there",
        "线程已经在备用栈上：栈帧应放在已有内容之下",
    )


@goal(
    points=20,
    zh="leave：嵌套的处理函数返回后一切如初；坏的栈帧不能阻塞 SIGKILL。",
    after="handlers_are_entered",
)
def handlers_are_left(run: Run) -> None:
    """leave: after nested handlers all is as it was; a bad frame cannot block SIGKILL."""
    stack = [_STACK + 0x1000, 0x4000]
    signals: list[dict[str, Any]] = [
        {"signo": SIGUSR1, "mask": _bit(SIGALRM)},
        {"signo": SIGUSR2, "flags": SA_ONSTACK, "stack": stack},
        {"signo": SIGALRM, "flags": SA_ONSTACK | SA_NODEFER, "stack": stack},
    ]
    state, sp = run.random.randbytes(_STATE), _STACK + 0xC008
    found = run(nest, state, sp, _bit(1, 40), signals, False)
    for depth, (after, before) in enumerate(zip(found["after"], found["before"], strict=True)):
        wrong = [i // 8 for i in range(_STATE) if after[0][i] != before[0][i]]
        assert not wrong, hint(
            f"after {depth + 1} returns registers {sorted(set(wrong))[:6]} differ (0 is pc, 1 sp)",
            f"第 {depth + 1} 次返回后寄存器 {sorted(set(wrong))[:6]} 不同（0 为 pc，1 为 sp）",
        )
        assert after[1] == before[1], hint(
            f"after {depth + 1} returns {after[1]:#x} is blocked, {before[1]:#x} was before",
            f"第 {depth + 1} 次返回后阻塞 {after[1]:#x}，之前为 {before[1]:#x}",
        )
    found = run(nest, state, sp, 0, signals[:1], True)
    assert not found["after"][0][1] & _bit(SIGKILL, SIGSTOP), hint(
        "a program overwrote its frame, and now blocks SIGKILL: nobody could end it",
        "程序改写了自己的栈帧，于是阻塞了 SIGKILL：没有人能终止它",
    )


@goal(points=15, zh="重启：仅当有 SA_RESTART 且调用可重启时。", after="handlers_are_left")
def calls_begin_again(run: Run) -> None:
    """Restart: with SA_RESTART a call that may begin again does, after the handler; others do not."""
    state, sp = run.random.randbytes(_STATE), _STACK + 0xC000
    pc = int.from_bytes(state[:8], "little")
    for flags in (0, SA_RESTART):
        for restartable in (False, True):
            found = run(nest, state, sp, 0, [{"flags": flags, "restartable": restartable}], False)
            back = int.from_bytes(found["after"][0][0][:8], "little")
            again = bool(flags) and restartable
            want = (pc - 4 if again else pc) & _ALL
            said = "SA_RESTART" if flags else "no SA_RESTART"
            zh = "有 SA_RESTART" if flags else "没有 SA_RESTART"
            assert back == want, hint(
                f"{said}, the call {'may' if restartable else 'may not'} begin again: after the "
                f"handler pc is {back:#x}, {want:#x} is right",
                f"{zh}，调用{'可以' if restartable else '不可'}重启：处理函数之后 pc 为 {back:#x}，应为 {want:#x}",
            )


@goal(
    points=20, zh="内核用你的代码传递信号：嵌套、阻塞、被中断的 read。", after="calls_begin_again"
)
def the_kernel_delivers(run: Run) -> None:
    """The kernel delivers by your code: nested handlers, blocked signals, an interrupted read."""
    for flags in run.random.sample([0, SA_RESTART], 2):
        found = run(boot_and_signal, flags)
        assert not found["panic"], hint(
            f"the kernel panicked: {found['panic']}", f"内核 panic：{found['panic']}"
        )
        assert found["status"] == 0, hint(
            f"the program ended with status {found['status']} (None: never), after {found['order']}",
            f"程序以状态 {found['status']} 结束（None：没有结束），此前：{found['order']}",
        )
        want = 4 if flags else _EINTR
        assert found["read"] == want, hint(
            f"a read was interrupted, {'with' if flags else 'without'} SA_RESTART: it returned "
            f"{found['read']}, {want} is right",
            f"read 被中断，{'有' if flags else '没有'} SA_RESTART：返回 {found['read']}，应为 {want}",
        )
        first = ["outer in", "inner", "outer out", "outer in", "outer out"]
        right = [*first, "blocked", "unblocked", "inner"]
        assert found["order"] == right, hint(
            f"outer sends the signal of inner and its own; these ran: {found['order']}; "
            f"{right} is right",
            f"outer 发送 inner 的信号和自己的信号；运行顺序为 {found['order']}，应为 {right}",
        )
        assert found["info"] == SIGUSR1, hint(
            f"the handler read signal {found['info']} out of its siginfo_t, {SIGUSR1} was sent",
            f"处理函数从 siginfo_t 中读到信号 {found['info']}，发送的是 {SIGUSR1}",
        )
        assert found["other"] == 7 << 8, hint(
            "two processes were in handlers at the same time; one did not come back from its own: "
            f"status {found['other']:#x}",
            f"两个进程同时处于处理函数中；其中一个没有从自己的处理函数返回：状态 {found['other']:#x}",
        )
        assert found["mask"] == 0, hint(
            f"after the handlers {found['mask']:#x} was still blocked",
            f"处理函数之后仍阻塞 {found['mask']:#x}",
        )
