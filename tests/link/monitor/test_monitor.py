"""The monitor itself: its C sources run as a process, with a CPU that counts."""

from __future__ import annotations

import random
import zlib
from contextlib import suppress

import pytest

from starrylab.link.monitor import protocol as p
from starrylab.link.monitor.client import MonitorClient, Refused
from starrylab.link.monitor.mmio import MonitorMmio, Ready
from starrylab.link.monitor.plan import deflate, operation
from starrylab.link.monitor.speed import raise_baud
from starrylab.machine.board import follow
from starrylab.machine.board import monitor as m
from tests.fakes.host_monitor import HostMonitor

PAGE = 4096
A0, T0, T1, T2, T3 = 10, 5, 6, 7, 28
SECOND = 10**9


def test_ten_thousand_requests_on_a_line_that_damages_one_frame_in_ten(port, client):
    client.exchange.turn_s = client.exchange._least_turn_s = 0.01
    port.share = 0.1
    for number in range(1, 10_001):
        assert client.run([], 0, 1, 0).registers[A0] == number
    assert port.damaged > 1500
    port.share = 0.0
    assert client.exchange.traffic.resent > 1000
    assert MonitorClient(port).greeting.repeats > 100


def test_memory_is_what_was_stored(client):
    base, _ = client.memory
    size, chance = 64 * PAGE, random.Random(7)
    model = bytearray(size)
    client.change([m.Zero(base, size)])
    for _ in range(150):
        at = chance.randrange(size)
        data = chance.choice((chance.randbytes, bytes, lambda n: b"\0ab" * (n // 3)))(
            chance.choice((1, 9, 300, 5000))
        )[: size - at]
        page = chance.randrange(size // PAGE) * PAGE
        change = chance.choice(
            (
                [m.Write(base + at, data)],
                [m.Zero(base + at, len(data))],
                [m.Zero(base + page, PAGE), m.Write(base + page + 7, data[: PAGE - 7])],
            )
        )
        client.change([c for c in change if not (isinstance(c, m.Write) and len(c.data) > PAGE)])
        for one in change:
            if isinstance(one, m.Zero):
                model[one.at - base : one.at - base + one.size] = bytes(one.size)
            elif len(one.data) <= PAGE:
                model[one.at - base : one.at - base + len(one.data)] = one.data
    assert client.read([(base, size)]) == [bytes(model)]
    assert client.ask("CRC", 0, size)["crc"] == zlib.crc32(model)


def test_a_store_of_any_size_is_sent(client):
    base, _ = client.memory
    data = random.Random(2).randbytes(50_001)
    client.change([m.Write(base + 3, data), m.Write(base, b"abc"), m.Write(base, b"")])
    assert client.read([(base, 3), (base + 3, len(data)), (base, 0)]) == [b"abc", data, b""]


def test_many_small_pieces_are_read(client):
    base, size = client.memory
    at = base + size - 8000
    data = random.Random(4).randbytes(8000)
    client.change([m.Write(at, data)])
    pieces = [(at + n, 1 + n % 3) for n in range(7990)]
    found = client.read(pieces)
    assert found == [data[start - at : start - at + length] for start, length in pieces]


def test_what_is_deflated_takes_fewer_bytes(client):
    base, _ = client.memory
    page = b"".join(b"%d bottles\n" % number for number in range(500))[:PAGE]
    before = client.exchange.traffic.sent
    client.change([m.Zero(base, PAGE), m.Write(base, page)])
    assert client.exchange.traffic.sent - before < PAGE // 3
    assert client.read([(base, PAGE)]) == [page]


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY])
def test_every_kind_of_deflated_block(client, level, strategy):
    chance = random.Random(level)
    data = chance.randbytes(900) + b"abc" * 700 + bytes(chance.choices(b"xyz", k=3000))
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    client.ask("INFLATE", 5, len(data), packer.compress(data) + packer.flush())
    assert client.ask("READ", 5, len(data))["data"] == data


def test_damaged_deflated_data_are_refused_and_store_nothing_else(client):
    chance = random.Random(3)
    good = deflate(b"some text, " * 90)
    client.ask("FILL", 0, 3 * PAGE, 0x11)
    for _ in range(300):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        with suppress(Refused):
            client.ask("INFLATE", PAGE, 990, bytes(bad[: chance.randrange(1, len(bad) + 1)]))
    memory = client.ask("READ", 0, 3 * PAGE // 2)["data"]
    assert memory[:PAGE] == b"\x11" * PAGE
    assert memory[PAGE + 990 :] == b"\x11" * (PAGE // 2 - 990)


@pytest.mark.parametrize(
    ("name", "values", "status"),
    [
        ("READ", (1 << 40, 1), p.Status.BAD_MEMORY),
        ("READ", (0, 1 << 40), p.Status.BAD_MEMORY),
        ("READ", (0, 8192), p.Status.TOO_LONG),
        ("WRITE", (1 << 63, b"x"), p.Status.BAD_MEMORY),
        ("COPY", (0, 1 << 40, 8), p.Status.BAD_MEMORY),
        ("MAP", (99, 0, 0, 1, 1), p.Status.BAD_OP),
        ("MAP", (0, 1 << 40, 0, 1, 1), p.Status.BAD_OP),
        ("MAP", (0, 0, 1 << 40, 1, 1), p.Status.BAD_MEMORY),
        ("SET", (64, {1: 1}), p.Status.BAD_OP),
        ("CLONE", (0, 64), p.Status.BAD_OP),
        ("RUN", (16, 0, 0), p.Status.BAD_OP),
        ("FETCH", (0, 77), p.Status.BAD_OP),
        ("KEEP", (1 << 30, 0, 1), p.Status.BAD_OP),
        ("SET_FLOATING", (0, b"short"), p.Status.BAD_OP),
        ("PEEK", (0, 3), p.Status.BAD_OP),
        ("BAUD", (0,), p.Status.BAD_OP),
        ("HINT", (512, 0, 0, 1, 0, 0, 1), p.Status.BAD_OP),
    ],
)
def test_what_cannot_be_done_is_refused(client, name, values, status):
    with pytest.raises(Refused) as caught:
        client.ask(name, *values)
    assert caught.value.status == status
    assert client.ask("ECHO", b"alive")["data"] == b"alive"


def test_what_comes_before_a_failure_is_done_and_what_comes_behind_is_not(client):
    operations = [operation("FILL", n * 8, 8, n + 1) for n in range(3)]
    with pytest.raises(Refused) as caught:
        client.do([*operations[:2], operation("FILL", 1 << 40, 1, 1), operations[2]])
    assert caught.value.index == 2
    assert client.ask("READ", 0, 24)["data"] == b"\1" * 8 + b"\2" * 8 + bytes(8)


def test_any_bytes_are_served_or_refused(client):
    chance = random.Random(5)
    left_out = bytes(p.OPERATIONS[name].number for name in ("BAUD", "RESET"))
    for _ in range(1500):
        content = bytes((chance.randrange(32),)) + chance.randbytes(chance.randrange(20))
        client.exchange.request(bytes(byte for byte in content if byte not in left_out) or b"\0")
    assert client.ask("ECHO", b"alive")["data"] == b"alive"


def test_registers_and_their_differences(client):
    values = {T1: 2**64 - 1, 31: 1 << 63, A0: 41, m.PC: 0x1000}
    stop = client.run([m.SetRegisters(3, tuple(values.items()))], 0, 3, 0)
    assert stop.registers[A0] == 42
    assert stop.registers[m.PC] == 0x1004
    client.change([m.CopyContext(4, 3)])
    assert client.run([], 0, 4, 0).registers[A0] == 43
    assert client.registers(3)[A0] == 42
    assert client.registers(4)[31] == 1 << 63
    assert client.run([], 0, 4, 0).registers[A0] == 44
    state = bytes(range(256)) + bytes(8)
    client.change([m.SetFloating(4, state)])
    assert client.floating(4)[:256] == state[:256]


def store_at(client, address, value, space=0):
    registers = ((T0, p.Cause.STORE + 1), (T1, address), (T2, value))
    return client.run([m.SetRegisters(0, registers)], space, 0, 0)


def test_pages_that_were_stored_to_are_named_once_a_run(client):
    base, _ = client.memory
    client.change(
        [m.Map(0, 16, base, 1), *(m.Map(0, 20 + n, base + PAGE * (5 + n), 3) for n in range(3))]
    )
    stop = store_at(client, 0x10000, 1)
    assert (stop.cause, stop.addr, stop.dirty) == (m.Cause.STORE, 0x10000, frozenset())
    stop = store_at(client, 0x15008, 0xAB)
    assert (stop.cause, stop.dirty) == (m.Cause.SYSCALL, {base + 6 * PAGE})
    assert client.read([(base + 6 * PAGE + 8, 1)]) == [b"\xab"]
    assert store_at(client, 0x14000, 1).dirty == {base + 5 * PAGE}
    assert store_at(client, 0x15000, 1).dirty == {base + 6 * PAGE}
    client.change([m.Unmap(0, 21)])
    assert store_at(client, 0x15000, 1).cause is m.Cause.STORE
    client.change([m.DropSpace(0)])
    assert store_at(client, 0x14000, 1).cause is m.Cause.STORE


def test_more_stores_than_can_be_named(client):
    base, _ = client.memory
    client.change([m.Map(0, 64 + n, base + PAGE * n, 3) for n in range(600)])

    def stores(first, more):
        registers = ((T0, p.Cause.STORE + 1), (T1, (64 + first) * PAGE), (T3, more))
        return client.run([m.SetRegisters(0, registers)], 0, 0, 0).dirty

    assert stores(0, p.DIRTY_LIMIT - 1) == {base + PAGE * n for n in range(p.DIRTY_LIMIT)}
    assert stores(0, 599) is None
    assert stores(300, 1) == {base + PAGE * 300, base + PAGE * 301}
    assert stores(0, p.DIRTY_LIMIT) is None


def test_page_tables_can_be_used_up_and_are_given_back(client):
    base, _ = client.memory
    everywhere = [m.Map(1, n << 9, base, 1) for n in range(5000)]
    with pytest.raises(Refused) as caught:
        client.change(everywhere)
    assert caught.value.status == p.Status.NO_TABLES
    client.change([m.DropSpace(1), m.Map(2, 0, base, 3)])
    assert store_at(client, 0, 1, space=2).cause is m.Cause.SYSCALL


def test_memory_comes_along_with_a_system_call(client):
    base, _ = client.memory
    client.follow({64: [follow.Follow(1, 1, 2)], 56: [follow.Follow(1, follow.STRING)]})
    text = b"a path\0rest".ljust(64, b"-")
    client.change(
        [
            m.Map(0, 32, base, 3),
            m.Map(0, 33, base + 9 * PAGE, 3),
            m.Map(0, 34, base, 1),
            m.Write(base + PAGE - 4, b"1234"),
            m.Write(base + 9 * PAGE, b"5678"),
            m.Write(base, text),
        ]
    )

    def call(number, address, size):
        registers = ((A0 + 1, address), (A0 + 2, size), (A0 + 7, number))
        return client.run([m.SetRegisters(0, registers)], 0, 0, 0).memory

    assert call(64, 0x20FFC, 8) == ((base + PAGE - 4, b"1234"), (base + 9 * PAGE, b"5678"))
    assert call(56, 0x20000, 0) == ((base, text[:32]),)
    assert call(64, 0x22000, 8) == ()  # it can only read there
    assert call(64, 0x50000, 8) == ()
    assert call(63, 0x20000, 8) == ()
    assert len(call(64, 0x20000, 1 << 40)[0][1]) == follow.LIMIT


def test_vectors_come_along(client):
    base, _ = client.memory
    client.follow({66: [follow.Follow(1, 16, 2, vector=True)]})
    vector = b"".join(v.to_bytes(8, "little") for v in (0x20100, 3, 0x20200, 2))
    client.change(
        [
            m.Map(0, 32, base, 3),
            *(
                m.Write(base + at, data)
                for at, data in ((0, vector), (0x100, b"abc"), (0x200, b"de"))
            ),
        ]
    )
    registers = ((A0 + 1, 0x20000), (A0 + 2, 2), (A0 + 7, 66))
    stop = client.run([m.SetRegisters(0, registers)], 0, 0, 0)
    assert [data for _, data in stop.memory] == [vector, b"abc", b"de"]


def test_the_cache_outlives_a_session(port, client):
    base, _ = client.memory
    page = random.Random(1).randbytes(PAGE)
    client.change([m.Write(base, page), m.Keep(3, base, 0x1234), m.Zero(base, PAGE)])
    another = MonitorClient(port)
    assert another.greeting.slots_used == 4
    assert another.cached() == [0, 0, 0, 0x1234]
    another.change([m.Fetch(base + PAGE, 3)])
    assert another.read([(base + PAGE, PAGE)]) == [page]


def test_a_session_begins_with_nothing_of_the_one_before(port, client):
    base, _ = client.memory
    client.change([m.Map(0, 20, base, 3), m.SetRegisters(0, ((A0, 5),))])
    again = MonitorClient(port)
    assert again.registers(0) == (0,) * 33
    assert store_at(again, 20 << 12, 1).cause is m.Cause.STORE


def test_an_older_host_gets_no_features_that_it_does_not_ask_for(port):
    client = MonitorClient(port, features=p.Feature(0))
    assert client.slots == 0
    base, _ = client.memory
    client.change([m.Map(0, 20, base, 3), m.Zero(base, PAGE), m.Write(base, b"text " * 99)])
    assert store_at(client, 20 << 12, 1).dirty is None
    assert client.cached() == []


def test_registers_of_devices(client):
    half = 0x8200_0000  # where the process has its devices
    device = MonitorMmio(
        client, 0x100, shift=2, width=4,
        read_ready={0: Ready(1, 1, 1)}, write_ready={0: Ready(1, 2, 0)},
    )  # fmt: skip
    device.write8(0, 0x155)
    device.write8(1, 1)
    assert device.read8(0) == 0x55
    assert client.read([(half + 0x100, 8)]) == [b"\x55\0\0\0\1\0\0\0"]
    assert device.read_burst(0, 5) == b"\x55" * 5
    assert device.write_burst(0, b"abc") == 3
    device.write8(1, 2)
    assert device.read_burst(0, 5) == b""
    assert device.write_burst(0, b"abc") == 0
    assert device.read_burst(1, 5) == b"\2"


def test_the_fastest_rate_that_works_is_used(monitor_program):
    with HostMonitor(monitor_program, works_at=1_000_000) as port:
        client = MonitorClient(port, turn_s=0.05)
        assert raise_baud(client, (1_500_000, 750_000, 115_200), fall_back_s=0.3) == 750_000
        assert port.baud == 750_000
        assert MonitorClient(port).greeting.baud == 750_000
        assert raise_baud(client, (750_000, 115_200)) == 750_000


def test_reset_ends_it(port, client):
    client.reset()
    assert port.status() == 3


def test_silence_is_one_line(monitor_program):
    with HostMonitor(monitor_program, works_at=0) as port:  # damage by chance may do no harm
        with pytest.raises(m.MonitorError) as caught:
            MonitorClient(port, turn_s=0.005)
        assert "\n" not in str(caught.value)


def test_a_context_is_asked_for_as_a_whole(client):
    client.run([m.SetRegisters(2, ((A0, 9), (20, 2**64 - 5)))], 0, 2, 0)
    registers, floating = client.state(2)
    assert (registers[A0], registers[20], registers[m.PC]) == (10, 2**64 - 5, 4)
    assert len(floating) == 264
    assert client.run([], 0, 2, 0).registers[A0] == 11


def test_a_slow_board_is_given_more_time(port, client):
    """What was sent again too early is answered twice; soon hardly anything is."""
    client.exchange.turn_s = client.exchange._least_turn_s = 0.001
    port.delay = 0.01
    for _ in range(100):
        client.ask("ECHO", b"x")
    assert 0 < client.exchange.traffic.resent < 50


def test_a_bad_line_does_not_make_it_slow(port, client):
    client.exchange.turn_s = client.exchange._least_turn_s = 0.01
    port.share = 0.2
    for _ in range(500):
        client.ask("ECHO", b"x")
    assert client.exchange.turn_s < 0.2
