"""io_uring on the scripted machine: what threads and processes leave behind, and wild entries."""

from __future__ import annotations

import gc
import random
import struct

import pytest

from starrylab.abi import uring
from starrylab.abi.errno import BY_NUMBER, ECANCELED, EINVAL, EPERM
from starrylab.abi.poll import POLLIN
from starrylab.debug.waits import look, report
from starrylab.kernel.syscalls._uring.table import OPERATIONS
from starrylab.kernel.uring.request import Request
from starrylab.kernel.uring.ring import Ring

POLL_ADD, READ, NOP = uring.IORING_OP_POLL_ADD, uring.IORING_OP_READ, uring.IORING_OP_NOP
GETEVENTS = uring.IORING_ENTER_GETEVENTS


class Program:
    """A ring as a program has it mapped."""

    def __init__(self, m, fd: int, entries: int) -> None:
        self.m = m
        self.fd = fd
        self.entries = entries
        self.rings = self.sqes = 0

    def put(self, *fields: int) -> None:
        """Store the next entry: the fields of ``SQE``, 0 where they are missing."""
        m = self.m
        (tail,) = struct.unpack("<I", m.load(self.rings + 4, 4))
        slot = tail & (self.entries - 1)
        entry = list(fields) + [0] * (14 - len(fields))
        m.store(self.sqes + 64 * slot, uring.SQE.pack(*entry))
        m.store(self.rings + 4, struct.pack("<I", (tail + 1) & 0xFFFFFFFF))

    def results(self) -> list[tuple[int, int, int]]:
        """Take all completions."""
        m = self.m
        head, tail = struct.unpack("<II", m.load(self.rings + 8, 8))
        mask = 2 * self.entries - 1
        found = []
        while head != tail:
            found.append(uring.CQE.unpack(m.load(self.rings + 64 + 16 * (head & mask), 16)))
            head = (head + 1) & 0xFFFFFFFF
        m.store(self.rings + 8, struct.pack("<I", head))
        return found


def ring_of(m, entries: int = 8, flags: int = 0):
    """Make a ring without an array of indices, and map it."""
    flags |= uring.IORING_SETUP_NO_SQARRAY
    m.store(m.scratch, bytes(8) + struct.pack("<I", flags) + bytes(108))
    fd = yield m.call("io_uring_setup", entries, m.scratch)
    assert fd >= 0
    made = Program(m, fd, entries)
    made.rings = yield m.call("mmap", 0, 4096, 3, 1, fd, 0)
    made.sqes = yield m.call("mmap", 0, 4096, 3, 1, fd, uring.IORING_OFF_SQES)
    return made


def pipe_of(m):
    yield m.call("pipe2", m.scratch, 0)
    return struct.unpack("<ii", m.load(m.scratch, 8))


def objects(kind: type) -> int:
    gc.collect()
    return sum(type(thing) is kind for thing in gc.get_objects())


def test_nothing_is_left_when_a_process_ends(lab) -> None:
    before = objects(Request), objects(Ring)
    free: list[int] = []

    def program(m):
        def child(c):
            ring = yield from ring_of(c)
            reader, _ = yield from pipe_of(c)
            ring.put(READ, 0, 0, reader, 0, c.scratch, 8)
            ring.put(POLL_ADD, 0, 0, ring.fd, 0, 0, 0, POLLIN)
            ring.put(uring.IORING_OP_FUTEX_WAIT, 0, 0, 2, 0, c.scratch + 512, 0, 0, 0, 0, 0, 0, 1)
            assert (yield c.call("io_uring_enter", ring.fd, 3, 0, 0, 0, 0)) == 3
            yield c.call("exit_group", 0)

        for _ in range(2):
            yield m.fork(child)
            yield m.call("wait4", -1, 0, 0, 0)
            free.append(lab.kernel.frames.free_frames())
        yield m.call("exit_group", 0)

    lab.run(program)
    assert free[0] == free[1]
    assert len(lab.kernel.futexes) == 0
    assert (objects(Request), objects(Ring)) == before


def test_who_submitted_may_end_before_the_ring(lab) -> None:
    def program(m):
        ring = yield from ring_of(m)
        reader, writer = yield from pipe_of(m)

        def child(c):
            mine = Program(c, ring.fd, ring.entries)
            mine.rings, mine.sqes = ring.rings, ring.sqes
            mine.put(READ, 0, 0, reader, 0, c.scratch, 8, 0, 5)
            mine.put(uring.IORING_OP_TIMEOUT, 0, 0, -1, 0, 8, 1, 0, 6)
            assert (yield c.call("io_uring_enter", ring.fd, 2, 0, 0, 0, 0)) == 2
            yield c.call("exit_group", 0)

        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        assert [r[:2] for r in ring.results()] == [(6, -14)]
        # Whom the bytes were for has ended: they stay in the pipe.
        yield m.call("write", writer, m.scratch, 3)
        yield m.call("io_uring_enter", ring.fd, 0, 1, GETEVENTS, 0, 0)
        assert [r[:2] for r in ring.results()] == [(5, -ECANCELED.errno)]
        assert (yield m.call("read", reader, m.scratch, 8)) == 3
        yield m.call("exit_group", 0)

    lab.run(program)


