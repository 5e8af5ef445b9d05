"""futex(2) on the scripted machine."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.errno import (
    EAGAIN,
    EDEADLK,
    EFAULT,
    EINTR,
    EINVAL,
    ENOSYS,
    EPERM,
    ESRCH,
    ETIMEDOUT,
)
from starrylab.abi.futex import (
    FUTEX_CLOCK_REALTIME,
    FUTEX_CMP_REQUEUE,
    FUTEX_FD,
    FUTEX_LOCK_PI,
    FUTEX_OP_ADD,
    FUTEX_OP_CMP_EQ,
    FUTEX_OP_CMP_GT,
    FUTEX_OWNER_DIED,
    FUTEX_PRIVATE_FLAG,
    FUTEX_REQUEUE,
    FUTEX_TRYLOCK_PI,
    FUTEX_UNLOCK_PI,
    FUTEX_WAIT,
    FUTEX_WAIT_BITSET,
    FUTEX_WAITERS,
    FUTEX_WAKE,
    FUTEX_WAKE_BITSET,
    FUTEX_WAKE_OP,
)
from starrylab.abi.mman import MAP_ANONYMOUS, MAP_SHARED
from starrylab.abi.sched import (
    CLONE_CHILD_CLEARTID,
    CLONE_FILES,
    CLONE_FS,
    CLONE_SIGHAND,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_VM,
)
from starrylab.abi.signal import SIGUSR1

THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
WAIT, WAKE = FUTEX_WAIT | FUTEX_PRIVATE_FLAG, FUTEX_WAKE | FUTEX_PRIVATE_FLAG
FOREVER = 0x7FFFFFFF
BAD = 0x7000_0000_0000


def word(m, addr):
    return struct.unpack("<I", m.load(addr, 4))[0]


def put(m, addr, value):
    m.store(addr, struct.pack("<I", value))


def timespec(m, addr, ns):
    m.store(addr, struct.pack("<qq", *divmod(ns, 10**9)))
    return addr


def sleepers(lab):
    return len(lab.kernel.futexes)


@pytest.mark.parametrize("private", [0, FUTEX_PRIVATE_FLAG])
def test_wait_and_wake(lab, private) -> None:
    seen = []

    def waiter(m):
        seen.append((yield m.call("futex", m.scratch, FUTEX_WAIT | private, 0, 0)))
        yield m.call("exit", 0)

    def program(m):
        put(m, m.scratch, 0)
        for _ in range(3):
            yield m.clone(waiter, THREAD, 0, 0, 0, 0)
        while sleepers(lab) < 3:
            yield m.call("sched_yield")
        assert (yield m.call("futex", m.scratch, FUTEX_WAKE | private, 2)) == 2
        for _ in range(5):
            yield m.call("sched_yield")
        assert len(seen) == 2
        assert (yield m.call("futex", m.scratch, FUTEX_WAKE | private, FOREVER)) == 1
        assert (yield m.call("futex", m.scratch, FUTEX_WAKE | private, FOREVER)) == 0
        for _ in range(5):
            yield m.call("sched_yield")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [0, 0, 0]
    assert not lab.kernel.futexes.queues


def test_wait_looks_at_the_word_first(lab) -> None:
    def program(m):
        put(m, m.scratch, 5)
        assert (yield m.call("futex", m.scratch, WAIT, 4, 0)) == -EAGAIN.errno
        assert (yield m.call("futex", m.scratch + 2, WAIT, 5, 0)) == -EINVAL.errno
        assert (yield m.call("futex", m.scratch + 2, WAKE, 5, 0)) == -EINVAL.errno
        assert (yield m.call("futex", BAD, WAIT, 5, 0)) == -EFAULT.errno
        assert (yield m.call("futex", BAD, FUTEX_WAIT, 5, 0)) == -EFAULT.errno
        assert (yield m.call("futex", BAD, WAKE, 1)) == 0
        assert (yield m.call("futex", m.scratch, FUTEX_FD, 1)) == -ENOSYS.errno
        assert (yield m.call("futex", m.scratch, FUTEX_WAIT_BITSET, 5, 0, 0, 0)) == -EINVAL.errno
        wake = FUTEX_WAKE | FUTEX_CLOCK_REALTIME
        assert (yield m.call("futex", m.scratch, wake, 1)) == -ENOSYS.errno
        bad_time = timespec(m, m.scratch + 64, -1)
        assert (yield m.call("futex", m.scratch, WAIT, 5, bad_time)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert sleepers(lab) == 0


def test_timeouts(lab) -> None:
    def program(m):
        put(m, m.scratch, 0)
        start = lab.door.now
        time = timespec(m, m.scratch + 64, 5_000_000)
        assert (yield m.call("futex", m.scratch, WAIT, 0, time)) == -ETIMEDOUT.errno
        assert 5_000_000 <= lab.door.now - start < 6_000_000
        at = lab.door.now + 7_000_000
        time = timespec(m, m.scratch + 64, at)
        op = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG
        assert (yield m.call("futex", m.scratch, op, 0, time, 0, 1)) == -ETIMEDOUT.errno
        assert at <= lab.door.now < at + 1_000_000
        at = lab.kernel.clock.realtime() + 3_000_000
        time = timespec(m, m.scratch + 64, at)
        op |= FUTEX_CLOCK_REALTIME
        assert (yield m.call("futex", m.scratch, op, 0, time, 0, 1)) == -ETIMEDOUT.errno
        assert at <= lab.kernel.clock.realtime() < at + 1_000_000
        yield m.call("exit_group", 0)

    lab.run(program)
    assert sleepers(lab) == 0
    assert lab.exit_status == 0


def test_bitsets_choose_who_wakes(lab) -> None:
    seen = []

    def waiter(bits):
        def run(m):
            op = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG
            yield m.call("futex", m.scratch, op, 0, 0, 0, bits)
            seen.append(bits)
            yield m.call("exit", 0)

        return run

    def program(m):
        put(m, m.scratch, 0)
        for bits in (1, 2, 4):
            yield m.clone(waiter(bits), THREAD, 0, 0, 0, 0)
        while sleepers(lab) < 3:
            yield m.call("sched_yield")
        op = FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG
        assert (yield m.call("futex", m.scratch, op, FOREVER, 0, 0, 0)) == -EINVAL.errno
        assert (yield m.call("futex", m.scratch, op, FOREVER, 0, 0, 6)) == 2
        for _ in range(4):
            yield m.call("sched_yield")
        assert seen == [2, 4]
        yield m.call("exit_group", 0)

    lab.run(program)


def test_requeue_moves_waiters(lab) -> None:
    woken = []

    def waiter(index):
        def run(m):
            yield m.call("futex", m.scratch, WAIT, 0, 0)
            woken.append(index)
            yield m.call("exit", 0)

        return run

    def program(m):
        a, b = m.scratch, m.scratch + 4
        put(m, a, 0)
        put(m, b, 0)
        for index in range(4):
            yield m.clone(waiter(index), THREAD, 0, 0, 0, 0)
        while sleepers(lab) < 4:
            yield m.call("sched_yield")
        op = FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG
        assert (yield m.call("futex", a, op, 1, 2, b, 1)) == -EAGAIN.errno
        assert (yield m.call("futex", a, op, 1, -1, b, 0)) == -EINVAL.errno
        assert (yield m.call("futex", a, op, 1, 2, b, 0)) == 3
        assert (yield m.call("futex", a, WAKE, FOREVER)) == 1
        assert (yield m.call("futex", b, WAKE, FOREVER)) == 2
        op = FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG
        assert (yield m.call("futex", a, op, 1, 2, b)) == 0
        for _ in range(6):
            yield m.call("sched_yield")
        assert woken == [0, 3, 1, 2]
        yield m.call("exit_group", 0)

    lab.run(program)
    assert sleepers(lab) == 0


def test_wake_op(lab) -> None:
    def waiter(offset):
        def run(m):
            yield m.call("futex", m.scratch + offset, WAIT, 0, 0)
            yield m.call("exit", 0)

        return run

    def program(m):
        a, b = m.scratch, m.scratch + 4
        put(m, a, 0)
        put(m, b, 0)
        for offset in (0, 4, 4):
            yield m.clone(waiter(offset), THREAD, 0, 0, 0, 0)
        while sleepers(lab) < 3:
            yield m.call("sched_yield")
        op = FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG
        code = FUTEX_OP_ADD << 28 | FUTEX_OP_CMP_GT << 24 | 7 << 12 | 0
        assert (yield m.call("futex", a, op, 1, FOREVER, b, code)) == 1
        assert word(m, b) == 7
        code = FUTEX_OP_ADD << 28 | FUTEX_OP_CMP_EQ << 24 | 0xFFF << 12 | 7
        assert (yield m.call("futex", a, op, 1, FOREVER, b, code)) == 2
        assert word(m, b) == 6
        code = 7 << 28
        assert (yield m.call("futex", a, op, 1, FOREVER, b, code)) == -ENOSYS.errno
        assert (yield m.call("futex", a, op, 1, FOREVER, BAD, 0)) == -EFAULT.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_processes_meet_in_shared_memory(lab) -> None:
    seen = []

    def child(m):
        seen.append((yield m.call("futex", shared[0] + 8, FUTEX_WAIT, 0, 0)))
        seen.append((yield m.call("futex", m.scratch, WAIT, 0, timespec(m, m.scratch + 8, 1000))))
        yield m.call("exit_group", 0)

    shared = []

    def program(m):
        addr = yield m.call("mmap", 0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        shared.append(addr)
        put(m, m.scratch, 0)
        yield m.fork(child)
        while not sleepers(lab):
            yield m.call("sched_yield")
        assert (yield m.call("futex", addr + 8, WAKE, 1)) == 0  # private: not the same word
        assert (yield m.call("futex", addr + 8, FUTEX_WAKE, 1)) == 1
        while not sleepers(lab):
            yield m.call("sched_yield")
        assert (yield m.call("futex", m.scratch, WAKE, 1)) == 0  # another address space
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [0, -ETIMEDOUT.errno]


def test_a_signal_interrupts_and_a_timeout_is_not_prolonged(lab) -> None:
    handler_addr = 0x7700_0000
    caught, seen = [], []

    def handler(m):
        caught.append(m.argument)
        return
        yield

    def waiter(m):
        time = timespec(m, m.scratch + 64, 10**9)
        seen.append((yield m.call("futex", m.scratch, WAIT, 0, time)))
        yield m.call("exit", 0)

    def program(m):
        lab.hart.texts[handler_addr] = handler
        put(m, m.scratch, 0)
        m.store(m.scratch + 128, struct.pack("<QQQ", handler_addr, 0x10000000, 0))
        yield m.call("rt_sigaction", SIGUSR1, m.scratch + 128, 0, 8)
        tid = yield m.clone(waiter, THREAD, 0, 0, 0, 0)
        while not sleepers(lab):
            yield m.call("sched_yield")
        yield m.call("tgkill", 1, tid, SIGUSR1)
        for _ in range(4):
            yield m.call("sched_yield")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert caught == [SIGUSR1]
    assert seen == [-EINTR.errno]
    assert sleepers(lab) == 0


def test_pi_lock_is_handed_over(lab) -> None:
    order = []

    def other(m):
        tid = yield m.call("gettid")
        assert (yield m.call("futex", m.scratch, FUTEX_LOCK_PI, 0, 0)) == 0
        assert word(m, m.scratch) & 0x3FFFFFFF == tid
        order.append("other")
        assert (yield m.call("futex", m.scratch, FUTEX_UNLOCK_PI)) == 0
        yield m.call("exit", 0)

    def program(m):
        put(m, m.scratch, 0)
        assert (yield m.call("futex", m.scratch, FUTEX_UNLOCK_PI)) == -EPERM.errno
        assert (yield m.call("futex", m.scratch, FUTEX_LOCK_PI, 0, 0)) == 0
        assert word(m, m.scratch) == 1
        assert (yield m.call("futex", m.scratch, FUTEX_LOCK_PI, 0, 0)) == -EDEADLK.errno
        yield m.clone(other, THREAD, 0, 0, 0, 0)
        while not sleepers(lab):
            yield m.call("sched_yield")
        assert word(m, m.scratch) == 1 | FUTEX_WAITERS
        order.append("main")
        assert (yield m.call("futex", m.scratch, FUTEX_UNLOCK_PI)) == 0
        for _ in range(4):
            yield m.call("sched_yield")
        assert word(m, m.scratch) == 0
        put(m, m.scratch, 999)
        assert (yield m.call("futex", m.scratch, FUTEX_TRYLOCK_PI)) == -EAGAIN.errno
        assert (yield m.call("futex", m.scratch, FUTEX_LOCK_PI, 0, 0)) == -ESRCH.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert order == ["main", "other"]
    assert not lab.kernel.futexes.pi


def test_pi_lock_times_out_by_the_wall_clock(lab) -> None:
    def owner(m):
        yield m.call("futex", m.scratch, FUTEX_LOCK_PI, 0, 0)
        yield m.call("futex", m.scratch + 4, WAIT, 0, 0)
        yield m.call("exit", 0)

    def program(m):
        put(m, m.scratch, 0)
        put(m, m.scratch + 4, 0)
        yield m.clone(owner, THREAD, 0, 0, 0, 0)
        while not sleepers(lab):
            yield m.call("sched_yield")
        time = timespec(m, m.scratch + 64, lab.kernel.clock.realtime() + 1000)
        assert (yield m.call("futex", m.scratch, FUTEX_LOCK_PI, 0, time)) == -ETIMEDOUT.errno
        assert not word(m, m.scratch) & FUTEX_WAITERS
        yield m.call("exit_group", 0)

    lab.run(program)
    assert not lab.kernel.futexes.pi


def test_robust_list_marks_what_the_dead_held(lab) -> None:
    seen = []

    def owner(m):
        head, node, lock = m.scratch + 256, m.scratch + 512, m.scratch + 512 + 32
        tid = yield m.call("gettid")
        put(m, lock, tid | FUTEX_WAITERS)
        m.store(node, struct.pack("<Q", head))
        m.store(head, struct.pack("<Qqq", node, 32, 0))
        assert (yield m.call("set_robust_list", head, 23)) == -EINVAL.errno
        assert (yield m.call("set_robust_list", head, 24)) == 0
        yield m.call("get_robust_list", 0, m.scratch + 1024, m.scratch + 1032)
        assert m.load(m.scratch + 1024, 16) == struct.pack("<QQ", head, 24)
        yield m.call("sched_yield")
        while not sleepers(lab):
            yield m.call("sched_yield")
        yield m.call("exit", 0)

    def program(m):
        lock = m.scratch + 512 + 32
        put(m, lock, 0)
        yield m.clone(owner, THREAD, 0, 0, 0, 0)
        while not word(m, lock):
            yield m.call("sched_yield")
        seen.append((yield m.call("futex", lock, FUTEX_WAIT, word(m, lock), 0)))
        seen.append(word(m, lock))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [0, FUTEX_WAITERS | FUTEX_OWNER_DIED]


def test_a_circular_robust_list_ends(lab) -> None:
    def owner(m):
        head, node = m.scratch + 256, m.scratch + 512
        m.store(node, struct.pack("<Q", node))
        m.store(head, struct.pack("<Qqq", node, 32, 0))
        yield m.call("set_robust_list", head, 24)
        yield m.call("exit", 0)

    def program(m):
        yield m.clone(owner, THREAD, 0, 0, 0, 0)
        for _ in range(4):
            yield m.call("sched_yield")
        yield m.call("set_robust_list", BAD, 24)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_join_by_the_cleared_tid(lab) -> None:
    def thread(m):
        yield m.call("sched_yield")
        yield m.call("exit", 0)

    def program(m):
        put(m, m.scratch, 77)
        yield m.clone(thread, THREAD | CLONE_CHILD_CLEARTID, 0, 0, 0, m.scratch)
        assert (yield m.call("futex", m.scratch, FUTEX_WAIT, 77, 0)) == 0
        assert word(m, m.scratch) == 0
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_waitv(lab) -> None:
    def waker(m):
        while sleepers(lab) < 2:
            yield m.call("sched_yield")
        yield m.call("futex", m.scratch + 4, WAKE, 1)
        yield m.call("exit", 0)

    def program(m):
        put(m, m.scratch, 0)
        put(m, m.scratch + 4, 1)
        entry = struct.Struct("<QQII")
        table = m.scratch + 256
        flags = 2 | FUTEX_PRIVATE_FLAG
        m.store(table, entry.pack(0, m.scratch, flags, 0) + entry.pack(1, m.scratch + 4, flags, 0))
        yield m.clone(waker, THREAD, 0, 0, 0, 0)
        assert (yield m.call("futex_waitv", table, 2, 0, 0, 0)) == 1
        assert sleepers(lab) == 0
        time = timespec(m, m.scratch + 64, lab.door.now + 1000)
        assert (yield m.call("futex_waitv", table, 2, 0, time, 1)) == -ETIMEDOUT.errno
        assert (yield m.call("futex_waitv", table, 0, 0, 0, 0)) == -EINVAL.errno
        m.store(table, entry.pack(5, m.scratch, flags, 0))
        assert (yield m.call("futex_waitv", table, 1, 0, 0, 0)) == -EAGAIN.errno
        m.store(table, entry.pack(0, m.scratch, 0, 0))
        assert (yield m.call("futex_waitv", table, 1, 0, 0, 0)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert sleepers(lab) == 0


def test_a_killed_waiter_leaves_its_queue(lab) -> None:
    def child(m):
        yield m.call("futex", m.scratch, WAIT, 0, 0)

    def program(m):
        put(m, m.scratch, 0)
        pid = yield m.fork(child)
        while not sleepers(lab):
            yield m.call("sched_yield")
        yield m.call("kill", pid, 9)
        yield m.call("wait4", -1, 0, 0, 0)
        assert sleepers(lab) == 0
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
