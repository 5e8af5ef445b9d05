"""Programs that watch what other programs do."""

from __future__ import annotations

import struct
from collections import Counter

from starrylab.abi import bpf as b
from starrylab.abi import perf
from starrylab.abi.errno import EACCES, EEXIST, EINVAL, ENOENT
from starrylab.kernel.bpf.hooks import POINTS
from tests.kernel.bpf.assembly import (
    EXIT,
    alu,
    call,
    e,
    jmp,
    ldx,
    map_fd,
    mov,
    movr,
    st,
    stx,
)  # fmt: skip
from tests.kernel.bpf.test_calls import Caller, maps_of

_RAW_ENTER = 1  #: id of raw_syscalls:sys_enter
_NUMBER_AT = 8  #: of the system call's number in its record, and in the raw tracepoint's arguments


def counting(fd: int):
    """Count system calls by process and number in a hash with keys of 16 bytes."""
    return maps_of(
        [
            ldx(6, 1, _NUMBER_AT), stx(10, 6, -8), call("get_current_pid_tgid"),
            alu(e.RSH, 0, 32), stx(10, 0, -16), movr(2, 10), alu(e.ADD, 2, -16), *map_fd(1),
            call("map_lookup_elem"), jmp(e.JEQ, 0, 0, 4), mov(1, 1),
            e_add(0, 1), mov(0, 0), EXIT,
            st(10, -24, 1), movr(2, 10), alu(e.ADD, 2, -16), movr(3, 10), alu(e.ADD, 3, -24),
            mov(4, 0), *map_fd(1), call("map_update_elem"), mov(0, 0), EXIT,
        ],
        fd,
    )  # fmt: skip


def e_add(dst: int, src: int):
    from tests.kernel.bpf.assembly import I

    return I(e.STX | e.ATOMIC | e.DW, dst, src, 0, e.ADD)


def attr(kind: int, config: int, **more: int) -> bytes:
    data = bytearray(128)
    struct.pack_into("<IIQ", data, 0, kind, 128, config)
    struct.pack_into("<Q", data, 16, more.get("period", 0))
    struct.pack_into("<Q", data, 24, more.get("sample_type", 0))
    struct.pack_into("<Q", data, 40, more.get("flags", 0))
    return bytes(data)


def watched(lab) -> Counter:
    """Count the same beside the programs."""
    seen: Counter = Counter()
    lab.kernel.events.subscribe(
        "syscall_enter", lambda t, _, registers: seen.update([(t.process.pid, registers[7])])
    )
    return seen


def table(found) -> Counter:
    counts: Counter = Counter()
    for entry in found.all_keys():
        counts[struct.unpack("<QQ", entry)] = int.from_bytes(found.value(entry), "little")
    return counts


def test_counts_agree_with_the_trace(lab) -> None:
    """A tracepoint and a raw tracepoint see what the trace sees, of all processes."""
    kept = []

    def program(m):
        c = Caller(m)
        fds = [0, 0]
        for n, kind in enumerate((b.BPF_PROG_TYPE_TRACEPOINT, b.BPF_PROG_TYPE_RAW_TRACEPOINT)):
            fd = yield c.create(b.BPF_MAP_TYPE_HASH, 16, 8, 256)
            kept.append(lab.kernel.bpf.maps.get(n + 1))
            fds[n] = yield c.load(counting(fd), kind=kind)
            assert fds[n] >= 0
        raw = b.RAW_TRACEPOINT.pack(c.put(b"nothing\0"), fds[1], 0)
        assert (yield c.bpf(b.BPF_RAW_TRACEPOINT_OPEN, raw)) == -ENOENT.errno
        event = yield m.call("perf_event_open", c.put(attr(2, _RAW_ENTER, flags=1)), -1, 0, -1, 0)
        assert event >= 0
        wrong = b.LINK_CREATE.pack(fds[1], event, b.BPF_PERF_EVENT, 0, 0)
        assert (yield c.bpf(b.BPF_LINK_CREATE, wrong)) == -EINVAL.errno
        raw = b.RAW_TRACEPOINT.pack(c.put(b"sys_enter\0"), fds[1], 0)
        assert (yield c.bpf(b.BPF_RAW_TRACEPOINT_OPEN, raw)) >= 0
        link = b.LINK_CREATE.pack(fds[0], event, b.BPF_PERF_EVENT, 0, 0)
        seen = watched(lab)
        kept.append(seen)
        assert (yield c.bpf(b.BPF_LINK_CREATE, link)) >= 0
        assert (yield c.bpf(b.BPF_LINK_CREATE, link)) == -EEXIST.errno

        def child(cc):
            for _ in range(3):
                yield cc.call("getppid")
            yield cc.call("exit_group", 0)

        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        yield m.call("getuid")
        kept.append(table(kept[0]))
        kept.append(table(kept[1]))
        kept.append(Counter(seen))
        yield m.call("exit_group", 0)

    lab.run(program)
    traced, raw, seen = kept[3:]
    bpf = 280
    assert raw == seen
    traced[1, bpf] += 1  # the call that attached it
    assert traced == seen
    assert sum(n for (pid, _), n in seen.items() if pid == 2) == 4
    assert not list(lab.kernel.bpf.links)
    assert lab.kernel.perf.system.cpu.counters == []


