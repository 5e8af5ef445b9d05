"""bpf(2) as a program makes it."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import bpf as b
from starrylab.abi.errno import (
    E2BIG,
    EACCES,
    EBADF,
    EEXIST,
    EINVAL,
    ENOENT,
    ENOSPC,
    ENOTSUPP,
    EPERM,
)  # fmt: skip
from starrylab.kernel.bpf.instructions import Instruction, encode
from starrylab.kernel.task.cred import Credentials
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

_ATTR, _DATA = 0, 1024  #: where in the scratch memory attributes and what they point to lie


class Caller:
    """Makes calls of bpf(2) from a scripted program."""

    def __init__(self, m) -> None:
        self.m = m
        self.at = m.scratch + _DATA

    def put(self, data: bytes) -> int:
        addr = self.at
        self.m.store(addr, data)
        self.at += -(-max(len(data), 1) // 16) * 16
        return addr

    def bpf(self, command: int, attr: bytes):
        self.m.store(self.m.scratch + _ATTR, attr.ljust(168, b"\0"))
        return self.m.call("bpf", command, self.m.scratch + _ATTR, 168)

    def create(self, kind: int, key: int, value: int, entries: int, flags: int = 0, inner: int = 0):
        return self.bpf(
            b.BPF_MAP_CREATE, struct.pack("<6I", kind, key, value, entries, flags, inner)
        )

    def element(self, command: int, fd: int, key: bytes | None, value: int = 0, flags: int = 0):
        addr = 0 if key is None else self.put(key)
        return self.bpf(command, b.MAP_ELEMENT.pack(fd, addr, value, flags))

    def update(self, fd: int, key: bytes | None, value: bytes, flags: int = 0):
        return self.element(b.BPF_MAP_UPDATE_ELEM, fd, key, self.put(value), flags)

    def load(self, code: list[Instruction], kind: int = 1, level: int = 0, room: int = 0,
             name: bytes = b"prog"):  # fmt: skip
        self.log = self.put(bytes(room)) if room else 0
        return self.bpf(
            b.BPF_PROG_LOAD,
            struct.pack(
                "<IIQQIIQII16s", kind, len(code), self.put(encode(code)), self.put(b"GPL\0"),
                level, room, self.log, 0, 0, name,
            ),
        )  # fmt: skip


def key(number: int) -> bytes:
    return number.to_bytes(4, "little")


def maps_of(code: list[Instruction], fd: int) -> list[Instruction]:
    return [i._replace(imm=fd) if i.is_wide else i for i in code]


def test_a_hash(lab) -> None:
    def program(m):
        c = Caller(m)
        fd = yield c.create(b.BPF_MAP_TYPE_HASH, 4, 8, 2)
        out = c.put(bytes(8))
        assert (yield c.update(fd, key(1), b"one     ")) == 0
        assert (yield c.update(fd, key(1), b"other   ", b.BPF_NOEXIST)) == -EEXIST.errno
        assert (yield c.update(fd, key(2), b"two     ", b.BPF_EXIST)) == -ENOENT.errno
        assert (yield c.update(fd, key(2), b"two     ")) == 0
        assert (yield c.update(fd, key(3), b"three   ")) == -E2BIG.errno
        assert (yield c.element(b.BPF_MAP_LOOKUP_ELEM, fd, key(1), out)) == 0
        assert m.load(out, 8) == b"one     "
        found = set()
        current = None
        while (yield c.element(b.BPF_MAP_GET_NEXT_KEY, fd, current, out)) == 0:
            current = m.load(out, 4)
            found.add(current)
        assert found == {key(1), key(2)}
        assert (yield c.element(b.BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key(2), out)) == 0
        assert m.load(out, 8) == b"two     "
        assert (yield c.element(b.BPF_MAP_DELETE_ELEM, fd, key(2))) == -ENOENT.errno
        assert (yield c.element(b.BPF_MAP_FREEZE, fd, None)) == 0
        assert (yield c.update(fd, key(1), b"frozen  ")) == -EPERM.errno
        assert (yield c.element(b.BPF_MAP_FREEZE, fd, None)) == -EPERM.errno
        yield m.call("exit_group", 0)

    used = lab.kernel.heap.used
    lab.run(program)
    assert lab.kernel.heap.used == used
    assert not list(lab.kernel.bpf.maps)


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        ((b.BPF_MAP_TYPE_HASH, 0, 8, 1), EINVAL),
        ((b.BPF_MAP_TYPE_HASH, 4, 8, 0), EINVAL),
        ((b.BPF_MAP_TYPE_ARRAY, 8, 8, 1), EINVAL),
        ((b.BPF_MAP_TYPE_LRU_HASH, 4, 8, 1, b.BPF_F_NO_PREALLOC), ENOTSUPP),
        ((b.BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1), EINVAL),
        ((b.BPF_MAP_TYPE_RINGBUF, 0, 0, 4097), EINVAL),
        ((b.BPF_MAP_TYPE_QUEUE, 4, 8, 1), EINVAL),
        ((b.BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, 99), EBADF),
        ((99, 4, 8, 1), EINVAL),
    ],
)
def test_shapes_that_no_map_has(lab, shape, error) -> None:
    def program(m):
        assert (yield Caller(m).create(*shape)) == -error.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_a_program_counts_in_a_map_that_a_process_reads(lab) -> None:
    def program(m):
        c = Caller(m)
        fd = yield c.create(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)
        code = maps_of(
            [st(10, -4, 0, e.W), movr(2, 10), alu(e.ADD, 2, -4), *map_fd(1),
             call("map_lookup_elem"), jmp(e.JEQ, 0, 0, 3), ldx(1, 0, 0), alu(e.ADD, 1, 1),
             stx(0, 1, 0), mov(0, 3), EXIT], fd,
        )  # fmt: skip
        program_fd = yield c.load(code)
        assert program_fd >= 0
        packet = c.put(bytes(64))
        attr = struct.pack("<IIIIQQI", program_fd, 0, 64, 0, packet, 0, 5)
        assert (yield c.bpf(b.BPF_PROG_TEST_RUN, attr)) == 0
        assert struct.unpack_from("<I", m.load(m.scratch, 168), 4) == (3,)
        out = c.put(bytes(8))
        assert (yield c.element(b.BPF_MAP_LOOKUP_ELEM, fd, key(0), out)) == 0
        assert m.load(out, 8) == (5).to_bytes(8, "little")
        info, ids, insns = c.put(bytes(232)), c.put(bytes(16)), c.put(bytes(8 * len(code)))
        fields = bytearray(232)
        struct.pack_into("<I", fields, 20, 8 * len(code))
        struct.pack_into("<Q", fields, 32, insns)
        struct.pack_into("<IQ", fields, 52, 4, ids)
        m.store(info, bytes(fields))
        assert (
            yield c.bpf(b.BPF_OBJ_GET_INFO_BY_FD, b.OBJECT_INFO.pack(program_fd, 232, info))
        ) == 0
        told = b.PROG_INFO.unpack(m.load(info, 232))
        assert (told[0], told[1], told[4], told[9]) == (1, 1, 8 * len(code), 1)
        assert told[11].rstrip(b"\0") == b"prog"
        assert m.load(ids, 4) == key(1)
        yield m.call("close", fd)
        assert len(list(lab.kernel.bpf.maps)) == 1  # the program holds it
        yield m.call("exit_group", 0)

    lab.run(program)
    assert not list(lab.kernel.bpf.maps)
    assert not list(lab.kernel.bpf.programs)


def test_the_log_of_what_is_refused(lab) -> None:
    def program(m):
        c = Caller(m)
        bad = [ldx(0, 2, 0), EXIT]
        assert (yield c.load(bad)) == -EACCES.errno
        assert (yield c.load(bad, level=1, room=4096)) == -EACCES.errno
        text = m.load(c.log, 4096).split(b"\0")[0].decode()
        assert text.splitlines()[:3] == ["0: R1=ctx() R10=fp0", "0: (79) r0 = *(u64 *)(r2 +0)",
                                         "R2 !read_ok"]  # fmt: skip
        size = struct.unpack_from("<I", m.load(m.scratch, 168), 140)[0]
        assert size == len(text) + 1
        assert (yield c.load(bad, level=1, room=16)) == -ENOSPC.errno
        assert m.load(c.log, 16) == text[-15:].encode() + b"\0"
        assert (yield c.load([mov(0, 0), EXIT], kind=3)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_numbers_lead_to_objects(lab) -> None:
    def program(m):
        c = Caller(m)
        fds = [0, 0, 0]
        for n in range(3):
            fds[n] = yield c.create(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)
        yield m.call("close", fds[1])
        found = []
        number = 0
        while (yield c.bpf(b.BPF_MAP_GET_NEXT_ID, b.OBJECT_ID.pack(number, 0, 0, 0))) == 0:
            number = struct.unpack_from("<I", m.load(m.scratch, 8), 4)[0]
            found.append(number)
        assert found == [1, 3]
        again = yield c.bpf(b.BPF_MAP_GET_FD_BY_ID, b.OBJECT_ID.pack(3, 0, 0, 0))
        assert (yield c.update(again, key(0), b"shared  ")) == 0
        out = c.put(bytes(8))
        assert (yield c.element(b.BPF_MAP_LOOKUP_ELEM, fds[2], key(0), out)) == 0
        assert m.load(out, 8) == b"shared  "
        reader = yield c.bpf(b.BPF_MAP_GET_FD_BY_ID, b.OBJECT_ID.pack(3, 0, b.BPF_F_RDONLY, 0))
        assert (yield c.update(reader, key(0), b"refused ")) == -EPERM.errno
        assert (yield c.bpf(b.BPF_MAP_GET_FD_BY_ID, b.OBJECT_ID.pack(2, 0, 0, 0))) == -ENOENT.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_without_capabilities(lab) -> None:
    def program(m):
        c = Caller(m)
        assert (yield c.create(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)) == -EPERM.errno
        assert (yield c.load([mov(0, 0), EXIT])) == -EPERM.errno
        lab.kernel.unprivileged_bpf_disabled = 0
        assert (yield c.create(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)) >= 0
        assert (yield c.create(b.BPF_MAP_TYPE_LRU_HASH, 4, 8, 1)) == -EPERM.errno
        assert (yield c.load([mov(0, 0), EXIT])) >= 0
        assert (yield c.load([movr(0, 10), EXIT])) == -EACCES.errno  # it would tell an address
        assert (yield c.load([mov(0, 0), EXIT], kind=b.BPF_PROG_TYPE_TRACEPOINT)) == -EPERM.errno
        assert (yield c.bpf(b.BPF_MAP_GET_NEXT_ID, b.OBJECT_ID.pack(0, 0, 0, 0))) == -EPERM.errno
        yield m.call("exit_group", 0)

    lab.run(program, cred=Credentials(1000, 1000, 1000, 1000, effective=0, permitted=0))


def test_batches(lab) -> None:
    def program(m):
        c = Caller(m)
        fd = yield c.create(b.BPF_MAP_TYPE_HASH, 4, 4, 8)
        keys = c.put(b"".join(key(n) for n in range(5)))
        values = c.put(b"".join(key(n * n) for n in range(5)))
        attr = b.MAP_BATCH.pack(0, 0, keys, values, 5, fd, 0, 0)
        assert (yield c.bpf(b.BPF_MAP_UPDATE_BATCH, attr)) == 0
        cursor, out_keys, out_values = c.put(bytes(8)), c.put(bytes(32)), c.put(bytes(32))
        seen = {}
        start = 0
        for _ in range(9):
            attr = b.MAP_BATCH.pack(start, cursor, out_keys, out_values, 2, fd, 0, 0)
            result = yield c.bpf(b.BPF_MAP_LOOKUP_BATCH, attr)
            count = struct.unpack_from("<I", m.load(m.scratch, 168), 32)[0]
            for n in range(count):
                seen[m.load(out_keys + 4 * n, 4)] = m.load(out_values + 4 * n, 4)
            start = cursor
            if result == -ENOENT.errno:
                break
            assert result == 0
        assert seen == {key(n): key(n * n) for n in range(5)}
        attr = b.MAP_BATCH.pack(0, 0, keys, 0, 5, fd, 0, 0)
        assert (yield c.bpf(b.BPF_MAP_DELETE_BATCH, attr)) == 0
        assert (yield c.element(b.BPF_MAP_GET_NEXT_KEY, fd, None, cursor)) == -ENOENT.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_pins_keep_objects(lab) -> None:
    def program(m):
        c = Caller(m)
        where, kind = c.put(b"/bpf\0"), c.put(b"bpf\0")
        assert (yield m.call("mkdirat", -100, where, 0o755)) == 0
        assert (yield m.call("mount", kind, where, kind, 0, 0)) == 0
        fd = yield c.create(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)
        yield c.update(fd, key(0), b"pinned  ")
        name = c.put(b"/bpf/map\0")
        assert (yield c.bpf(b.BPF_OBJ_PIN, b.OBJECT.pack(name, fd, 0, 0))) == 0
        assert (yield c.bpf(b.BPF_OBJ_PIN, b.OBJECT.pack(name, fd, 0, 0))) == -EEXIST.errno
        outside = c.put(b"/outside\0")
        assert (yield c.bpf(b.BPF_OBJ_PIN, b.OBJECT.pack(outside, fd, 0, 0))) == -EPERM.errno
        yield m.call("close", fd)
        fd = yield c.bpf(b.BPF_OBJ_GET, b.OBJECT.pack(name, 0, 0, 0))
        out = c.put(bytes(8))
        assert (yield c.element(b.BPF_MAP_LOOKUP_ELEM, fd, key(0), out)) == 0
        assert m.load(out, 8) == b"pinned  "
        yield m.call("close", fd)
        assert len(list(lab.kernel.bpf.maps)) == 1
        assert (yield m.call("unlinkat", -100, name, 0)) == 0
        assert not list(lab.kernel.bpf.maps)
        yield m.call("exit_group", 0)

    lab.run(program)
