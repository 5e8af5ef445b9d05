"""Goals of lab 17."""

from __future__ import annotations

from typing import Any

from starrylab.abi.errno import EINVAL
from starrylab.debug.leaks.tracker import Tracker
from starrylab.labs.api import Run, goal, hint, scenario, with_name
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import attach
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

_CWD = (1 << 64) - 100
_KEPT = 8
_WATCHED = {"frame": "USER frames", "process": "process", "timer": "timer"}


@scenario
def ask_found(student: Student) -> dict[str, list[str]]:
    """Return what the student found."""
    return {kind: list(answer) for kind, answer in student.get("FOUND").items()}


@scenario
def perform(student: Student, steps: list[tuple[str, Any]]) -> list[Any]:
    """Do what the list says: write or child TEXT, read or report SIZE, minutes N, count."""
    bench = ScriptedBench()
    attach(bench.kernel, student)
    tracker = Tracker(bench.kernel)
    found: list[Any] = []

    def write(m: ScriptedContext, text: bytes) -> Any:
        m.string(m.scratch, b"/dev/note")
        fd = yield m.call("openat", _CWD, m.scratch, 1, 0)
        m.store(m.scratch + 8192, text)
        result = yield m.call("write", fd, m.scratch + 8192, len(text))
        yield m.call("close", fd)
        return result

    def read(m: ScriptedContext, path: bytes, size: int) -> Any:
        m.string(m.scratch, path)
        fd = yield m.call("openat", _CWD, m.scratch, 0, 0)
        got = yield m.call("read", fd, m.scratch + 8192, size)
        yield m.call("close", fd)
        return m.load(m.scratch + 8192, got) if got >= 0 else got

    def writer(text: bytes) -> Any:
        def child(m: ScriptedContext) -> Program:
            yield from write(m, text)
            yield m.call("exit_group", 0)

        return child

    def step(m: ScriptedContext, what: str, more: Any) -> Any:
        if what == "write":
            return (yield from write(m, more))
        if what == "read":
            return (yield from read(m, b"/dev/note", more))
        if what == "report":
            return (yield from read(m, b"/proc/note", more))
        if what == "child":
            pid = yield m.fork(writer(more))
            yield m.call("wait4", pid, 0, 0, 0)
            return pid
        if what == "minutes":
            m.store(m.scratch, (60 * more).to_bytes(8, "little") + bytes(8))
            return (yield m.call("nanosleep", m.scratch, 0))
        counts = tracker.stamp().amounts
        return {kind: counts.get(name, (0, 0))[0] for kind, name in _WATCHED.items()}

    def program(m: ScriptedContext) -> Program:
        for what, more in steps:
            found.append((yield from step(m, what, more)))
        yield m.call("exit_group", 0)

    bench.run(program)
    return found


def _text(run: Run) -> bytes:
    return b"note %d " % run.random.randrange(10**9) * run.random.randrange(1, 60)


def _do(run: Run, steps: list[tuple[str, Any]]) -> list[Any]:
    found: list[Any] = run(perform, steps)
    return found


def _same(got: Any, want: bytes, en: str, zh: str) -> None:
    assert got == want, hint(
        f"{en}: {want[:40]!r} is due, {got!r:.60} came",
        f"{zh}：应为 {want[:40]!r}，得到 {got!r:.60}",
    )


@goal(points=10, zh="三处泄漏：各随什么增长，由谁持有。")
def told_apart(run: Run) -> None:
    """The three leaks are told apart: what each grows with, and who holds it."""
    right = {
        "frame": ["write", "nobody"],
        "process": ["process", "device"],
        "timer": ["read", "executor"],
    }
    found = run(ask_found)
    for kind, answer in right.items():
        said = found.get(kind, [])
        assert len(said) == 2, hint(
            f'FOUND["{kind}"] is a pair: what it grows with, and who holds it',
            f'FOUND["{kind}"] 应为一对：随什么增长、由谁持有',
        )
        grows, holder = said
        assert grows == answer[0], hint(
            f"{kind}: it does not grow with {grows!r}; run starrylab leaks with more of one thing",
            f"{kind}：它不是随 {grows!r} 增长；请用只多一件事的命令运行 starrylab leaks",
        )
        assert holder == answer[1], hint(
            f"{kind}: {holder!r} does not hold it; starrylab leaks shows the way to it",
            f"{kind}：持有者不是 {holder!r}；starrylab leaks 会显示到它的路径",
        )


