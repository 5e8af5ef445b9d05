"""Goals of lab 11."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from starrylab.labs.api import Run, goal, hint, scenario
from starrylab.labs.benches import GuestLimit, run_program
from starrylab.labs.student import Student

_SCHEDULE = "schedule"
_MOST_STEPS = 400
_MOST_RUNS = 1500

Steps = Iterator[Any]
#: what happened in order, who was left asleep, and whether it went on for ever
Result = tuple[list[str], list[str], bool]
Threads = Callable[[list[str]], dict[str, Callable[["Task"], Steps]]]


class Task:
    """A thread of the model machine."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sleeping = False
        self.runnable = True
        self.wakes = 0  #: how often somebody woke it
        self.steps: Any = None

    def wake(self) -> None:
        """See the skeleton."""
        self.sleeping = False
        self.runnable = True
        self.wakes += 1


class Word:
    """A word of memory; an interrupt may come before and after each instruction."""

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def load(self) -> Any:
        """Return the value."""
        yield
        value = self.value
        yield
        return value

    def store(self, value: int) -> Any:
        """Set the value."""
        yield
        self.value = value
        yield

    def swap(self, value: int) -> Any:
        """Set the value, return the old one."""
        yield
        value, self.value = self.value, value
        yield
        return value


def run_once(
    threads: Threads, forced: dict[int, str]
) -> tuple[Result, list[tuple[str, list[str], bool]]]:
    """Run threads; at the steps in ``forced`` that one goes on, else who ran before.

    Returns the result, and for each step who ran, who could have, and whether that would have
    been an interrupt's doing.
    """
    log: list[str] = []
    tasks: dict[str, Task] = {}
    for name, body in threads(log).items():
        tasks[name] = Task(name)
        tasks[name].steps = body(tasks[name])
    choices: list[tuple[str, list[str], bool]] = []
    last = ""
    while runnable := [name for name, task in tasks.items() if task.runnable]:
        if len(choices) >= _MOST_STEPS:
            return (log, [], True), choices
        usual = last if last in runnable else runnable[0]
        name = forced.get(len(choices), usual)
        choices.append((name, runnable, last in runnable))
        last = name
        task = tasks[name]
        try:
            said = task.steps.send(None)
        except StopIteration:
            del tasks[name]
            continue
        if said == _SCHEDULE and task.sleeping:
            task.runnable = False
    return (log, sorted(tasks), False), choices


def explore(threads: Threads, interrupts: int) -> list[Result]:
    """Run threads in every order that so many interrupts can bring about."""
    results: list[Result] = []
    todo: list[tuple[dict[int, str], int]] = [({}, interrupts)]
    while todo and len(results) < _MOST_RUNS:
        forced, left = todo.pop(0)
        result, choices = run_once(threads, forced)
        results.append(result)
        if result[2]:
            break  # one that never ends is enough
        after = max(forced, default=-1)
        for step, (chosen, runnable, interrupt) in enumerate(choices):
            if step > after and left >= interrupt:
                todo += [
                    ({**forced, step: other}, left - interrupt)
                    for other in runnable
                    if other != chosen
                ]
    return results


@scenario
def wait_for_flag(student: Student, sleepers: int, told: bool) -> list[Result]:
    """Let some tasks wait for a flag that another one sets, in every order."""
    queue_class = student.get("WaitQueue", "locks.py")

    def threads(log: list[str]) -> dict[str, Callable[[Task], Steps]]:
        flag, queue = Word(), queue_class()

        def sleeper(me: Task) -> Any:
            yield from queue.wait(me, flag.load)
            log.append(f"{me.name} saw {flag.value}")
            yield
            if me.sleeping:
                log.append(f"{me.name} still says that it sleeps")
            wakes = me.wakes
            if sleepers == 1:  # of two, the other might live on this wake-up
                queue.wake()
            if me.wakes != wakes:
                log.append(f"{me.name} is still in the queue")

        def teller(me: Task) -> Any:
            queue.wake()  # of no use, and no harm
            yield
            if told:
                yield from flag.store(1)
                queue.wake()

        return {**{f"s{n}": sleeper for n in range(sleepers)}, "teller": teller}

    return explore(threads, 2)


@scenario
def compete(student: Student, count: int, rounds: int) -> list[Result]:
    """Let some tasks lock and unlock, in every order."""
    mutex_class = student.get("Mutex", "locks.py")

    def threads(log: list[str]) -> dict[str, Callable[[Task], Steps]]:
        mutex = mutex_class(Word())

        def body(me: Task) -> Any:
            for _ in range(rounds):
                yield from mutex.lock(me)
                log.append(f"in {me.name}")
                yield
                yield
                log.append(f"out {me.name}")
                yield from mutex.unlock(me)

        return {f"t{n}": body for n in range(count)}

    return explore(threads, 2)


@scenario
def find(student: Student, graphs: list[dict[str, list[str] | None]]) -> list[list[list[str]]]:
    """Ask who is deadlocked."""
    answers = []
    for graph in graphs:
        core, victims = student.get("deadlocks", "locks.py")(graph)
        answers.append([sorted(core), sorted(victims)])
    return answers


@scenario
def run_bank(student: Student, program: bytes, rounds: int) -> dict[str, Any]:
    """Run the program; tell how it ended."""
    try:
        return run_program(program, [str(rounds)]).plain()
    except GuestLimit as error:
        return {"limit": str(error)}
    except RuntimeError as error:
        return {"asleep": str(error)}


