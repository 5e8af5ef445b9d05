"""Goals of lab 12."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from starrylab.labs.api import Run, goal, hint, scenario, with_name
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import student_calls
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ProgramFunction, ScriptedContext

_ECHILD, _EPERM, _ESRCH, _EINVAL, _EACCES = -10, -1, -3, -22, -13
_SIGKILL, _SIGSTOP, _SIGCONT = 9, 19, 18
_WNOHANG, _WUNTRACED, _WCONTINUED = 1, 2, 8
_NOW, _FOREVER = 20_000_000, 3600 * 10**9


def _bench(student: Student, *numbers: int) -> ScriptedBench:
    """Return a machine with some of the student's calls: the others may not be written yet."""
    bench = ScriptedBench()
    calls = student_calls(student.module())
    for number in numbers:
        bench.kernel.calls.add(number, calls[number])
    return bench


def _run(bench: ScriptedBench, program: ProgramFunction, seen: dict[str, Any]) -> dict[str, Any]:
    """Run a program; note in ``seen`` how the machine ended."""
    bench.start(program)
    stop = bench.kernel.executor.call_at(bench.door.now + 60 * 10**9, bench.kernel.executor.stop)
    bench.kernel.executor.run()
    stop.cancel()
    missing = re.search(r"NotImplementedError: (\w+)", bench.kernel.panic_text or "")
    if missing is not None:
        raise NotImplementedError(missing[1])
    seen["panic"] = bench.kernel.panic_text or ""
    seen["ended"] = bench.kernel.exit_status is not None
    seen["status"] = bench.kernel.exit_status or 0
    return seen


def _sleep(m: ScriptedContext, ns: int) -> Any:
    seconds, rest = divmod(ns, 10**9)
    m.store(m.scratch + 64, seconds.to_bytes(8, "little") + rest.to_bytes(8, "little"))
    yield m.call("nanosleep", m.scratch + 64, 0)


def _wait(m: ScriptedContext, pid: int, options: int = 0) -> Any:
    """Wait; return pid and status."""
    m.store(m.scratch, b"\xee" * 8)
    found = yield m.call("wait4", pid, m.scratch, options, 0)
    return [found, int.from_bytes(m.load(m.scratch, 4), "little")]


def _ends(code: int, group: bool = False, after: int = 0) -> ProgramFunction:
    def program(m: ScriptedContext) -> Program:
        if group:
            yield m.call("setpgid", 0, 0)
        if after:
            yield from _sleep(m, after)
        yield m.call("exit_group", code)

    return program


@scenario
def bury(student: Student, codes: list[int], groups: list[bool], whom: list[Any]) -> dict[str, Any]:
    """Let children end, then wait for them in the order of ``whom``: a selector each."""
    bench = _bench(student, 260)
    seen: dict[str, Any] = {"waits": [], "zombies": []}

    def program(m: ScriptedContext) -> Program:
        pids = []
        for code, group in zip(codes, groups, strict=True):
            pids.append((yield m.fork(_ends(code, group))))
        yield from _sleep(m, _NOW)
        seen["pids"] = pids
        for kind, number in whom:
            pid = {"child": pids[number], "group": -pids[number]}.get(kind, number)
            seen["waits"].append((yield from _wait(m, pid)))
            seen["zombies"].append(sum(p.zombie for p in bench.kernel.processes.values()))
        seen["nothing"] = yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    return _run(bench, program, seen)


@scenario
def watch(student: Student, code: int) -> dict[str, Any]:
    """Stop, continue and kill a child, and ask after each; let another one be waited for."""
    bench = _bench(student, 260)
    seen: dict[str, Any] = {"waits": []}

    def program(m: ScriptedContext) -> Program:
        waits = seen["waits"]
        pid = yield m.fork(_ends(0, after=_FOREVER))
        seen["pid"] = pid
        every = _WUNTRACED | _WCONTINUED
        waits.append((yield from _wait(m, pid, _WNOHANG | every)))
        yield m.call("kill", pid, _SIGSTOP)
        yield from _sleep(m, _NOW)
        waits.append((yield from _wait(m, pid, _WNOHANG)))
        waits.append((yield from _wait(m, pid, every)))
        waits.append((yield from _wait(m, pid, _WNOHANG | every)))
        yield m.call("kill", pid, _SIGCONT)
        yield from _sleep(m, _NOW)
        waits.append((yield from _wait(m, pid, _WNOHANG | _WUNTRACED)))
        waits.append((yield from _wait(m, pid, every)))
        yield m.call("kill", pid, _SIGKILL)
        waits.append((yield from _wait(m, pid, every)))
        before = bench.door.now
        pid = yield m.fork(_ends(code, after=500_000_000))
        seen["late"] = [pid, *(yield from _wait(m, -1))]
        seen["slept"] = (bench.door.now - before) // 1_000_000
        seen["bad"] = yield m.call("wait4", -1, 0, 0x40, 0)
        yield m.call("exit_group", 0)

    return _run(bench, program, seen)


