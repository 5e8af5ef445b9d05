"""Retention paths are true: read as Python, they lead from the holder to the object."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.debug.leaks.retention import Retention
from starrylab.kernel.dev.device import Device
from starrylab.kernel.files.eventfd import EventFd
from tests.kernel.conftest import ScriptedLab


class Keeper(Device):
    name, major, minor = b"keeper", 240, 0
    kept: Any = None


class Slotted:
    __slots__ = ("inner", "other")

    def __init__(self, inner: object) -> None:
        self.inner = inner


WRAPPERS = {
    "list": lambda thing: [0, thing],
    "tuple": lambda thing: ((), thing),
    "dict": lambda thing: {"a": 1, 7: thing},
    "named": lambda thing: {"name": thing},
    "deque": lambda thing: deque([1, 2, thing]),
    "slot": Slotted,
}
STEP = re.compile(r"\.(?P<attribute>\w+)|\[(?P<key>\w+)\]")


def follow(holder: Any, label: str) -> Any:
    """Go along a label such as ".kept[0].inner[name]"."""
    assert "".join(m[0] for m in STEP.finditer(label)) == label
    for step in STEP.finditer(label):
        if step["attribute"]:
            holder = getattr(holder, step["attribute"])
        else:
            key: Any = int(step["key"]) if step["key"].isdigit() else step["key"]
            holder = holder[key]
    return holder


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=6))
def test_a_path_leads_to_the_object(wrappers: list[str]) -> None:
    lab = ScriptedLab()
    keeper = Keeper()
    lab.kernel.devices.add(keeper)
    leaf = EventFd(0, 0)
    thing: Any = leaf
    for name in wrappers:
        thing = WRAPPERS[name](thing)
    keeper.kept = thing
    path = Retention(lab.kernel).path(leaf)
    assert path[-2].endswith("device keeper (240:0)")
    label, _, name = path[-1].partition(" ")
    assert name.startswith("eventfd")
    assert follow(keeper, label) is leaf


def test_weak_references_hold_nothing() -> None:
    import weakref

    lab = ScriptedLab()
    keeper = Keeper()
    lab.kernel.devices.add(keeper)
    file = EventFd(0, 0)
    keeper.kept = [weakref.ref(file), weakref.WeakSet([file])]
    retention = Retention(lab.kernel)
    assert not retention.reaches(file)
    assert retention.path(file) == ()
    assert retention.owner(file) == 0


def test_the_local_variable_of_a_waiting_call_is_named() -> None:
    lab = ScriptedLab()
    paths: list[tuple[str, ...]] = []

    def look() -> None:
        thread = lab.kernel.threads[1]
        (waiter,) = (w for queue in lab.kernel.futexes.queues.values() for w in queue)
        lab.kernel.futexes.queues.clear()
        paths.append(Retention(lab.kernel).path(waiter))
        lab.kernel.futexes.queues[waiter.key] = waiter.queue
        assert thread.pending is not None

    def program(m):
        m.store(m.scratch, bytes(8) + (10**6).to_bytes(8, "little") + bytes(4))
        lab.kernel.executor.call_at(lab.kernel.executor.now + 1000, look)
        yield m.call("futex", m.scratch + 16, 128, 0, m.scratch, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert "thread 1" in paths[0][0]
    assert re.search(r"\.pending in \w+\(\), local waiter futex entry of thread 1", paths[0][-1])


def test_the_owner_is_the_process_whose_descriptor_it_is() -> None:
    lab = ScriptedLab()
    owners: list[int] = []

    def child(m):
        fd = yield m.call("eventfd2", 0, 0)
        file = lab.kernel.threads[2].fds[fd]
        owners.append(Retention(lab.kernel).owner(file))
        yield m.call("exit_group", 0)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert owners == [2]
