"""Goals of lab 9."""

from __future__ import annotations

import gc
import weakref
from itertools import groupby
from typing import Any

from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import bound
from starrylab.labs.student import Student
from starrylab.machine.api import INTERRUPT
from starrylab.machine.scripted import Program, ProgramFunction, ScriptedContext

READY, ASLEEP, ENDED = "ready", "asleep", "ended"
TICK_NS = 4_000_000
_MS = 1_000_000
_TICK = 4  # milliseconds

#: name, nice, when it begins, then how long it runs and sleeps by turns; all in milliseconds
Script = tuple[str, int, int, list[int]]


class Task:
    """A task of the model machine."""

    def __init__(self, name: str, nice: int, phases: list[int]) -> None:
        self.name = name
        self.nice = nice
        self.phases = phases  # run, sleep, run, ...: it ends when these are used up

    def __repr__(self) -> str:
        return self.name


class Machine:
    """A CPU that a scheduler gives to tasks, one millisecond after the other."""

    def __init__(self, scheduler: Any, scripts: list[Script]) -> None:
        self.scheduler = scheduler
        self.coming = [(start, Task(name, nice, phases)) for name, nice, start, phases in scripts]
        self.waiting: set[Task] = set()
        self.running: Task | None = None
        self.since = 0
        self.trace: list[str] = []

    def run(self, milliseconds: int) -> list[str]:
        """Return who ran in each millisecond; "" where nobody did."""
        for now in range(milliseconds):
            self._arrive(now)
            if self.running is not None and now and now % _TICK == 0:
                self._tick(now)
            if self.running is None:
                self._pick(now)
            self.trace.append(self.running.name if self.running else "")
            if self.running is not None:
                self._work(now + 1)
        return self.trace

    def _arrive(self, now: int) -> None:
        for entry in [entry for entry in self.coming if entry[0] <= now]:
            self.coming.remove(entry)
            self.waiting.add(entry[1])
            self.scheduler.add(entry[1])

    def _tick(self, now: int) -> None:
        if self.scheduler.tick(self.running):
            self._leave(now, READY)

    def _pick(self, now: int) -> None:
        task = self.scheduler.pick()
        if task is not None and task not in self.waiting:
            raise ValueError(f"pick() returned {task!r}, which is not queued")
        if task is None and self.waiting:
            raise ValueError(f"pick() returned None, but {sorted(map(str, self.waiting))} wait")
        if task is not None:
            self.waiting.remove(task)
        self.running, self.since = task, now

    def _leave(self, now: int, how: str) -> None:
        task = self.running
        assert task is not None
        self.running = None
        if how == READY:
            self.waiting.add(task)
        self.scheduler.ran(task, (now - self.since) * _MS, how)

    def _work(self, now: int) -> None:
        task = self.running
        assert task is not None
        task.phases[0] -= 1
        if task.phases[0]:
            return
        task.phases.pop(0)
        if task.phases:
            self.coming.append((now + task.phases.pop(0), task))
        self._leave(now, ASLEEP if task.phases else ENDED)


@scenario
def simulate(student: Student, kind: str, scripts: list[Script], milliseconds: int) -> list[str]:
    """Let one of the schedulers decide on the model machine; return who ran when."""
    return Machine(student.get(kind)(), scripts).run(milliseconds)


@scenario
def remember(student: Student, count: int) -> int:
    """Let tasks come and end; return how many the scheduler still holds."""
    machine = Machine(student.get("Fair")(), [(f"t{n}", 0, n, [2]) for n in range(count)])
    tasks = [weakref.ref(task) for _, task in machine.coming]
    machine.run(count * 4)
    machine.trace.clear()
    gc.collect()
    return sum(task() is not None for task in tasks)