@scenario
def be_first(student: Student, code: int, orphans: int, killed: bool) -> dict[str, Any]:
    """Run the student's init over a child that leaves orphans behind."""
    bench = ScriptedBench()
    init = student.get("init")
    seen: dict[str, Any] = {"zombies": []}

    def child(m: ScriptedContext) -> Program:
        for number in range(orphans):
            yield m.fork(_ends(90 + number, after=(number + 1) * 300_000_000))
        if killed:
            yield m.call("kill", (yield m.call("getpid")), _SIGKILL)
        yield m.call("exit_group", code)

    def look() -> None:
        seen["zombies"].append(sum(p.zombie for p in bench.kernel.processes.values()))
        bench.kernel.executor.call_at(bench.door.now + 250_000_000, look)

    bench.kernel.executor.call_at(bench.door.now + 200_000_000, look)
    seen["start"] = bench.door.now
    _run(bench, lambda m: init(m, child), seen)
    seen["took"] = (bench.door.now - seen.pop("start")) // 1_000_000
    seen["zombies"] = seen["zombies"][: orphans + 1]
    return seen


@scenario
def move(student: Student) -> dict[str, Any]:
    """Call setpgid in every way."""
    bench = _bench(student, 154)
    seen: dict[str, Any] = {}
    processes = bench.kernel.processes

    def worker(m: ScriptedContext) -> Program:
        pid = yield m.call("getpid")
        seen["own"] = [(yield m.call("setpgid", 0, 0)), processes[pid].group.pgid - pid]
        first = yield m.fork(_ends(0, after=_FOREVER))
        second = yield m.fork(_ends(0, after=_FOREVER))
        seen["child"] = [(yield m.call("setpgid", first, 0)), processes[first].group.pgid - first]
        seen["join"] = [
            (yield m.call("setpgid", second, first)),
            processes[second].group.pgid - first,
        ]
        seen["members"] = len(processes[first].group.processes())
        seen["nowhere"] = yield m.call("setpgid", second, 9999)
        seen["stranger"] = yield m.call("setpgid", 1, pid)
        seen["negative"] = yield m.call("setpgid", 0, -5)
        processes[second].execed = True
        seen["execed"] = yield m.call("setpgid", second, second)
        third = yield m.fork(leader)
        yield from _sleep(m, _NOW)
        seen["foreign"] = yield m.call("setpgid", third, pid)
        seen["back"] = [(yield m.call("setpgid", first, pid)), processes[first].group.pgid - pid]
        yield m.call("kill", first, _SIGKILL)
        yield m.call("kill", second, _SIGKILL)
        yield m.call("kill", third, _SIGKILL)
        yield m.call("exit_group", 0)

    def leader(m: ScriptedContext) -> Program:
        yield m.call("setsid")
        seen["leader"] = yield m.call("setpgid", 0, 0)
        yield from _sleep(m, _FOREVER)
        yield m.call("exit_group", 0)

    def program(m: ScriptedContext) -> Program:
        pid = yield m.fork(worker)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    return _run(bench, program, seen)


@scenario
def ask_orphaned(student: Student) -> dict[str, Any]:
    """Ask about the group of a job while its shell lives, and when it is gone."""
    bench = ScriptedBench()
    orphaned = student.get("orphaned")
    seen: dict[str, Any] = {}
    pids: dict[str, int] = {}

    def ask(when: str, name: str) -> None:
        process = bench.kernel.processes[pids[name]]
        with contextlib.suppress(KeyError):
            seen[when] = bool(orphaned(process.group))

    def shell(m: ScriptedContext) -> Program:
        yield m.call("setsid")
        for name in ("job", "helper", "ended"):
            pids[name] = yield m.fork(_ends(0, after=0 if name == "ended" else _FOREVER))
            yield m.call("setpgid", pids[name], pids["job"] if name == "helper" else pids[name])
        yield from _sleep(m, _NOW)
        ask("a job of a shell", "job")
        ask("a job of which only a zombie is left", "ended")
        pids["shell"] = yield m.call("getpid")
        ask("the shell's own group, whose parent is in another session", "shell")
        yield m.call("exit_group", 0)

    def program(m: ScriptedContext) -> Program:
        pid = yield m.fork(shell)
        yield m.call("wait4", pid, 0, 0, 0)
        ask("a job whose shell has ended", "job")
        yield m.call("exit_group", 0)

    return _run(bench, program, seen)