def test_an_administrator_says_who_may_make_a_ring(lab) -> None:
    def program(m):
        at = m.scratch + 1024
        setting = yield m.call(
            "openat", -100, m.string(at, b"/proc/sys/kernel/io_uring_disabled"), 2, 0
        )
        made: list[int] = []
        for value in (b"0", b"1", b"2"):
            assert (yield m.call("pwrite64", setting, m.string(at, value), 1, 0)) == 1
            for uid in (1000, 0):
                yield m.call("setresuid", -1, uid, -1)
                m.store(m.scratch, bytes(120))
                fd = yield m.call("io_uring_setup", 4, m.scratch)
                made.append(min(fd, 0))
        assert made == [0, 0, -EPERM.errno, 0, -EPERM.errno, -EPERM.errno]
        assert (yield m.call("pwrite64", setting, m.string(at, b"3"), 1, 0)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_a_registered_buffer_is_the_memory_of_who_registered_it(lab) -> None:
    def program(m):
        ring = yield from ring_of(m)
        reader, writer = yield from pipe_of(m)
        buffer = m.scratch + 2048
        m.store(m.scratch, struct.pack("<QQ", buffer, 64))
        register = uring.IORING_REGISTER_BUFFERS
        assert (yield m.call("io_uring_register", ring.fd, register, m.scratch, 1)) == 0
        yield m.call("write", writer, m.string(m.scratch, b"hello"), 5)
        m.store(buffer, bytes(5))

        def child(c):
            mine = Program(c, ring.fd, ring.entries)
            mine.rings, mine.sqes = ring.rings, ring.sqes
            mine.put(uring.IORING_OP_READ_FIXED, 0, 0, reader, 0, buffer, 5)
            assert (yield c.call("io_uring_enter", ring.fd, 1, 1, GETEVENTS, 0, 0)) == 1
            assert [r[:2] for r in mine.results()] == [(0, 5)]
            assert c.load(buffer, 5) == bytes(5)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        assert m.load(buffer, 5) == b"hello"
        yield m.call("exit_group", 0)

    lab.run(program)


def test_what_is_submitted_may_change_at_once(lab) -> None:
    """IORING_FEAT_SUBMIT_STABLE: names are read with the entry, even if its turn comes later."""

    def program(m):
        ring = yield from ring_of(m)
        reader, writer = yield from pipe_of(m)
        at = m.scratch + 1024
        yield m.call("openat", -100, m.string(at, b"/f"), 0o102, 0o600)
        name, value = m.string(at + 64, b"user.one"), m.string(at + 128, b"good")
        ring.put(READ, uring.IOSQE_IO_LINK, 0, reader, 0, m.scratch, 1)
        ring.put(uring.IORING_OP_SETXATTR, uring.IOSQE_IO_LINK, 0, 0, value, name, 4, 0, 1, 0, 0,
                 0, at)  # fmt: skip
        ring.put(uring.IORING_OP_UNLINKAT, uring.IOSQE_IO_LINK, 0, -100, 0, at, 0, 0, 2)
        ring.put(uring.IORING_OP_MKDIRAT, 0, 0, -100, 0, m.string(at + 192, b"/d"), 0o700, 0, 3)
        assert (yield m.call("io_uring_enter", ring.fd, 4, 0, 0, 0, 0)) == 4
        m.store(at, b"x" * 256)
        yield m.call("write", writer, m.scratch, 1)
        assert (yield m.call("io_uring_enter", ring.fd, 0, 4, GETEVENTS, 0, 0)) == 0
        assert [r[:2] for r in ring.results()] == [(0, 1), (1, 0), (2, 0), (3, 0)]
        yield m.call("exit_group", 0)

    lab.run(program)


def test_closing_the_ring_ends_its_requests(lab) -> None:
    def program(m):
        ring = yield from ring_of(m)
        reader, writer = yield from pipe_of(m)
        ring.put(READ, uring.IOSQE_IO_LINK, 0, reader, 0, m.scratch, 8)
        ring.put(NOP)
        ring.put(NOP, uring.IOSQE_IO_DRAIN)
        yield m.call("io_uring_enter", ring.fd, 3, 0, 0, 0, 0)
        yield m.call("close", ring.fd)
        yield m.call("write", writer, m.scratch, 3)
        assert (yield m.call("read", reader, m.scratch, 8)) == 3
        yield m.call("exit_group", 0)

    lab.run(program)


def test_a_long_chain_needs_no_deep_stack(lab) -> None:
    def program(m):
        ring = yield from ring_of(m, 64)
        for round_ in range(40):
            for number in range(63):
                ring.put(NOP, uring.IOSQE_IO_LINK, 0, -1, 0, 0, 0, 0, number)
            ring.put(200 if round_ % 2 else NOP, 0, 0, -1)
            assert (yield m.call("io_uring_enter", ring.fd, 64, 0, GETEVENTS, 0, 0)) == 64
            results = {result for _, result, _ in ring.results()}
            assert results == ({-ECANCELED.errno, -EINVAL.errno} if round_ % 2 else {0})
        yield m.call("exit_group", 0)

    lab.run(program)


SMALL = (0, 1, 2, 3, 4, 8, 64, 4096, (1 << 32) - 1, (1 << 64) - 1, 1 << 40)


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("seed", range(6))
def test_entries_at_random(make_lab, seed: int, uid: int) -> None:
    """Whatever an entry says, the kernel answers with a number of <errno.h>, and lives."""
    lab = make_lab()
    rng = random.Random(f"{seed} {uid}")
    every = uring.IORING_SETUP_SUBMIT_ALL
    setups = (0, every | uring.IORING_SETUP_SQPOLL, every | uring.IORING_SETUP_SINGLE_ISSUER
              | uring.IORING_SETUP_DEFER_TASKRUN, every)  # fmt: skip
    problems: list[str] = []

    def maybe(chance: float, *values: int) -> int:
        return rng.choice(values) if rng.random() < chance else 0

    def fields(m) -> list[int]:
        """Return an entry that may well be good: most fields of most operations have to be 0."""
        good = m.scratch + 1024 + 8 * rng.randrange(64)
        addr = rng.choice((good, good, good, 0, rng.choice(SMALL)))
        opcode = rng.choice([*OPERATIONS, 70])
        lowest = 9 if opcode == uring.IORING_OP_CLOSE else -1  # or nothing would be open soon
        return [
            opcode, maybe(0.2, 1, 2, 4, 8, 16, 32, 64, 255), maybe(0.1, 1, 2, 4, 0xFFFF),
            rng.randrange(lowest, 12), maybe(0.4, good, rng.choice(SMALL)), addr,
            maybe(0.5, 1, 1, 8, 64, 4096, (1 << 32) - 1), maybe(0.15, 1, 2, 4, 1 << 31, 0xFFFFFFFF),
            rng.randrange(4), maybe(0.07, 1, 2), maybe(0.02, 1), maybe(0.07, 1, 2, 0xFFFFFFFF),
            maybe(0.07, 1, *SMALL), 0,
        ]  # fmt: skip

    def program(m):
        yield m.call("setresuid", uid, uid, uid)
        ring = yield from ring_of(m, 8, setups[seed % len(setups)])
        yield from pipe_of(m)
        yield m.call("socketpair", 1, 1, 0, m.scratch)
        yield m.call("eventfd2", 0, 0)
        yield m.call("epoll_create1", 0)
        yield m.call("openat", -100, m.string(m.scratch, b"/f"), 0o102, 0o600)
        m.store(m.scratch, struct.pack("<8i", 1, 2, -1, 3, 4, -1, -1, -1))
        yield m.call("io_uring_register", ring.fd, uring.IORING_REGISTER_FILES, m.scratch, 8)
        for _ in range(120):
            m.store(
                m.scratch + 1024, rng.randbytes(64) + struct.pack("<8Q", *rng.choices(SMALL, k=8))
            )
            for _ in range(rng.randrange(1, 6)):
                ring.put(*fields(m))
            yield m.call("io_uring_enter", ring.fd, 8, 0, GETEVENTS, 0, 0)
            for data, result, _ in ring.results():
                if -4096 < result < 0 and -result not in BY_NUMBER:
                    problems.append(f"{data}: {result}")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.kernel.panic_text is None
    assert problems == []


@pytest.mark.parametrize("opcode", range(40))
def test_wild_arguments_of_register(lab, opcode: int) -> None:
    def program(m):
        ring = yield from ring_of(m)
        for arg in (0, 8, m.scratch, m.scratch + 4096):
            for count in (0, 1, 16, 24, 32, (1 << 32) - 1):
                result = yield m.call("io_uring_register", ring.fd, opcode, arg, count)
                assert result >= 0 or -result in BY_NUMBER
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.kernel.panic_text is None


def test_the_wait_graph_knows_what_a_ring_waits_for(lab) -> None:
    seen: list[str] = []

    def snap() -> None:
        seen.append(report(look(lab.kernel)))
        lab.kernel.executor.stop()

    def program(m):
        ring = yield from ring_of(m)
        reader, _ = yield from pipe_of(m)
        ring.put(READ, 0, 0, reader, 0, m.scratch, 8)
        yield m.call("io_uring_enter", ring.fd, 1, 0, 0, 0, 0)
        yield m.call("io_uring_enter", ring.fd, 0, 1, GETEVENTS, 0, 0)

    lab.kernel.executor.call_at(lab.kernel.executor.now + 10**9, snap)
    lab.run(program)
    assert "by io_uring" in seen[0], seen[0]
    assert "pipe:[" in seen[0]