@scenario
def boot_and_compete(student: Student, nices: list[int], ticks: int) -> dict[str, Any]:
    """Run a kernel on the student's class: some compute, one sleeps and looks at the clock."""
    bench = ScriptedBench(bound(student))
    door = bench.door
    counts = [0] * len(nices)
    late: list[int] = []
    stop = door.now + ticks * TICK_NS

    def compute(number: int) -> ProgramFunction:
        def program(m: ScriptedContext) -> Program:
            yield m.call("setpriority", 0, 0, nices[number])
            while door.now < stop:
                door.now += TICK_NS
                counts[number] += 1
                yield INTERRUPT
            yield m.call("exit_group", number)

        return program

    def sleeper(m: ScriptedContext) -> Program:
        m.store(m.scratch, (0).to_bytes(8, "little") + (50 * _MS).to_bytes(8, "little"))
        while door.now < stop:
            before = door.now
            yield m.call("nanosleep", m.scratch, 0)
            late.append((door.now - before) // _MS - 50)
        yield m.call("exit_group", 77)

    def program(m: ScriptedContext) -> Program:
        for number in range(len(nices)):
            yield m.fork(compute(number))
        yield m.fork(sleeper)
        for _ in range(len(nices) + 1):
            yield m.call("wait4", (1 << 64) - 1, 0, 0, 0)
        yield m.call("exit_group", 0)

    results = bench.run(program)
    return {"results": results, "counts": counts, "late": late}


def _turns(trace: list[str]) -> list[tuple[str, int]]:
    return [(name, len(list(group))) for name, group in groupby(trace)]


def _share(trace: list[str], name: str) -> float:
    return trace.count(name) / len(trace)


@goal(points=20, zh="协作式：按到达顺序运行，任务一直运行到等待或结束。")
def cooperative_in_order(run: Run) -> None:
    """Cooperative: tasks run in the order in which they came, until they wait or end."""
    names = run.random.sample(["red", "blue", "green", "white"], 4)
    first, second, third, fourth = names
    lengths = [run.random.randrange(20, 40) for _ in names]
    scripts = [
        (first, 0, 0, [lengths[0]]),
        (second, 0, 1, [5, 60, lengths[1]]),
        (third, -20, 2, [lengths[2]]),
        (fourth, 0, 3, [lengths[3]]),
    ]
    got = _turns(run(simulate, "Cooperative", scripts, 200))
    want = [(first, lengths[0]), (second, 5), (third, lengths[2]), (fourth, lengths[3])]
    assert got[:4] == want, hint(
        f"came in the order {', '.join(names)}; ran {got[:4]}, but {want} was due (milliseconds)",
        f"到达顺序为 {', '.join(names)}；实际运行 {got[:4]}，应为 {want}（毫秒）",
    )
    assert (second, lengths[1]) in got[4:], hint(
        f"{second} slept and woke up, but never had its second turn",
        f"{second} 睡眠后被唤醒，却没有再次运行",
    )


@goal(points=20, zh="轮转：每次三个时钟节拍，依次轮流。", after="cooperative_in_order")
def round_robin_takes_turns(run: Run) -> None:
    """Round robin: three ticks each in turn; who slept comes to the end of the queue."""
    names = run.random.sample(["red", "blue", "green", "white"], 3)
    scripts: list[Script] = [(name, 0, 0, [200]) for name in names]
    scripts.append(("sleeper", 0, 13, [10, 31, 200]))
    got = _turns(run(simulate, "RoundRobin", scripts, 150))
    slice_ms = 3 * _TICK
    long = [turn for turn in got if turn[1] > slice_ms]
    assert not long, hint(
        f"{long and long[0][0]} ran {long and long[0][1]} ms at a stretch; a turn is {slice_ms} ms",
        f"{long and long[0][0]} 连续运行了 {long and long[0][1]} ms；一轮为 {slice_ms} ms",
    )
    want = [(name, slice_ms) for name in names]
    assert got[:3] == want, hint(
        f"the first turns were {got[:3]}; three ticks each are {want} (milliseconds)",
        f"前三轮为 {got[:3]}；每轮三个节拍应为 {want}（毫秒）",
    )
    assert [turn[0] for turn in got[3:6]] == [names[0], "sleeper", names[1]], hint(
        f"a task came while {names[1]} ran, {names[0]} had been queued before it: "
        f"then ran {[turn[0] for turn in got[3:6]]}",
        f"{names[1]} 运行时来了新任务，{names[0]} 早已在队列中；"
        f"此后运行的是 {[turn[0] for turn in got[3:6]]}",
    )
    # The sleeper leaves between two ticks: whoever is next may lose part of one.
    short = [turn for turn in got[5:-1] if turn[1] < slice_ms - _TICK and turn[0] != "sleeper"]
    assert not short, hint(
        f"{short and short[0][0]} had {short and short[0][1]} ms only: does a new turn begin with "
        "the ticks of an old one?",
        f"{short and short[0][0]} 只得到 {short and short[0][1]} ms：新的一轮是否沿用了旧的节拍数？",
    )


@goal(
    points=20,
    zh="公平：按 nice 的权重分配时间，中途睡眠者也不例外。",
    after="round_robin_takes_turns",
)
def fair_by_weight(run: Run) -> None:
    """Fair: time goes by weight, a factor of 1.25 for each nice; also to who leaves before a tick."""
    nice = run.random.randrange(3, 8)
    ran = run(simulate, "Fair", [("usual", 0, 0, [9999]), ("nice", nice, 0, [9999])], 4000)
    want = 1 / (1 + 1.25**-nice)
    assert abs(_share(ran, "usual") - want) < 0.03, hint(
        f"nice 0 against nice {nice}: the first got {_share(ran, 'usual'):.0%}, {want:.0%} is due",
        f"nice 0 对 nice {nice}：前者得到 {_share(ran, 'usual'):.0%}，应为 {want:.0%}",
    )
    # `sly` always sleeps through the tick, so it is never seen running there.
    scripts = [("sly", 0, 0, [3, 1] * 1500 + [1])] + [(f"b{n}", 0, 0, [9999]) for n in range(3)]
    share = _share(run(simulate, "Fair", scripts, 4000), "sly")
    assert share < 0.32, hint(
        f"a task that sleeps at each tick got {share:.0%} of the CPU among four: charge what ran() says, and let no sleeper catch up",
        f"四个任务中，每逢节拍就睡眠的任务得到了 {share:.0%}：应按 ran() 给出的时间计费，睡眠者不能补回时间",
    )


@goal(
    points=20, zh="公平：睡眠不积攒时间；唤醒后很快运行；结束的任务被清除。", after="fair_by_weight"
)
def fair_to_sleepers(run: Run) -> None:
    """Fair: to sleep saves up nothing, who wakes up is served soon, who ended is forgotten."""
    long = run.random.randrange(900, 1100)
    scripts = [("busy", 0, 0, [9999]), ("rested", 0, 0, [4, long, 9999])]
    ran = run(simulate, "Fair", scripts, long + 500)[long + 20 :]
    assert _share(ran, "busy") > 0.4, hint(
        f"a task slept {long} ms; then the other one got {_share(ran, 'busy'):.0%} of the CPU",
        f"一个任务睡眠了 {long} ms；此后另一个任务只得到 {_share(ran, 'busy'):.0%}",
    )
    ran = run(simulate, "Fair", [("old", 0, 0, [9999]), ("new", 0, 1000, [9999])], 1500)[1020:]
    assert _share(ran, "old") > 0.4, hint(
        f"a new task came; after that the old one got {_share(ran, 'old'):.0%} of the CPU",
        f"来了一个新任务；此后旧任务只得到 {_share(ran, 'old'):.0%}",
    )
    scripts = [(f"b{n}", 0, 0, [9999]) for n in range(5)] + [("shell", 0, 0, [1, 39] * 50 + [1])]
    ran = run(simulate, "Fair", scripts, 2000)
    turns = ran.count("shell")
    assert turns >= 40, hint(
        f"a task that wants 1 ms in 40 had {turns} turns in 2 s: who wakes up waits for long",
        f"每 40 ms 只需 1 ms 的任务在 2 秒内只运行了 {turns} 次：唤醒后等待太久",
    )
    left = run(remember, 50)
    assert left <= 1, hint(
        f"50 tasks ended, {left} of them are still in your tables: see how == ENDED",
        f"50 个任务已结束，你的表中仍有 {left} 个：参见 how == ENDED",
    )


@goal(
    points=20, zh="内核在 Fair 上运行：时间按权重分配，睡眠者准时醒来。", after="fair_to_sleepers"
)
def the_kernel_runs_on_it(run: Run) -> None:
    """The kernel runs on Fair: processes share by weight, and a sleeper wakes up in time."""
    nices = run.random.sample([0, 3, 6, 9], 3)
    found = run(boot_and_compete, nices, 900)
    assert all(result >= 0 for result in found["results"]), hint(
        f"a system call failed: {found['results']}", f"系统调用失败：{found['results']}"
    )
    weights = [1.25**-nice for nice in nices]
    for nice, count, weight in zip(nices, found["counts"], weights, strict=True):
        got, want = count / sum(found["counts"]), weight / sum(weights)
        assert abs(got - want) < 0.06, hint(
            f"nice {nice} among {nices} got {got:.0%}, {want:.0%} is due",
            f"{nices} 之中 nice {nice} 得到 {got:.0%}，应为 {want:.0%}",
        )
    worst = max(found["late"])
    assert worst <= 40, hint(
        f"a process that slept 50 ms went on {worst} ms too late",
        f"睡眠 50 ms 的进程晚了 {worst} ms 才继续",
    )
