"""Goals of lab 10."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from starrylab.abi.errno import EAGAIN, EPIPE
from starrylab.abi.mman import MAP_ANONYMOUS, MAP_PRIVATE
from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import attach
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ProgramFunction, ScriptedContext

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16
PIPE_BUF = 4096
_ALL = (1 << 64) - 1
_SIGPIPE = 13

Operation = tuple[str, int]


class Alarm:
    """A waker that counts."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self.count = 0
        self.then = then

    def wake(self) -> None:
        """Count, and do what comes next."""
        self.count += 1
        self.then()


@scenario
def wake_up(student: Student, registrations: list[int], again: int) -> dict[str, Any]:
    """Register alarms by number; some register themselves once more while they are woken."""
    waiting = student.get("PollSet")()
    alarms = [Alarm() for _ in range(max(registrations) + 1)]
    for alarm in alarms[:again]:
        alarm.then = lambda alarm=alarm: waiting.register(alarm) if alarm.count < 50 else None
    for number in registrations:
        waiting.register(alarms[number])
    said = [waiting.wake()]
    first = [alarm.count for alarm in alarms]
    said += [waiting.wake()]
    for alarm in alarms:
        alarm.then = lambda: None
    said += [waiting.wake(), waiting.wake()]
    return {"said": said, "first": first, "all": [alarm.count for alarm in alarms]}


@scenario
def operate(student: Student, capacity: int, operations: list[Operation]) -> list[Any]:
    """Do what the list says; return answer, both polls before and after, and who was woken."""
    pipe = student.get("Pipe")(capacity)
    reader, writer = Alarm(), Alarm()
    position = 0
    answers: list[Any] = []
    for name, size in operations:
        reader.count = writer.count = 0
        pipe.register_reader(reader)
        pipe.register_writer(writer)
        try:
            if name == "write":
                data = bytes((position + i) % 251 for i in range(size))
                answer: Any = pipe.write(data)
                position += answer
            else:
                answer = pipe.read(size) if name == "read" else getattr(pipe, name)()
        except (EAGAIN, EPIPE) as error:
            answer = type(error).__name__
        answers.append((answer, pipe.poll_reader(), pipe.poll_writer(), reader.count, writer.count))
    return answers