def _sound(found: dict[str, Any]) -> None:
    last = found["panic"].strip().rpartition("\n")[2]
    assert not found["panic"], hint(f"the kernel panicked: {last}", f"内核 panic：{last}")
    assert found["ended"], hint(
        "the first process never ended: a wait that nothing ends?",
        "第一个进程没有结束：某个等待永远不返回？",
    )


@goal(points=25, zh="wait4：按 pid、进程组或任意子进程等待；取走后僵尸消失。")
def the_dead_are_buried(run: Run) -> None:
    """wait4: for one child, a group, or any; with its status, and then the zombie is gone."""
    codes = run.random.sample(range(1, 200), 5)
    groups = [False, True, False, False, True]
    # The last one left is in a group of its own: -1 is any child, and not group 1.
    whom = [["child", 2], ["group", 1], ["any", 0], ["any", 0], ["any", -1], ["child", 2]]
    found = run(bury, codes, groups, whom)
    _sound(found)
    pids = found["pids"]
    expected = [2, 1, (0, 3), (0, 3), 4]
    for (kind, number), (pid, status), right in zip(whom, found["waits"], expected, strict=False):
        rights = right if isinstance(right, tuple) else (right,)
        said = f"wait4({ {'child': pids[number], 'group': -pids[number]}.get(kind, number) })"
        assert pid in [pids[index] for index in rights], hint(
            f"{said} answered {with_name(pid)}; the children are {pids}, {pids[1]} and {pids[4]} "
            "in groups of their own",
            f"{said} 返回 {with_name(pid)}；子进程为 {pids}，其中 {pids[1]} 和 {pids[4]} 各自成组",
        )
        want = codes[pids.index(pid)] << 8
        assert status == want, hint(
            f"the child ended with {want >> 8}: its status word is {want:#x}, you stored {status:#x}",
            f"子进程以 {want >> 8} 结束：状态字应为 {want:#x}，你写入了 {status:#x}",
        )
    assert found["zombies"][:5] == [4, 3, 2, 1, 0], hint(
        f"five children ended; after each wait there were {found['zombies'][:5]} zombies",
        f"五个子进程已结束；每次等待之后剩余僵尸数为 {found['zombies'][:5]}",
    )
    assert found["waits"][5][0] == _ECHILD and found["nothing"] == _ECHILD, hint(
        f"without a child to wait for ECHILD (-10) is due; you answered {found['waits'][5][0]} "
        f"and {found['nothing']}",
        f"没有可等待的子进程时应返回 ECHILD（-10）；你返回了 {found['waits'][5][0]} 和 {found['nothing']}",
    )


@goal(points=20, zh="wait4：会睡眠；WNOHANG；停止与继续各报告一次。", after="the_dead_are_buried")
def changes_are_reported_once(run: Run) -> None:
    """wait4 sleeps until there is news, or not with WNOHANG; a stop and a continuation are told once."""
    code = run.random.randrange(1, 200)
    found = run(watch, code)
    _sound(found)
    pid = found["pid"]
    unset = 0xEEEEEEEE
    steps = [
        ("nothing happened, WNOHANG", "没有变化，WNOHANG", [0, unset]),
        ("it stopped, but WUNTRACED was not asked for", "已停止，但没有要求 WUNTRACED", [0, unset]),
        ("it stopped", "已停止", [pid, _SIGSTOP << 8 | 0x7F]),
        ("the stop was told already", "停止已报告过", [0, unset]),
        (
            "it continued, but WCONTINUED was not asked for",
            "已继续，但没有要求 WCONTINUED",
            [0, unset],
        ),
        ("it continued", "已继续", [pid, 0xFFFF]),
        ("it was killed", "被杀死", [pid, _SIGKILL]),
    ]
    for (en, zh, want), got in zip(steps, found["waits"], strict=True):
        assert got == want, hint(
            f"{en}: {want[0]} and status {want[1]:#x} are right, you gave {got[0]} and {got[1]:#x}"
            f" ({unset:#x}: nothing was written there)",
            f"{zh}：应为 {want[0]} 和状态 {want[1]:#x}，你给出了 {got[0]} 和 {got[1]:#x}"
            f"（{unset:#x} 表示没有写入）",
        )
    late = found["late"]
    assert late == [late[0], late[0], code << 8] and found["slept"] >= 450, hint(
        f"a child ended after 500 ms; the wait returned {late[1]} after {found['slept']} ms",
        f"子进程 500 ms 后结束；等待在 {found['slept']} ms 后返回 {late[1]}",
    )
    assert found["bad"] == _EINVAL, hint(
        "options that nobody knows are EINVAL", "未知的选项应返回 EINVAL"
    )


