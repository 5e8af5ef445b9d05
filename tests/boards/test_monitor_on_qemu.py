"""The monitor on the CPUs that it is made for: traps, page tables, slices, its own faults."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from starrylab.boards import load
from starrylab.boards.images import monitor_program, pack
from starrylab.boards.monitor_build import monitor_elf
from starrylab.link.monitor import protocol as p
from starrylab.link.monitor.client import MonitorClient, Refused
from starrylab.link.monitor.mmio import MonitorMmio
from starrylab.link.port import Port
from starrylab.machine.board import monitor as m
from starrylab.machine.board.monitor import Cause
from tests.fakes.qemu_board import QemuBoard
from tests.oracle import qemu_system
from tests.oracle.fixtures import _or_missing

PAGE = 4096
CODE, DATA = 0x10000, 0x20000
SLICE = 50_000_000
ARCHES = {
    "riscv64": ("riscv", qemu_system.riscv64),
    "loongarch64": ("elf", qemu_system.loongarch64),
}

#: architecture -> what instructions do; a0 is the first argument register, a1 the second
WORDS = {
    "riscv64": {
        "a0 += 1": 0x00150513, "syscall": 0x00000073, "back 8": 0xFF9FF06F,
        "a1 to (a0)": 0x00B53023, "a1 from (a0)": 0x00053583, "loop": 0x0000006F,
        "illegal": 0x00000000, "breakpoint": 0x00100073, "privileged": 0x10500073,
        "fa0 = a0": 0xF2050553, "fa0 += fa0": 0x02A57553,
    },
    "loongarch64": {
        "a0 += 1": 0x02C00484, "syscall": 0x002B0000, "back 8": 0x53FFFBFF,
        "a1 to (a0)": 0x29C00085, "a1 from (a0)": 0x28C00085, "loop": 0x50000000,
        "illegal": 0xFFFFFFFF, "breakpoint": 0x002A0000, "privileged": 0x06488000,
        "fa0 = a0": 0x0114A880, "fa0 += fa0": 0x01010000,
    },
}  # fmt: skip
NOWHERE = {"riscv64": 0x3F_0000_0000, "loongarch64": 0x70_0000_0000}


class Bench:
    """A monitor, and shorthands."""

    def __init__(self, port: Port, arch: str) -> None:
        self.client = MonitorClient(port)
        self.words = WORDS[arch]
        self.a0 = {"riscv64": 10, "loongarch64": 4}[arch]
        self.base = self.client.memory[0]
        self.client.change(
            [
                m.Map(0, CODE >> 12, self.base, 5),
                m.Map(0, DATA >> 12, self.base + PAGE, 3),
                m.Map(0, (DATA >> 12) + 1, self.base + 2 * PAGE, 1),
            ]
        )

    def run(self, *names: str, a0: int = 0, a1: int = 0, pc: int = CODE) -> m.Stop:
        code = b"".join(struct.pack("<I", self.words[name]) for name in names)
        registers = m.SetRegisters(0, ((m.PC, pc), (self.a0, a0), (self.a0 + 1, a1)))
        changes = [m.Write(self.base, code), m.CodeChanged(), registers]
        return self.client.run(changes, 0, 0, SLICE)


@pytest.fixture(scope="module", params=ARCHES)
def machine(request, tmp_path_factory) -> Iterator[tuple[Port, str]]:
    arch = request.param
    form, command = ARCHES[arch]
    board = load(f"virt-{arch}")
    image = tmp_path_factory.mktemp("image") / "monitor"
    image.write_bytes(pack(monitor_program(board, monitor_elf(arch)), board, form, 0))
    qemu = [*_or_missing(command), "-kernel", str(image)]
    with QemuBoard(qemu) as machine, Port.open(machine.tty) as port:
        machine.power_on()
        seen = b""
        while p.GREETING.encode() + b"\r\n" not in seen:
            data = port.read(timeout=30.0)
            assert data, seen
            seen += data
        yield port, arch


@pytest.fixture
def bench(machine) -> Bench:
    return Bench(*machine)


def test_it_says_where_it_is(bench, machine):
    greeting = bench.client.greeting
    assert greeting.arch == machine[1]
    assert greeting.hart == 0
    assert greeting.size > 128 << 20
    assert greeting.timer_hz in (10_000_000, 100_000_000)
    assert (p.Feature.VECTOR in greeting.features) == (machine[1] == "loongarch64")


def test_a_system_call_and_what_comes_behind_it(bench):
    stop = bench.run("a0 += 1", "syscall", "back 8", a0=41)
    assert (stop.cause, stop.registers[bench.a0], stop.registers[m.PC]) == (
        Cause.SYSCALL, 42, CODE + 8,
    )  # fmt: skip
    before = bench.client.exchange.traffic.sent, bench.client.exchange.traffic.received
    for number in range(43, 63):
        stop = bench.client.run([m.SetRegisters(0, ((bench.a0, number - 1),))], 0, 0, SLICE)
        assert stop.registers[bench.a0] == number
    traffic = bench.client.exchange.traffic
    if not traffic.resent:
        assert traffic.sent - before[0] <= 20 * 20
        assert traffic.received - before[1] <= 20 * 20


@pytest.mark.parametrize(
    ("names", "a0", "cause", "addr"),
    [
        (("a1 from (a0)",), 0x90008, Cause.LOAD, 0x90008),
        (("a1 to (a0)",), 0x90008, Cause.STORE, 0x90008),
        (("a1 to (a0)",), DATA + PAGE + 8, Cause.STORE, DATA + PAGE + 8),
        (("a1 to (a0)",), CODE, Cause.STORE, CODE),
        (("illegal",), 0, Cause.ILLEGAL, 0),
        (("privileged",), 0, Cause.ILLEGAL, 0),
        (("breakpoint",), 0, Cause.BREAKPOINT, 0),
        (("loop",), 0, Cause.SLICE, 0),
        (("a1 from (a0)",), 1 << 63, Cause.LOAD, 1 << 63),
    ],
)
def test_traps(bench, names, a0, cause, addr):
    stop = bench.run(*names, a0=a0)
    assert (stop.cause, stop.addr, stop.registers[m.PC]) == (cause, addr, CODE)


@pytest.mark.parametrize("pc", [0x80000, DATA])
def test_fetches_where_nothing_may_be_fetched(bench, pc):
    stop = bench.run("syscall", pc=pc)
    assert (stop.cause, stop.addr) == (Cause.FETCH, pc)


def test_the_memory_of_the_monitor_is_out_of_reach(bench):
    """Boot loaders leave windows on all memory open to user code."""
    for window in (0x8000_0000_0000_0000, 0x9000_0000_0000_0000, 0xFFFF_FFC0_0000_0000):
        stop = bench.run("a1 from (a0)", a0=window + bench.client.greeting.image)
        assert stop.cause is Cause.LOAD


def test_stores_are_seen_and_named(bench):
    for _ in range(2):
        stop = bench.run("a1 to (a0)", "syscall", a0=DATA + 16, a1=0x1122334455667788)
        assert (stop.cause, stop.dirty) == (Cause.SYSCALL, {bench.base + PAGE})
    data = bench.client.read([(bench.base + PAGE + 16, 8)])[0]
    assert data == struct.pack("<Q", 0x1122334455667788)
    assert bench.run("a1 from (a0)", "syscall", a0=DATA + 16).dirty == frozenset()


def test_pages_of_several_spaces(bench):
    client, base = bench.client, bench.base
    code = struct.pack("<2I", bench.words["a1 from (a0)"], bench.words["syscall"])
    for space in range(1, client.spaces):
        at = base + (4 + space) * PAGE
        client.change(
            [
                m.Write(base, code), m.CodeChanged(), m.Map(space, CODE >> 12, base, 5),
                m.Map(space, DATA >> 12, at, 1), m.Write(at, struct.pack("<Q", 1000 + space)),
                m.SetRegisters(space, ((m.PC, CODE), (bench.a0, DATA))),
            ]
        )  # fmt: skip
    for space in range(1, client.spaces):
        stop = client.run([], space, space, SLICE)
        assert stop.registers[bench.a0 + 1] == 1000 + space


def test_floating_point_registers_stay_with_their_context(bench):
    one = struct.unpack("<Q", struct.pack("<d", 1.5))[0]
    assert bench.run("fa0 = a0", "fa0 += fa0", "syscall", a0=one).cause is Cause.SYSCALL
    client = bench.client
    fa0 = {"riscv64": 10, "loongarch64": 0}[client.arch]
    state = client.floating(0)
    assert struct.unpack_from("<d", state, 8 * fa0) == (3.0,)
    client.change([m.SetFloating(1, bytes(len(state))), m.CopyContext(2, 0)])
    client.change([m.SetRegisters(1, ((m.PC, 0x70000),))])
    client.run([], 0, 1, SLICE)
    assert client.floating(2) == state
    assert client.floating(1) == bytes(len(state))


def test_a_fault_of_the_monitor_itself_is_told_and_survived(bench):
    with pytest.raises(Refused) as caught:
        bench.client.ask("PEEK", NOWHERE[bench.client.arch], 4)
    assert caught.value.status == p.Status.FAULT
    assert bench.client.ask("ECHO", b"alive")["data"] == b"alive"
    assert bench.run("syscall").cause is Cause.SYSCALL


def test_registers_of_the_uart_itself(bench, machine):
    """The scratch register of a 16550 keeps what is stored there."""
    board = load(f"virt-{machine[1]}")
    uart = MonitorMmio(bench.client, board.uart.base)
    for value in (0x5A, 0xA5):
        uart.write8(7, value)
        assert uart.read8(7) == value
