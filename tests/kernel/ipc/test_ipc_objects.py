"""Queues and semaphores alone: a model of their values, memory, permissions, and a signal."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi import ipc
from starrylab.abi.errno import EACCES, EAGAIN, EEXIST, EIDRM, EINTR, EINVAL, ENOENT, ERANGE
from starrylab.kernel.ipc.messages import Letter, MessageQueue
from starrylab.kernel.ipc.mqueue import NamedQueue
from starrylab.kernel.ipc.objects import IpcTable
from starrylab.kernel.ipc.semaphores import SEMVMX, Operation, SemaphoreSet
from starrylab.kernel.task.cred import Credentials

ROOT, USER, OTHER = Credentials(), Credentials.user(1000, 1000), Credentials.user(2000, 2000)


class Heap:
    """Adds up what is charged."""

    used = 0

    def charge(self, size: int) -> None:
        self.used += size

    def discharge(self, size: int) -> None:
        self.used -= size


OPERATION = st.builds(
    Operation, st.integers(0, 2), st.integers(-3, 3), st.sampled_from([0, ipc.SEM_UNDO])
)


@settings(deadline=None)  # a busy host may pause
@given(st.lists(st.tuples(st.integers(1, 3), st.lists(OPERATION, min_size=1, max_size=3))))
def test_semaphores_never_lose_a_count(calls: list[tuple[int, list[Operation]]]) -> None:
    """Values are what the finished operations add up to; who waits cannot go on."""
    semaphores = SemaphoreSet(3, ROOT, 0o600, 0)
    begun = []
    for pid, operations in calls:
        begun.append((operations, semaphores.operate(operations, pid, 1)))
    done = [ops for ops, waiter in begun if waiter is None or waiter.done]
    for number in range(3):
        changes = sum(op.change for ops in done for op in ops if op.number == number)
        assert semaphores.values[number] == changes >= 0
    for waiter in semaphores.waiters:
        assert not waiter.done
        trial = SemaphoreSet(3, ROOT, 0o600, 0)
        trial.values = list(semaphores.values)
        assert trial.operate(waiter.operations, 9, 1) is not None
    if not semaphores.waiters:
        undone = {pid: dict(changes) for pid, changes in semaphores.undo.items()}
        expected = list(semaphores.values)
        for pid in (1, 2, 3):
            for number, change in undone.get(pid, {}).items():
                expected[number] = max(0, min(expected[number] + change, SEMVMX))
            semaphores.process_ended(pid, 1)
        assert semaphores.values == expected


def test_a_sum_out_of_range_changes_nothing() -> None:
    semaphores = SemaphoreSet(2, ROOT, 0o600, 0)
    with pytest.raises(ERANGE):
        semaphores.operate([Operation(0, 5, 0), Operation(1, 32767, 0), Operation(1, 1, 0)], 1, 1)
    assert semaphores.values == [0, 0]


def test_keys_identifiers_and_permissions() -> None:
    table: IpcTable[MessageQueue] = IpcTable()

    def get(key: int, flags: int, who: Credentials = USER) -> MessageQueue:
        return table.get(key, flags, who, lambda: MessageQueue(who, flags & 0o777, 0))

    with pytest.raises(ENOENT):
        get(7, 0o600)
    made = get(7, ipc.IPC_CREAT | 0o640)
    assert get(7, 0) is made
    assert get(ipc.IPC_PRIVATE, 0o600) is not get(ipc.IPC_PRIVATE, 0o600)
    with pytest.raises(EEXIST):
        get(7, ipc.IPC_CREAT | ipc.IPC_EXCL)
    with pytest.raises(EACCES):
        get(7, 0o400, OTHER)
    assert get(7, 0o600, ROOT) is made
    table.remove(made)
    with pytest.raises(EINVAL):
        table.find(made.id)
    assert get(7, ipc.IPC_CREAT | 0o600).id != made.id  # an old identifier finds nothing


def test_memory_is_charged_and_given_back() -> None:
    heap = Heap()
    table: IpcTable[MessageQueue] = IpcTable()
    queue = table.get(0, 0, ROOT, lambda: MessageQueue(ROOT, 0o600, 0, heap))
    queue.send(Letter(1, bytes(5000)), 1, 1)
    assert heap.used == 2 * 4096
    table.remove(queue)
    assert heap.used == 0
    with pytest.raises(EIDRM):
        queue.receive(0, 10, 0, 1, 1)
    named = NamedQueue(b"q", 10, 8192, 0o600, 0, 0, heap)
    named.users = 1
    named.send(bytes(8000), 3, 1, 0)
    assert heap.used == 2 * 4096
    named.name = None
    named.release()
    assert heap.used == 2 * 4096
    named.users = 0
    named.release()
    assert heap.used == 0


def test_the_most_urgent_message_comes_first_and_equals_in_their_order() -> None:
    queue = NamedQueue(b"q", 10, 100, 0o600, 0, 0)
    for text, priority in ((b"a", 1), (b"b", 5), (b"c", 1), (b"d", 5)):
        queue.send(text, priority, 1, 0)
    assert [queue.receive()[0] for _ in range(4)] == [b"b", b"d", b"a", b"c"]
    with pytest.raises(EAGAIN):
        queue.receive()


def test_a_signal_ends_the_wait_for_a_semaphore(lab) -> None:
    def program(m):
        semid = yield m.call("semget", 0, 1, 0o600)
        m.store(m.scratch, struct.pack("<Hhh", 0, -1, 0))
        m.store(m.scratch + 64, struct.pack("<QQQQ", 0x1000, 0, 0, 0))
        assert (yield m.call("rt_sigaction", 10, m.scratch + 64, 0, 8)) == 0
        me = yield m.call("getpid")

        def child(c):
            yield c.call("kill", me, 10)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        assert (yield m.call("semop", semid, m.scratch, 1)) == -EINTR.errno
        assert not lab.kernel.semaphores.find(semid).waiters
        yield m.call("exit_group", 0)

    lab.run(program)