@goal(points=20, zh="setpgid：建立、加入进程组，以及每一种被拒绝的情况。")
def groups_are_made(run: Run) -> None:
    """setpgid makes groups and joins them, and refuses what job control must not do."""
    found = run(move)
    right = [
        ("own", [0, 0], "a group of one's own", "建立自己的组"),
        ("child", [0, 0], "a group for a child", "为子进程建立组"),
        ("join", [0, 0], "a child joins the group of its sibling", "子进程加入兄弟的组"),
        ("members", 2, "members of that group", "该组的成员数"),
        ("back", [0, 0], "a child comes back into our own group", "子进程回到我们自己的组"),
        ("nowhere", _EPERM, "a group that does not exist", "不存在的组"),
        ("stranger", _ESRCH, "a process that is no child", "不是子进程的进程"),
        ("negative", _EINVAL, "a negative group", "负的组号"),
        ("execed", _EACCES, "a child that has called execve", "已调用 execve 的子进程"),
        ("foreign", _EPERM, "a child in another session", "其他会话中的子进程"),
        ("leader", _EPERM, "a session leader", "会话首进程"),
    ]
    for name, want, en, zh in right:
        got = found.get(name)
        assert got == want, hint(
            f"{en}: {with_name(want)} is right, you gave {with_name(got)}",
            f"{zh}：应为 {with_name(want)}，得到 {with_name(got)}",
        )
    _sound(found)


@goal(points=15, zh="orphaned：识别没有人能继续的进程组。")
def orphaned_groups(run: Run) -> None:
    """orphaned: a group that nobody of its session could continue is recognized."""
    found = run(ask_orphaned)
    right = {
        "a job of a shell": (False, "shell 的作业"),
        "a job of which only a zombie is left": (True, "只剩僵尸的作业"),
        "the shell's own group, whose parent is in another session": (
            True,
            "shell 自己的组，其父进程在另一会话",
        ),
        "a job whose shell has ended": (True, "shell 已结束的作业"),
    }
    for when, (want, zh) in right.items():
        assert found.get(when) == want, hint(
            f"{when}: orphaned is {want}, you say {found.get(when)}",
            f"{zh}：orphaned 应为 {want}，你的回答是 {found.get(when)}",
        )


@goal(points=20, zh="init：回收所有孤儿进程，最后以第一个子进程的结果结束。")
def the_first_process(run: Run) -> None:
    """init buries orphans as they end, waits for the last, and ends as its own child did."""
    code, orphans = run.random.randrange(1, 100), run.random.randrange(2, 5)
    for killed in (False, True):
        found = run(be_first, code, orphans, killed)
        _sound(found)
        assert found["took"] >= orphans * 300 - 50, hint(
            f"init ended after {found['took']} ms, when orphans still lived",
            f"init 在 {found['took']} ms 后结束，此时仍有孤儿存活",
        )
        assert max(found["zombies"], default=0) == 0, hint(
            f"there were {max(found['zombies'])} zombies while init lived: it must wait for all",
            f"init 运行期间有 {max(found['zombies'])} 个僵尸：它必须等待所有进程",
        )
        want = 128 + _SIGKILL if killed else code
        got = found["status"] >> 8
        assert got == want, hint(
            f"the child ended {'by SIGKILL' if killed else f'with {code}'}: {want} is due as in a "
            f"shell, init ended with {got}",
            f"子进程{'被 SIGKILL 终止' if killed else f'以 {code} 结束'}：应像 shell 一样为 {want}，init 以 {got} 结束",
        )