@goal(points=30, zh="页帧：替换或遗忘便条后不再占用旧页帧。")
def no_frame_stays(run: Run) -> None:
    """A note that is replaced or forgotten leaves no frame behind."""
    texts = [_text(run) for _ in range(run.random.randrange(5, 20))]
    # The program's own pages, which it gets as it touches them, come before the first count.
    warm: list[tuple[str, Any]] = [("write", texts[0]), ("read", 4096), ("minutes", 61)]
    steps = [*warm, ("count", 0), ("write", texts[0]), ("count", 0)]
    steps += [("write", text) for text in texts[1:]]
    steps += [("count", 0), ("read", 4096), ("minutes", 61), ("read", 4096), ("count", 0)]
    found = _do(run, steps)
    empty, one, many, last = (entry["frame"] for entry in found if isinstance(entry, dict))
    _same(found[-4], texts[-1], "the last note is read", "读取最后一张便条")
    _same(found[-2], b"", "an hour later it is forgotten", "一小时后便条被遗忘")
    assert one == empty + 1, hint(
        f"one note took {one - empty} frames: it has to be in one",
        f"一张便条占用了 {one - empty} 个页帧，应为一个",
    )
    assert many == one, hint(
        f"{len(texts) - 1} more writes left {many - one} more frames",
        f"再写 {len(texts) - 1} 次后多出 {many - one} 个页帧",
    )
    assert last == empty, hint(
        f"the note is forgotten, and {last - empty} frame is still there",
        f"便条已被遗忘，仍有 {last - empty} 个页帧未释放",
    )
    page = run.random.randbytes(4096)
    full, _, larger, after = _do(
        run, [("write", page), ("read", 4096), ("write", page + b"!"), ("read", 4096)]
    )
    assert (full, larger) == (4096, -EINVAL.errno), hint(
        f"a page is a note, a byte more is EINVAL; writes of 4096 and 4097 bytes gave {with_name(full)} and {with_name(larger)}",
        f"便条可达一页，多一个字节则为 EINVAL；写入 4096 和 4097 字节分别得到 {with_name(full)} 和 {with_name(larger)}",
    )
    _same(after, page, "what is refused replaces nothing", "被拒绝的写入不替换任何内容")


@goal(points=30, zh="进程：写过便条的进程结束后不再被持有，/proc/note 仍列出最后八个。")
def no_process_stays(run: Run) -> None:
    """A process that wrote and ended is held by nobody; /proc/note tells of the last eight."""
    children = run.random.randrange(12, 20)
    steps: list[tuple[str, Any]] = [("count", 0), *[("child", _text(run))] * children]
    found = _do(run, [*steps, ("count", 0), ("report", 4096)])
    before, after = (entry["process"] for entry in found if isinstance(entry, dict))
    assert after == before, hint(
        f"{children} processes wrote and ended; {after - before} are still in memory",
        f"{children} 个进程写入后结束；内存中仍有 {after - before} 个",
    )
    lines = found[-1].decode(errors="replace").splitlines() if isinstance(found[-1], bytes) else []
    pids = [line.partition(" ")[0] for line in lines]
    want = [str(pid) for pid in found[1 : children + 1][-_KEPT:]]
    assert pids == want, hint(
        f"/proc/note tells of {pids}; the last {_KEPT} writers were {want}",
        f"/proc/note 列出 {pids}；最后 {_KEPT} 个写者是 {want}",
    )


@goal(points=30, zh="定时器：至多一个，在最后一次读取一小时后遗忘便条。")
def one_timer(run: Run) -> None:
    """There is one timer at most, and the hour begins anew with each read."""
    text = _text(run)
    reads = run.random.randrange(5, 20)
    steps: list[tuple[str, Any]] = [("write", text), ("count", 0), *[("read", 4096)] * reads]
    steps += [("count", 0), ("minutes", 40), ("read", 4096), ("minutes", 40), ("read", 4096)]
    found = _do(run, [*steps, ("minutes", 61), ("read", 4096), ("count", 0)])
    before, after, last = (entry["timer"] for entry in found if isinstance(entry, dict))
    assert after - before <= 1, hint(
        f"{reads} reads left {after - before} timers",
        f"{reads} 次读取留下了 {after - before} 个定时器",
    )
    _same(
        found[-4], text, "40 minutes after a read the note is still there", "读取 40 分钟后便条仍在"
    )
    _same(
        found[-2],
        b"",
        "61 minutes after the last read it is not",
        "最后一次读取 61 分钟后便条不在了",
    )
    assert last <= before, hint("a timer is left when the note is gone", "便条已不在，定时器仍在")
