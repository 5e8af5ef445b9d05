"""The scripted machine itself: tokens, faults, restarts; without any kernel."""

from __future__ import annotations

import pytest

from starrylab.abi import numbers
from starrylab.machine.api import (
    INTERRUPT,
    LEFT,
    READ,
    WRITE,
    Fault,
    Interrupt,
    PageFault,
    SyscallRegisters,
)
from starrylab.machine.scripted import ScriptedContext, ScriptedHart, ScriptedRam, Segv

PAGE = 0x5000


class Handler:
    """Serves calls from a list of results; ``None`` leaves user mode."""

    def __init__(self, *results: int | None) -> None:
        self.results = list(results)
        self.calls: list[SyscallRegisters] = []
        self.faults: list[tuple[int, int]] = []
        self.entry = 0

    def syscall(self, registers: SyscallRegisters) -> int | None:
        self.calls.append(registers)
        return self.results.pop(0)

    def page_fault(self, addr: int, access: int) -> int:
        self.faults.append((addr, access))
        return self.entry


def machine(handler: Handler) -> tuple[ScriptedHart, ScriptedContext]:
    hart = ScriptedHart(ScriptedRam(1 << 20))
    hart.bind(handler)
    return hart, hart.new_context()


def test_a_call_carries_number_and_arguments() -> None:
    handler = Handler(5, None)
    hart, context = machine(handler)

    def program(m):
        yield m.call("write", 1, -1, 3)
        yield m.call("getpid")

    context.pc = hart.start(program, context)
    assert hart.run(context) is LEFT
    assert handler.calls[0] == (1, (1 << 64) - 1, 3, 0, 0, 0, 0, 64)
    names = numbers.names("riscv64")
    assert [names[call[7]] for call in handler.calls] == ["write", "getpid"]
    assert context.results == [5]


def test_results_are_signed() -> None:
    hart, context = machine(Handler(-14 & (1 << 64) - 1, None))

    def program(m):
        assert (yield m.call("getpid")) == -14
        yield m.call("getpid")

    context.pc = hart.start(program, context)
    hart.run(context)


def test_a_restarted_call_is_made_again() -> None:
    handler = Handler(None, 7, None)
    hart, context = machine(handler)

    def program(m):
        assert (yield m.call("read", 3)) == 7
        yield m.call("getpid")

    context.pc = hart.start(program, context)
    assert hart.run(context) is LEFT
    context.set_result(-4)
    context.restart_syscall(3)
    assert hart.run(context) is LEFT
    assert handler.calls[0] == handler.calls[1]


def test_traps_that_are_no_calls() -> None:
    hart, context = machine(Handler())

    def program(_m):
        yield Interrupt()
        yield Fault("breakpoint")

    context.pc = hart.start(program, context)
    assert hart.run(context) is INTERRUPT
    assert hart.run(context) == Fault("breakpoint")
    assert hart.run(context) == Fault("illegal instruction")  # it fell off its end


def test_an_interrupt_from_outside_comes_before_the_next_step() -> None:
    hart, context = machine(Handler())
    context.pc = hart.start(lambda _m: iter(()), context)  # type: ignore[arg-type]
    hart.interrupt()
    assert hart.run(context) is INTERRUPT


def test_a_program_counter_without_a_program_faults() -> None:
    hart, context = machine(Handler())
    context.pc = 0x1234
    assert hart.run(context) == PageFault(0x1234, 4)


def test_memory_goes_through_the_page_table() -> None:
    handler = Handler()
    hart, context = machine(handler)
    hart.use({PAGE >> 12: 0x2000 | READ, (PAGE >> 12) + 1: 0x4000 | READ | WRITE})
    hart.ram.view[0x2FFE:0x3000] = b"ab"
    hart.ram.view[0x4000:0x4002] = b"cd"
    assert context.load(PAGE + 0xFFE, 4) == b"abcd"
    with pytest.raises(Segv) as refused:
        context.store(PAGE, b"x")
    assert (refused.value.addr, refused.value.access) == (PAGE, WRITE)
    assert handler.faults == [(PAGE, WRITE)]
    handler.entry = 0x2000 | READ | WRITE
    context.string(PAGE, b"text")
    assert bytes(hart.ram.view[0x2000:0x2005]) == b"text\0"


def test_a_refused_store_ends_the_turn_with_a_fault() -> None:
    hart, context = machine(Handler())

    def program(m):
        m.store(0x9008, b"x")
        yield m.call("getpid")

    context.pc = hart.start(program, context)
    assert hart.run(context) == PageFault(0x9008, WRITE)


def test_registers_are_saved_and_restored() -> None:
    _hart, context = machine(Handler())
    context.sp = 0x8000
    context.set_tls(0x9000)
    context.set_argument(2, -1)
    saved = context.general()
    context.clear(0x100, 0x200)
    assert (context.pc, context.sp, context.arguments()[2]) == (0x100, 0x200, 0)
    context.set_general(saved)
    assert (context.sp, context.x[4], context.arguments()[2]) == (0x8000, 0x9000, (1 << 64) - 1)


def test_a_debugger_stops_a_script_before_and_after_its_requests():
    from starrylab.machine.api import STEPPED, Break, Watch, Watched

    hart = ScriptedHart(ScriptedRam(1 << 20))
    calls = []

    class Kernel:
        def syscall(self, registers):
            calls.append(registers[0])
            return 5

        def page_fault(self, addr, access):
            return 0

    def program(m):
        m.store(0x1000, b"x")
        yield m.call("close", 1)
        m.load(0x1008, 4)
        yield m.call("close", 2)
        yield m.call("close", 3)

    hart.bind(Kernel())
    table = {1: 0 | 3}
    hart.use(table)
    context = hart.new_context()
    context.pc = token = hart.start(program, context)
    debug = hart.debug()
    debug.set_breakpoints(table, [token])
    debug.set_watched(table, [Watched(0x100A, 1, 1)])
    assert hart.run(context) == Break(token)
    assert debug.step(context) is STEPPED
    assert calls == [1]
    debug.set_breakpoints(table, [])
    assert hart.run(context) == Watch(0x1008, 4, 1)
    assert calls == [1]
    assert debug.step(context) is STEPPED
    assert calls == [1, 2]
