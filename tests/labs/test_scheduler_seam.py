"""A student's scheduler, put in at boot and changed while it runs."""

from __future__ import annotations

from starrylab.kernel.core.chosen_sched import ChosenExecutor
from starrylab.labs import catalog
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import SEAMS, bound
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext


def test_a_saved_scheduler_goes_on_with_the_same_queue() -> None:
    lab = next(lab for lab in catalog() if lab.name == "09-scheduling")
    student = Student(lab.solution, lab.description)
    bench = ScriptedBench(bound(student))
    executor = bench.kernel.executor
    assert isinstance(executor, ChosenExecutor)
    base = student.get("Fair")
    picks: list[str] = []

    class Saved(base):  # type: ignore[misc, valid-type]
        """What the student saved meanwhile."""

        def pick(self) -> object:
            """Note who is picked."""
            task = super().pick()
            picks.append("" if task is None else task.name)
            return task

    def child(m: ScriptedContext) -> Program:
        yield m.call("exit_group", 0)

    def program(m: ScriptedContext) -> Program:
        pid = yield m.fork(child)  # it is queued now, by the old class
        reload = SEAMS["Scheduler"].reload
        assert reload is not None
        reload(bench.kernel, Saved)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    assert all(result >= 0 for result in bench.run(program))
    assert picks[:2] == ["thread 2", "thread 1"]