class Model:
    """What the pipe should do."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = self.position = self.taken = 0
        self.reading = self.writing = True

    def polls(self) -> tuple[int, int]:
        """Return both readinesses."""
        room = POLLOUT if self.capacity - self.size >= PIPE_BUF else 0
        return (
            (POLLIN if self.size else 0) | (0 if self.writing else POLLHUP),
            room | (0 if self.reading else POLLERR),
        )

    def do(self, name: str, size: int, got: Any) -> Any:
        """Return what is right; a write may put less than fits, but not nothing."""
        room = self.capacity - self.size
        if name == "write":
            if not self.reading:
                return "EPIPE"
            if size > room and (size <= PIPE_BUF or not room):
                return "EAGAIN"
            count = got if size > PIPE_BUF and isinstance(got, int) and 0 < got <= room else None
            count = min(size, room) if count is None else count
            self.size += count
            return count
        if name == "read":
            if not self.size:
                return "EAGAIN" if self.writing else b""
            count = min(size, self.size)
            data = bytes((self.taken + i) % 251 for i in range(count))
            self.size, self.taken = self.size - count, self.taken + count
            return data
        if name == "close_reader":
            self.reading = False
        if name == "close_writer":
            self.writing = False
        return None


def _judge(run: Run, operations: list[Operation], *, wakes: bool) -> None:
    capacity = 2 * PIPE_BUF
    model = Model(capacity)
    done: list[str] = []
    answers = run(operate, capacity, operations)
    for (name, size), (got, reads, writes, *woken) in zip(operations, answers, strict=True):
        before = model.polls()
        want = model.do(name, size, got)
        done.append(f"{name}({size or ''})")
        story = ", ".join(done[-4:])
        if not wakes:
            assert got == want, hint(
                f"after {story}: {_shown(got)}, but {_shown(want)} is right",
                f"{story} 之后得到 {_shown(got)}，应为 {_shown(want)}",
            )
            continue
        assert (reads, writes) == model.polls(), hint(
            f"after {story} poll_reader() is {reads} and poll_writer() {writes}; "
            f"{model.polls()} is right",
            f"{story} 之后 poll_reader() 为 {reads}，poll_writer() 为 {writes}；应为 {model.polls()}",
        )
        for who, old, new, count in zip(
            ("reader", "writer"), before, model.polls(), woken, strict=True
        ):
            assert count or not new & ~old, hint(
                f"after {story} poll_{who}() changed from {old} to {new}, but nobody was woken",
                f"{story} 之后 poll_{who}() 从 {old} 变为 {new}，却没有唤醒任何人",
            )


def _shown(value: Any) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) and len(value) > 8 else repr(value)


def _operations(run: Run) -> list[Operation]:
    """Return reads and writes that empty and fill the pipe, then the ends."""
    random = run.random
    mixed: list[Operation] = []
    for _ in range(60):
        sizes = (1, 100, PIPE_BUF - 1, PIPE_BUF, PIPE_BUF + 1, 3 * PIPE_BUF)
        name = random.choice(("read", "read", "write", "write", "write"))
        mixed.append((name, random.choice(sizes)))
    return [("read", 5), ("write", 3), *mixed]


class Sleep:
    """Lets a coroutine give up the CPU."""

    def __await__(self) -> Any:
        yield


@scenario
def transfer(student: Student, seed: int, sizes: list[int], hasty: bool) -> dict[str, Any]:
    """Let two coroutines write and two read, in an order that chance decides."""
    pipe, blocking = student.get("Pipe")(PIPE_BUF), student.get("blocking")
    chance = random.Random(seed)
    runnable: set[int] = {0, 1, 2, 3}
    received: list[bytes] = []
    written = [0]
    slept = [0]

    def waker(number: int) -> Alarm:
        return Alarm(lambda: runnable.add(number))

    def sleep() -> Sleep:
        slept[0] += 1
        return Sleep()

    async def write(alarm: Alarm, part: list[int]) -> None:
        for size in part:
            data = b"x" * size
            await blocking(partial(pipe.write, data), lambda: pipe.register_writer(alarm), sleep)
            written[0] += size
            await Sleep()

    async def read(alarm: Alarm) -> None:
        while data := await blocking(
            lambda: pipe.read(1500), lambda: pipe.register_reader(alarm), sleep
        ):
            received.append(data)

    half = len(sizes) // 2
    alarms = [waker(number) for number in range(4)]
    tasks: dict[int, Any] = {
        0: write(alarms[0], sizes[:half]),
        1: write(alarms[1], sizes[half:]),
        2: read(alarms[2]),
        3: read(alarms[3]),
    }
    steps = 0
    while runnable and tasks and steps < 20_000:
        steps += 1
        number = chance.choice(sorted(runnable))
        if number not in tasks:
            runnable.discard(number)
            continue
        asleep = slept[0]
        try:
            tasks[number].send(None)
        except StopIteration:
            del tasks[number]
            if not {0, 1} & set(tasks):
                pipe.close_writer()
            continue
        if slept[0] != asleep:
            runnable.discard(number)
            if hasty and chance.random() < 0.3:
                runnable.add(number)  # woken for no reason
    for task in tasks.values():
        task.close()
    return {
        "left": sorted(tasks),
        "received": sum(map(len, received)),
        "written": written[0],
        "steps": steps,
    }


@scenario
def boot_and_talk(student: Student, total: int, piece: int) -> dict[str, Any]:
    """Let a process send bytes through the pipe, and one end before the other."""
    bench = ScriptedBench()
    attach(bench.kernel, student)
    seen: dict[str, Any] = {}

    def sender(m: ScriptedContext, fds: tuple[int, int]) -> ProgramFunction:
        def program(c: ScriptedContext) -> Program:
            buffer = yield c.call("mmap", 0, 1 << 17, 3, MAP_PRIVATE | MAP_ANONYMOUS, _ALL, 0)
            yield c.call("close", fds[0])
            left = total
            while left > 0:
                size = min(left, 100_000)
                c.store(buffer, bytes((total - left + i) % 253 for i in range(size)))
                left -= yield c.call("write", fds[1], buffer, size)
            yield c.call("exit_group", 5)

        return program

    def program(m: ScriptedContext) -> Program:
        fds = yield from _pipe(m)
        yield m.fork(sender(m, fds))
        yield m.call("close", fds[1])
        m.store(m.scratch + 64, fds[0].to_bytes(4, "little") + POLLIN.to_bytes(4, "little"))
        seen["polled"] = yield m.call("ppoll", m.scratch + 64, 1, 0, 0, 0)
        data = bytearray()
        while (count := (yield m.call("read", fds[0], m.scratch + 4096, piece))) > 0:
            data += m.load(m.scratch + 4096, count)
        seen["length"] = len(data)
        seen["right"] = data == bytes(i % 253 for i in range(total))
        yield m.call("wait4", _ALL, m.scratch, 0, 0)
        seen["status"] = int.from_bytes(m.load(m.scratch, 4), "little")
        fds = yield from _pipe(m)
        yield m.fork(sender(m, fds))
        yield m.call("read", fds[0], m.scratch + 4096, 10)
        yield m.call("close", fds[0])  # the sender waits for room
        yield m.call("wait4", _ALL, m.scratch, 0, 0)
        seen["broken"] = int.from_bytes(m.load(m.scratch, 4), "little")
        yield m.call("exit_group", 0)

    try:
        bench.run(program)
    except RuntimeError as error:
        seen["panic"] = str(error).strip().rpartition("\n")[2]
    return seen


def _pipe(m: ScriptedContext) -> Any:
    yield m.call("pipe2", m.scratch, 0)
    data = m.load(m.scratch, 8)
    return int.from_bytes(data[:4], "little"), int.from_bytes(data[4:], "little")


@goal(points=15, zh="PollSet：每次登记恰好唤醒一次；唤醒过程中的登记等到下一次。")
def one_wake_up_each(run: Run) -> None:
    """PollSet: one wake-up for each registration; who registers during a wake-up waits for the next."""
    count = run.random.randrange(4, 9)
    numbers = [*range(count), run.random.randrange(count), run.random.randrange(count)]
    run.random.shuffle(numbers)
    found = run(wake_up, numbers, 2)
    assert found["first"] == [1] * count, hint(
        f"{count} wakers were registered, two of them twice, all woken once: "
        f"they heard of it {found['first']} times",
        f"登记了 {count} 个唤醒者（其中有的登记两次），唤醒一次后各自被唤醒 {found['first']} 次",
    )
    assert found["said"] == [count, 2, 2, 0], hint(
        f"{count} waited, of these two registered again each time: "
        f"wake() said {found['said']}, {[count, 2, 2, 0]} is right",
        f"{count} 个在等待，其中两个每次都重新登记：wake() 返回 {found['said']}，应为 {[count, 2, 2, 0]}",
    )


@goal(
    points=25, zh="管道：字节按序、容量有限、小写入不可分割、结束与断开。", after="one_wake_up_each"
)
def bytes_come_in_order(run: Run) -> None:
    """Pipe: bytes in order, no more than fit, small writes as a whole, its end, and EPIPE."""
    _judge(run, _operations(run), wakes=False)
    size = run.random.randrange(2, 99)
    ends: list[Operation] = [("write", size), ("close_writer", 0), ("read", size), ("read", 9)]
    _judge(run, ends, wakes=False)
    _judge(run, [("write", size), ("close_reader", 0), ("write", 1)], wakes=False)


@goal(
    points=20,
    zh="就绪：poll 总是正确；任何一端变为就绪都会唤醒等待者。",
    after="bytes_come_in_order",
)
def changes_are_told(run: Run) -> None:
    """Readiness: poll is always right, and whenever an end becomes ready, who waits is woken."""
    _judge(run, _operations(run), wakes=True)
    _judge(run, [("write", 9), ("close_writer", 0), ("read", 99)], wakes=True)
    _judge(run, [("close_writer", 0), ("read", 1)], wakes=True)
    _judge(run, [("write", 2 * PIPE_BUF), ("close_reader", 0)], wakes=True)


@goal(
    points=20,
    zh="blocking：任何调度顺序下都不丢失唤醒，多余的唤醒也无妨。",
    after="changes_are_told",
)
def nobody_sleeps_for_ever(run: Run) -> None:
    """blocking: in any order of events no wake-up is lost, and one too many does no harm."""
    for hasty in (False, True):
        for _ in range(6):
            sizes = [run.random.choice((1, 700, 3000, 4096)) for _ in range(20)]
            found = run(transfer, run.random.randrange(1 << 30), sizes, hasty)
            assert found["steps"] < 20_000, hint(
                "the four tasks ran for ever: does somebody who waits stay runnable?",
                "四个任务永远在运行：等待者是否没有睡眠？",
            )
            kinds = ["a writer" if number < 2 else "a reader" for number in found["left"]]
            assert not found["left"], hint(
                f"{' and '.join(kinds)} slept for ever, with {found['written']} bytes written and "
                f"{found['received']} read: between which two lines was the wake-up?",
                f"有任务永远睡眠（写入 {found['written']} 字节，读出 {found['received']} 字节）：唤醒发生在哪两行之间？",
            )
            assert found["received"] == sum(sizes), hint(
                f"{sum(sizes)} bytes were written, {found['received']} came",
                f"写入 {sum(sizes)} 字节，收到 {found['received']} 字节",
            )


@goal(
    points=20,
    zh="内核的进程通过你的管道通信：内容、poll、结束、SIGPIPE。",
    after="changes_are_told",
)
def processes_talk(run: Run) -> None:
    """Processes of the kernel talk through it: contents, poll(2), the end, SIGPIPE."""
    found = run(boot_and_talk, run.random.randrange(130_000, 180_000), 32_768)
    assert "panic" not in found, hint(
        f"the kernel panicked: {found.get('panic')}", f"内核 panic：{found.get('panic')}"
    )
    assert found.get("polled") == 1 and "length" in found, hint(
        "the reader never came to the end: it waits, or it polls in vain",
        "读者没有读到末尾：它一直在等待，或者 poll 没有返回",
    )
    assert found["right"], hint(
        f"{found['length']} bytes came, not those that were sent",
        f"收到 {found['length']} 字节，与发送的内容不同",
    )
    assert found["status"] == 5 << 8, hint(
        "the sender did not end as it should", "发送者没有正常结束"
    )
    assert found.get("broken") == _SIGPIPE, hint(
        f"a sender whose reader went away ended with status {found.get('broken')}, not by SIGPIPE",
        f"读者离开后，发送者以状态 {found.get('broken')} 结束，而不是 SIGPIPE",
    )
