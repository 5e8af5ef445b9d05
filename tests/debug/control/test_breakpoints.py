"""Breakpoints, watchpoints and catchpoints in real programs: places, conditions, counts."""

from __future__ import annotations

import pytest
from elftools.elf.elffile import ELFFile

from starrylab.debug.control import creating
from starrylab.debug.control.api import Access, Action, ControlError, EventKind, Reason
from starrylab.kernel.syscalls import table
from tests.debug.control.conftest import line_of


@pytest.fixture
def bench(debug):
    bench = debug("steps.c", "again", stdin=b"abcdefgh")
    assert bench.debugger.run().reason is Reason.PAUSE
    return bench


def symbol(bench, name):
    """Return the address of a variable."""
    module = next(iter(bench.debugger.stacks.modules(bench.thread.mm)))
    with open(module.image.path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return table.get_symbol_by_name(name)[0]["st_value"] + module.bias


def test_a_function_and_a_line(bench):
    creating.add_breakpoint(bench.debugger, "twice")
    creating.add_breakpoint(bench.debugger, f"steps.c:{line_of('recursion')}")
    stop = bench.go()
    assert (stop.reason, stop.breakpoints, bench.function()) == (Reason.BREAKPOINT, (1,), "twice")
    assert bench.line() == line_of("body of twice")
    hits = []
    while (stop := bench.go()).reason is Reason.BREAKPOINT:
        assert (bench.function(), bench.line()) == ("factorial", line_of("recursion"))
        hits.append(stop.breakpoints)
    assert hits == [(2,)] * 4


def test_conditions_ignore_counts_and_temporary_ones(bench):
    first = creating.add_breakpoint(bench.debugger, "factorial", condition="$a0 == 3")
    bench.go()
    assert bench.line() == line_of("if (n <= 1)")
    assert (first.hits, first.problem) == (1, "")
    creating.change(bench.debugger, 1, enabled=False)
    second = creating.add_breakpoint(bench.debugger, "jumper", ignore=2, temporary=True)
    bench.debugger.handling.stop.clear()
    bench.go()
    assert bench.function() == "jumper"
    assert second.hits == 3
    assert [info.number for info in bench.debugger.points.infos()] == [1]
    assert bench.go().reason is Reason.PROCESS_EXIT


def test_an_error_in_a_condition_stops_and_is_told(bench):
    info = creating.add_breakpoint(bench.debugger, "twice", condition="nonsense > 1")
    assert bench.go().breakpoints == (1,)
    assert 'no symbol "nonsense"' in info.problem


def test_a_condition_that_is_no_expression_is_refused(bench):
    with pytest.raises(ControlError, match="a syntax error in expression"):
        creating.catch_calls(bench.debugger, ["write"], condition="fd ==")
    assert not bench.debugger.points.infos()
    info = creating.add_breakpoint(bench.debugger, "twice", condition="(struct node *)$a0 == 0")
    with pytest.raises(ControlError, match="a syntax error in expression"):
        creating.change(bench.debugger, info.number, condition="(((")
    assert info.condition == "(struct node *)$a0 == 0"


def test_an_unknown_place_is_pending(bench):
    info = creating.add_breakpoint(bench.debugger, "nowhere")
    assert info.problem == "pending: no function nowhere"
    with pytest.raises(ControlError, match="no default source file"):
        creating.add_breakpoint(bench.debugger, "+12")
    with pytest.raises(ControlError, match="more than 64 bits"):
        creating.add_breakpoint(bench.debugger, "*0x10000000000000000")


def test_a_line_alone_is_one_of_the_file_of_main(bench):
    creating.add_breakpoint(bench.debugger, str(line_of("body of twice")))
    bench.go()
    assert bench.function() == "twice"


def test_a_watchpoint_tells_old_and_new(bench):
    addr = symbol(bench, "watched") + 8
    creating.add_watchpoint(bench.debugger, addr, 8, Access.WRITE)
    stop = bench.go()
    assert stop.reason is Reason.WATCHPOINT
    assert (stop.watch.addr, stop.watch.size, stop.watch.access) == (addr, 8, Access.WRITE)
    assert (stop.watch.old, stop.watch.new) == (bytes(8), b"\7" + bytes(7))
    assert bench.line() in (line_of("first write"), line_of("first write") + 1)
    stop = bench.go()  # the second store of 7 changes nothing
    assert (stop.watch.old[0], stop.watch.new[0]) == (7, 128)
    assert stop.breakpoints == (1,)


def test_a_read_into_a_watched_buffer_stops(bench):
    addr = symbol(bench, "buffer")
    creating.add_watchpoint(bench.debugger, addr + 2, 2, Access.WRITE)
    bench.debugger.handling.stop.clear()
    stop = bench.go()
    assert stop.reason is Reason.WATCHPOINT
    assert stop.watch.by_kernel
    assert (stop.watch.addr, stop.watch.old, stop.watch.new) == (addr + 2, b"\0\0", b"cd")


def test_a_system_call_at_entry_and_exit_with_a_condition(bench):
    creating.catch_calls(bench.debugger, ["write", "read"], condition="fd == 1")
    bench.debugger.handling.stop.clear()
    stop = bench.go()
    assert (stop.reason, stop.call.name, stop.call.arguments[0]) == (
        Reason.SYSCALL_ENTRY, "write", 1,
    )  # fmt: skip
    assert bench.output == b""
    stop = bench.go()
    assert (stop.reason, stop.call.result) == (Reason.SYSCALL_EXIT, 6)
    assert bench.go().reason is Reason.PROCESS_EXIT
    bench.lab.finish_output()
    assert bytes(bench.output) == b"hello\n"


def test_a_signal_stops_and_may_be_dropped(bench):
    stop = bench.go()
    assert (stop.reason, stop.signal.signo) == (Reason.SIGNAL, 10)
    creating.add_breakpoint(bench.debugger, "on_signal")
    bench.debugger.resume({stop.tid: Action(signal=0)})
    assert bench.debugger.run().reason is Reason.PROCESS_EXIT


def test_a_signal_goes_on_to_its_handler(bench):
    bench.go()
    creating.add_breakpoint(bench.debugger, "on_signal")
    assert bench.go().reason is Reason.BREAKPOINT
    assert bench.function() == "on_signal"


def test_the_end_is_told(bench):
    creating.catch_event(bench.debugger, EventKind.EXIT)
    bench.debugger.handling.stop.clear()
    stop = bench.go()
    assert stop.reason is Reason.PROCESS_EXIT
    assert stop.status >> 8 == (8 + 120 + 4 + 10 + 3) & 63
    assert bench.go() is None


def test_memory_of_code_is_written_privately(bench):
    add = creating.add_breakpoint(bench.debugger, "twice")
    bench.go()
    debugger, process = bench.debugger, bench.thread.process
    addr = add.addresses[process.pid][0]
    before = debugger.read_memory(process, addr, 4)
    debugger.write_memory(process, addr, b"\x02\x90")
    assert debugger.read_memory(process, addr, 4) == b"\x02\x90" + before[2:]
    creating.change(debugger, 1, enabled=False)
    stop = bench.go()
    assert (stop.reason, stop.signal.signo, stop.pc) == (Reason.SIGNAL, 5, addr)
    with pytest.raises(ControlError, match="cannot access memory at address 0x8"):
        debugger.write_memory(process, 8, b"x")


def test_a_panic_of_the_kernel_can_be_looked_at(bench):
    def broken(thread, registers):
        raise ZeroDivisionError("seeded")

    number = next(n for n, entry in table("riscv64").items() if entry.name == "write")
    bench.kernel.calls.list[number] = broken
    bench.debugger.handling.stop.clear()
    stop = bench.go()
    assert (stop.reason, stop.text) == (Reason.PANIC, "ZeroDivisionError: seeded")
    assert "main" in [frame.function for frame in bench.debugger.stacks.user(bench.thread)]
    assert bench.go() is None
