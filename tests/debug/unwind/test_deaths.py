"""Stacks of programs that die, and of a kernel that panics under one."""

from __future__ import annotations

import sys

import pytest

from starrylab.debug.last_stacks import Death, LastStacks, PanicReport
from starrylab.debug.stack import FrameKind, Stacks
from starrylab.debug.stack_text import format_stack
from starrylab.userland import BuildError

from .programs import MUSL, PROGRAMS, Program, build
from .stops import Machine

FAULTS = Program(
    "faults", "faults.c", (*MUSL, "-O2", "-fno-stack-protector", "-fomit-frame-pointer")
)


@pytest.fixture(scope="module")
def executable():
    try:
        return build(FAULTS)
    except BuildError as error:
        pytest.fail(str(error))


def die(executable, how: str) -> Death:
    machine = Machine(None, executable.parent)
    last = LastStacks(Stacks(machine.kernel))
    machine.run([b"/prog/faults", how.encode()])
    machine.close()
    (death,) = last.deaths.values()
    return death


def functions(death: Death) -> list[str]:
    return [frame.function for frame in death.frames]


def test_a_call_through_a_null_pointer(executable) -> None:
    death = die(executable, "n")
    assert functions(death)[:3] == ["", "call", "main"]
    assert (death.frames[0].pc, death.frames[0].text) == (0, "address 0")
    assert (death.frames[1].file.rpartition("/")[2], death.frames[1].line) == ("faults.c", 17)


def test_a_call_of_an_address_that_is_not_mapped(executable) -> None:
    death = die(executable, "w")
    assert functions(death)[:3] == ["", "call", "main"]
    assert death.frames[0].text == "in no mapped file"


def test_a_fault_in_the_first_instruction_of_a_function(executable) -> None:
    death = die(executable, "f")
    assert functions(death)[:2] == ["load", "main"]
    assert death.frames[0].offset == 0
    assert death.frames[0].line == 12


def test_a_stack_that_overflows(executable) -> None:
    death = die(executable, "e")
    assert set(functions(death)) == {"endless"}
    assert len(death.frames) == 128
    assert death.frames[-1].text == "more than 128 frames"
    assert death.frames[-1].cfa > death.frames[0].cfa


def test_a_fault_in_a_handler(executable) -> None:
    death = die(executable, "h")
    names = functions(death)
    signal = next(i for i, f in enumerate(death.frames) if f.kind is FrameKind.SIGNAL)
    assert names[:signal] == ["handler"]
    assert death.frames[signal].text == "SIGUSR1"
    assert names[signal + 1 :].index("raise") < names[signal + 1 :].index("main")


def test_a_smashed_stack(executable) -> None:
    death = die(executable, "s")
    (frame,) = death.frames  # it returned to what it had written
    assert frame.pc == 0x4141414141414140
    assert frame.text == "in no mapped file; no call frame information, and no return address"


def test_code_that_nothing_describes(executable) -> None:
    death = die(executable, "m")
    assert functions(death)[:3] == ["", "made", "main"]
    assert death.frames[0].how == "return address register"


@pytest.mark.parametrize(("how", "signal"), [("a", "SIGABRT"), ("g", "SIGUSR2")])
def test_signals_that_were_sent(executable, how: str, signal: str) -> None:
    if how == "g":  # no core-dump action: no report
        with pytest.raises(ValueError, match="not enough values"):
            die(executable, how)
        return
    death = die(executable, how)
    assert signal in str(death.report)
    assert "abort" in functions(death)
    assert "main" in functions(death)


def test_page_faults_of_a_program_have_whole_stacks() -> None:
    program = next(program for program in PROGRAMS if program.name == "c-O0")
    executable = build(program)
    machine = Machine(None, executable.parent)
    stacks = Stacks(machine.kernel)
    taken = []

    def fault(thread, *_) -> None:
        taken.append(stacks.of(thread, here=sys._getframe()))

    machine.kernel.events.subscribe("page_fault", fault)
    machine.random_stops([b"/prog/c-O0"], 40, (1, 30_000), 1, lambda _thread: None)
    machine.close()
    assert len(taken) > 10
    for frames in taken:
        assert frames[0].kind is FrameKind.KERNEL
        assert frames[-1].text == ""
    names = [[f.function for f in frames if f.kind is FrameKind.USER] for frames in taken]
    assert sum("main" in each for each in names) > 3


def test_a_kernel_panic_under_a_program(executable) -> None:
    machine = Machine(None, executable.parent)
    kernel = machine.kernel
    report = PanicReport(Stacks(kernel))
    kernel.describe_panic = report.describe

    def broken(thread, registers):
        raise KeyError("a table of the kernel")

    mmap = 222
    kernel.calls.list[mmap] = broken
    with pytest.raises(AssertionError):
        machine.run([b"/prog/faults", b"m"])
    machine.close()
    text = kernel.panic_text
    assert text is not None
    assert text.splitlines()[0].endswith("(faults): KeyError: 'a table of the kernel'")
    names = [frame.function for frame in report.frames if frame.kind is FrameKind.USER]
    assert names.index("made") < names.index("main")
    assert "mmap(NULL, 4096," in text
    assert "faults.c:44:" in text
    assert text.endswith(format_stack(report.frames))
