"""What helpers return."""

from __future__ import annotations

import pytest

from starrylab.abi import bpf as b
from starrylab.abi.errno import EFAULT
from tests.kernel.bpf.assembly import (
    EXIT,
    Bench,
    I,
    alu,
    alur,
    call,
    e,
    jmp,
    ldx,
    map_fd,
    mov,
    movr,
    st,
    stx,
    wide,
)  # fmt: skip

TRACEPOINT = b.BPF_PROG_TYPE_TRACEPOINT


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("ktime_get_ns", 1_000_000_000),
        ("ktime_get_boot_ns", 2_000_000_000),
        ("ktime_get_tai_ns", 3_000_000_000),
        ("jiffies64", 250),
        ("get_prandom_u32", 4),
        ("get_smp_processor_id", 0),
        ("get_current_pid_tgid", 5 << 32 | 7),
        ("get_current_uid_gid", 100 << 32 | 1000),
    ],
)
def test_without_arguments(bench, name, result) -> None:
    assert bench.run([call(name), EXIT]) == result


def buffer(dst: int, low: int) -> list[I]:
    return [movr(dst, 10), alu(e.ADD, dst, low)]


def test_the_name_of_the_thread(bench) -> None:
    code = [*buffer(1, -16), mov(2, 16), call("get_current_comm"), ldx(0, 10, -16), EXIT]
    assert bench.run(code) == int.from_bytes(b"name\0\0\0\0", "little")


def test_memory_of_the_process(bench) -> None:
    bench.services.user[0x1000] = b"some text\0"
    read = [*buffer(1, -8), mov(2, 8), mov(3, 0x1000), call("probe_read_user")]
    assert bench.run([*read, ldx(0, 10, -8), EXIT]) == int.from_bytes(b"some tex", "little")
    text = [*buffer(1, -8), mov(2, 8), mov(3, 0x1005), call("probe_read_user_str"), EXIT]
    assert bench.run(text) == len("text") + 1
    text[3] = mov(3, 0x9000)
    assert bench.run(text) == -EFAULT.errno & (1 << 64) - 1


def test_the_length_of_a_text_is_in_range(bench) -> None:
    """What a helper returns may be used as a size once it is known not to be negative."""
    found = bench.map(b.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1)
    code = [
        movr(6, 1), *buffer(1, -8), mov(2, 8), mov(3, 0), call("probe_read_user_str"),
        jmp(e.JSLT, 0, 0, 8), movr(5, 0), movr(1, 6), *map_fd(2), mov(3, 0), *buffer(4, -8),
        call("perf_event_output"), mov(0, 0), EXIT,
    ]  # fmt: skip
    bench.load(code, found)


def test_printing(bench) -> None:
    text = b"%d and %llx\n\0".ljust(16, b"\0")
    words = [int.from_bytes(text[n : n + 8], "little") for n in (0, 8)]
    code = [
        *wide(1, words[0]), stx(10, 1, -16), *wide(1, words[1]), stx(10, 1, -8),
        *buffer(1, -16), mov(2, 16), mov(3, -1), *wide(4, 0xABCDEF012), mov(5, 0),
        call("trace_printk"), mov(0, 0), EXIT,
    ]  # fmt: skip
    bench.run(code)
    assert bench.services.lines == [b"-1 and abcdef012\n"]


def rodata(bench: Bench, text: bytes):
    found = bench.map(b.BPF_MAP_TYPE_ARRAY, 4, 32, 1, flags=b.BPF_F_RDONLY_PROG)
    found.update(bytes(4), text.ljust(32, b"\0"), 0)
    found.frozen = True
    return found


def test_texts(bench) -> None:
    pattern = rodata(bench, b"<%u:%s>")
    word = rodata(bench, b"there")
    code = [
        st(10, -40, 12), *wide(1, 0, e.PSEUDO_MAP_VALUE), stx(10, 1, -32),
        *buffer(1, -16), mov(2, 16), *wide(3, 0, e.PSEUDO_MAP_VALUE), *buffer(4, -40), mov(5, 16),
        call("snprintf"), movr(6, 0), *buffer(1, -16), mov(2, 10),
        *wide(3, 0, e.PSEUDO_MAP_VALUE), call("strncmp"), alur(e.LSH, 0, 6), movr(0, 6), EXIT,
    ]  # fmt: skip
    assert bench.run(code, word, pattern, rodata(bench, b"<12:there>")) == len("<12:there>") + 1


def test_stacks(bench) -> None:
    found = bench.map(b.BPF_MAP_TYPE_STACK_TRACE, 4, 80, 8)
    code = [*map_fd(2), mov(3, b.BPF_F_USER_STACK), call("get_stackid"), EXIT]
    number = bench.run(code, found, kind=TRACEPOINT)
    chain = found.value(number.to_bytes(4, "little"))
    assert chain[:24] == b"".join(n.to_bytes(8, "little") for n in (0x1000, 0x2000, 0))
    code = [*buffer(2, -16), mov(3, 16), mov(4, b.BPF_F_USER_STACK | 1), call("get_stack"),
            ldx(0, 10, -16), EXIT]  # fmt: skip
    assert bench.run(code, kind=TRACEPOINT) == 0x2000


def test_the_least_recently_used_entry_makes_room(bench) -> None:
    found = bench.map(b.BPF_MAP_TYPE_LRU_HASH, 4, 4, 2)
    for number in (1, 2):
        found.update(number.to_bytes(4, "little"), bytes(4), 0)
    code = [st(10, -4, 1, e.W), *buffer(2, -4), *map_fd(1), call("map_lookup_elem"), mov(0, 0),
            EXIT]  # fmt: skip
    bench.run(code, found)
    found.update((3).to_bytes(4, "little"), bytes(4), 0)
    assert sorted(found.all_keys()) == [n.to_bytes(4, "little") for n in (1, 3)]