@goal(points=25, zh="等待队列：任何中断顺序下都不丢失唤醒，也不空转。")
def no_wake_up_is_lost(run: Run) -> None:
    """Wait queue: whenever interrupts come, no wake-up is lost, and nobody waits by spinning."""
    for sleepers in (1, 2):
        for log, left, endless in run(wait_for_flag, sleepers, True):
            assert not endless, hint(
                "a task that waits keeps the CPU busy: it must sleep (SCHEDULE)",
                "等待的任务一直占用 CPU：它应该睡眠（SCHEDULE）",
            )
            assert not left, hint(
                f"the flag was set, wake() called, and {' and '.join(left)} sleeps for ever: an "
                "interrupt came between the look at the flag and the sleep",
                f"标志已设置，wake() 已调用，{'、'.join(left)} 却永远睡眠：中断发生在查看标志与睡眠之间",
            )
            early = [line for line in log if not line.endswith("saw 1")]
            assert not early, hint(
                f"wait() returned, but: {early and early[0]}",
                f"wait() 已返回，但是：{early and early[0]}",
            )
    for _, left, _ in run(wait_for_flag, 1, False):
        assert left == ["s0"], hint(
            "the flag was never set, but wait() returned or did not sleep",
            "标志从未设置，wait() 却返回了，或没有睡眠",
        )


@goal(
    points=25,
    zh="互斥锁：任何中断顺序下只有一个持有者，最终人人都轮到。",
    after="no_wake_up_is_lost",
)
def one_at_a_time(run: Run) -> None:
    """Mutex: whenever interrupts come, one task at a time has it, and in the end all had."""
    for count, rounds in ((2, 2), (3, 1)):
        for log, left, endless in run(compete, count, rounds):
            inside = ""
            for line in log:
                word, name = line.split()
                assert word == "out" or not inside, hint(
                    f"{inside} has the lock, and {name} has it as well",
                    f"{inside} 持有锁，{name} 也持有了它",
                )
                inside = name if word == "in" else ""
            assert not endless, hint(
                "a task that waits for the lock keeps the CPU busy", "等待锁的任务一直占用 CPU"
            )
            assert not left and len(log) == 2 * count * rounds, hint(
                f"{' and '.join(left) or 'nobody'} sleeps for ever, after: {', '.join(log)}",
                f"{'、'.join(left) or '没有任务'} 永远睡眠，此前：{', '.join(log)}",
            )


def _graphs(run: Run) -> list[tuple[str, str, dict[str, list[str] | None], set[str], set[str]]]:
    names = run.random.sample([f"t{n}" for n in range(30)], 7)
    a, b, c, d, e, f, g = names
    return [
        ("nobody waits", "没有任务等待", {a: None, b: None}, set(), set()),
        ("two wait for each other", "两个任务互相等待", {a: [b], b: [a], c: None}, {a, b}, set()),
        (
            "a cycle of three, two that wait for it, one that does not",
            "三个任务成环，两个等待它们，一个无关",
            {a: [b], b: [c], c: [a], d: [a], e: [d], f: None},
            {a, b, c},
            {d, e},
        ),
        (
            "a cycle of which one can also be woken by a task that runs",
            "环中有一个任务还可由正在运行的任务唤醒",
            {a: [b], b: [a, c], c: None, d: [a]},
            set(),
            set(),
        ),
        (
            "two cycles, one waits for the other",
            "两个环，其中一个等待另一个",
            {a: [b], b: [a, c], c: [d], d: [c], e: None},
            {c, d},
            {a, b},
        ),
        ("a task that waits for itself", "任务等待自己", {g: [g], f: [g]}, {g}, {f}),
        ("a task that nobody can wake", "谁也无法唤醒的任务", {a: [], b: [a]}, {a}, {b}),
    ]


@goal(points=25, zh="deadlocks：在等待图中区分死锁者与受害者。")
def found_in_the_graph(run: Run) -> None:
    """deadlocks: who is deadlocked, and who is their victim, is found in the wait graph."""
    graphs = _graphs(run)
    answers = run(find, [graph for _, _, graph, _, _ in graphs])
    for (en, zh, graph, core, victims), got in zip(graphs, answers, strict=True):
        assert [set(part) for part in got] == [core, victims], hint(
            f"{en}, {graph}: you say deadlocked {got[0]}, victims {got[1]}",
            f"{zh}，{graph}：你的回答是死锁 {got[0]}，受害者 {got[1]}",
        )


@goal(points=25, zh="bank.c：三个职员总能下班，一分钱不少。")
def the_clerks_go_home(run: Run) -> None:
    """bank.c: all three clerks come to an end, and no money is missing."""
    rounds = run.random.randrange(20, 60)
    found = run(run_bank, run.build("bank.c"), rounds)
    assert "status" in found, hint(
        "the program never ended: run it in the debugger, stop it (^C), and look at `info waits`",
        "程序没有结束：在调试器中运行它，用 ^C 停住，再看 `info waits`",
    )
    # Clerk n moves n + 1 from account n to the next, each round.
    want = [1000 + rounds * change for change in (2, -1, -1)]
    lines = found["output"].decode(errors="replace").split()
    got = [word for word in lines if word.lstrip("-").isdigit()]
    assert got == list(map(str, want)), hint(
        f"after {rounds} rounds the balances are {want}; the program printed {got}",
        f"{rounds} 轮之后余额应为 {want}；程序打印了 {got}",
    )