def test_a_program_that_reads_beyond_the_record(lab) -> None:
    def program(m):
        c = Caller(m)
        fd = yield c.load([ldx(0, 1, 200), EXIT], kind=b.BPF_PROG_TYPE_TRACEPOINT)
        event = yield m.call("perf_event_open", c.put(attr(2, _RAW_ENTER)), -1, 0, -1, 0)
        attached = yield m.call("ioctl", event, perf.IOC_SET_BPF, fd)
        assert attached == -EACCES.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_set_bpf_lasts_as_long_as_the_event(lab) -> None:
    def program(m):
        c = Caller(m)
        fd = yield c.load([mov(0, 0), EXIT], kind=b.BPF_PROG_TYPE_TRACEPOINT)
        event = yield m.call("perf_event_open", c.put(attr(2, _RAW_ENTER)), -1, 0, -1, 0)
        assert (yield m.call("ioctl", event, perf.IOC_SET_BPF, fd)) == 0
        assert (yield m.call("ioctl", event, perf.IOC_SET_BPF, fd)) == -EEXIST.errno
        yield m.call("close", fd)
        assert len(list(lab.kernel.bpf.programs)) == 1
        yield m.call("close", event)
        assert not list(lab.kernel.bpf.programs)
        yield m.call("exit_group", 0)

    lab.run(program)


def test_output_to_the_buffer_of_an_event(lab) -> None:
    """bpf_perf_event_output(): a sample with the program's data in its raw part."""

    def program(m):
        c = Caller(m)
        events = yield c.create(b.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1)
        wanted = attr(1, 10, period=1, sample_type=1 << 10)  # BPF_OUTPUT, PERF_SAMPLE_RAW
        event = yield m.call("perf_event_open", c.put(wanted), -1, 0, -1, 0)
        ring = yield m.call("mmap", 0, 2 * 4096, 3, 1, event, 0)
        assert ring > 0
        code = maps_of(
            [st(10, -8, 0x5EED), movr(4, 10), alu(e.ADD, 4, -8), *map_fd(2), mov(3, 0), mov(5, 8),
             call("perf_event_output"), EXIT], events,
        )  # fmt: skip
        fd = yield c.load(code, kind=b.BPF_PROG_TYPE_RAW_TRACEPOINT)
        assert fd >= 0
        run = struct.pack("<IIIIQQIIIIQQ", fd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        assert (yield c.bpf(b.BPF_PROG_TEST_RUN, run)) == 0
        result = struct.unpack_from("<i", m.load(m.scratch, 8), 4)[0]
        assert result == -ENOENT.errno
        assert (yield c.update(events, bytes(4), struct.pack("<I", event))) == 0
        assert (yield c.bpf(b.BPF_PROG_TEST_RUN, run)) == 0
        assert struct.unpack_from("<i", m.load(m.scratch, 8), 4)[0] == 0
        record = m.load(ring + 4096, 24)
        kind, _, size, length, data = struct.unpack_from("<IHHIQ", record)
        assert (kind, size, length, data) == (9, 24, 12, 0x5EED)
        yield m.call("exit_group", 0)

    lab.run(program)


def test_a_ring_wakes_who_waits(lab) -> None:
    def program(m):
        c = Caller(m)
        ring = yield c.create(b.BPF_MAP_TYPE_RINGBUF, 0, 0, 4096)
        code = maps_of(
            [st(10, -8, 7), movr(2, 10), alu(e.ADD, 2, -8), mov(3, 8), mov(4, 0), *map_fd(1),
             call("ringbuf_output"), EXIT], ring,
        )  # fmt: skip
        fd = yield c.load(code, kind=b.BPF_PROG_TYPE_RAW_TRACEPOINT)
        name = c.put(b"sys_exit\0")

        def child(cc):
            k = Caller(cc)
            yield k.bpf(b.BPF_RAW_TRACEPOINT_OPEN, b.RAW_TRACEPOINT.pack(name, fd, 0))
            yield cc.call("getppid")
            yield cc.call("exit_group", 0)

        yield m.fork(child)
        poll = c.put(struct.pack("<ihh", ring, 1, 0))
        assert (yield m.call("ppoll", poll, 1, 0, 0, 0)) == 1
        assert struct.unpack("<ihh", m.load(poll, 8))[2] == 1
        yield m.call("exit_group", 0)

    lab.run(program)


def test_every_raw_tracepoint(lab) -> None:
    """A program at each counts how often it ran; what happens is one fork, exit, signal ..."""
    ran: dict[bytes, int] = {}

    def program(m):
        c = Caller(m)
        fds = {}
        for name in sorted(POINTS):
            fd = yield c.create(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)
            fds[name] = list(lab.kernel.bpf.maps)[-1]
            code = maps_of(
                [*value(1), mov(2, 1), e_add(1, 2), ldx(3, 1, 0), mov(0, 0), EXIT], fd,
            )  # fmt: skip
            loaded = yield c.load(code, kind=b.BPF_PROG_TYPE_RAW_TRACEPOINT)
            raw = b.RAW_TRACEPOINT.pack(c.put(name + b"\0"), loaded, 0)
            assert (yield c.bpf(b.BPF_RAW_TRACEPOINT_OPEN, raw)) >= 0

        def child(cc):
            yield cc.call("kill", 2, 15)
            yield cc.call("exit_group", 0)

        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        for name, found in fds.items():
            ran[name] = int.from_bytes(found.value(bytes(4)), "little")
        yield m.call("exit_group", 0)

    lab.run(program)
    assert ran[b"sched_process_fork"] == ran[b"sched_process_exit"] == 1
    assert ran[b"signal_deliver"] >= 1
    assert ran[b"sched_process_exec"] == 0
    assert ran[b"sys_enter"] > ran[b"sys_exit"] - 2 > 0


def value(dst: int):
    """The address of the only value of an array."""
    from tests.kernel.bpf.assembly import wide

    return wide(dst, 0, e.PSEUDO_MAP_VALUE)
