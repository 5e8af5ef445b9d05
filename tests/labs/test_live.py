"""A student's file in a running kernel: put in at boot, and again while it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from starrylab.abi.errno import ENOSYS
from starrylab.kernel.mm.chosen import BadPage
from starrylab.kernel.mm.paged import PagedSpace
from starrylab.kernel.task.limits import Limits
from starrylab.labs import LabError, find
from starrylab.labs.benches import GuestLimit, ScriptedBench, run_program
from starrylab.labs.components import SEAMS, attach, student_calls
from starrylab.labs.live import open_live
from starrylab.labs.printing import Printer
from starrylab.labs.student import KernelPanic, Student, StudentError
from starrylab.machine.scripted import Program, ScriptedContext
from starrylab.userland import compile_c

CALLS = """\
from __future__ import annotations
from starrylab.labs.calls import Int, syscall
NUMBERS = {"twice": 500}
@syscall()
def twice(t: object, value: Int) -> int:
    return FACTOR * value
"""


def folder_of(lab: str, tmp_path: Path) -> Path:
    """Copy the solution of a lab to a folder of its name."""
    found = find(lab)
    folder = tmp_path / found.name
    folder.mkdir()
    for name in found.description.files:
        (folder / name).write_text((found.solution / name).read_text())
    return folder


def test_a_file_that_is_saved_is_put_in(tmp_path: Path) -> None:
    folder = folder_of("3", tmp_path)
    source = folder / "calls.py"
    source.write_text(CALLS.replace("FACTOR", "2"))
    live = open_live(folder)
    bench = ScriptedBench(live.parts)
    bench.hart.numbers["twice"] = 500
    told: list[str] = []
    live.attach(bench.kernel, told.append)

    def save(text: str) -> None:
        source.write_text(text)
        stamp = source.stat().st_mtime_ns + 10_000_000
        os.utime(source, ns=(stamp, stamp))

    def program(m: ScriptedContext) -> Program:
        m.store(m.scratch, (1).to_bytes(8, "little") + bytes(8))  # a second
        yield m.call("twice", 21)
        save(CALLS.replace("FACTOR", "3"))
        yield m.call("nanosleep", m.scratch, 0)
        yield m.call("twice", 21)
        for broken in ("syntax error(", "raise SystemExit"):
            save(broken)
            yield m.call("nanosleep", m.scratch, 0)
        yield m.call("twice", 21)
        save(CALLS.replace("FACTOR", "5"))
        yield m.call("nanosleep", m.scratch, 0)
        yield m.call("twice", 21)
        entry = bench.kernel.calls.entry(500)
        assert entry is not None
        assert entry.name == "twice"  # so stacks and traces have it
        save(CALLS.replace('"twice": 500', ""))
        yield m.call("nanosleep", m.scratch, 0)
        yield m.call("twice", 21)
        yield m.call("exit_group", 0)

    results = bench.run(program)
    assert [result for result in results if result] == [42, 63, 63, 105, -ENOSYS.errno]
    words = [text.split(":")[0] for text in told]
    assert words == ["reloaded", *["not reloaded"] * 2, *["reloaded"] * 2]
    assert "SyntaxError" in told[1]
    assert "SystemExit" in told[2]


def test_pages_go_on_with_new_methods(tmp_path: Path) -> None:
    folder = folder_of("4", tmp_path)
    live = open_live(folder)
    bench = ScriptedBench(live.parts)
    before = bench.kernel.frames.free_frames()
    frame = bench.kernel.frames.alloc()
    source = (folder / "pages.py").read_text().replace("return page\n", "return 0\n", 1)
    (folder / "pages.py").write_text(source)
    student = Student(folder, live.lab.description)

    reload = SEAMS["PageAllocator"].reload
    assert reload is not None
    reload(bench.kernel, student.component("PageAllocator"))
    with pytest.raises(BadPage, match="page 0, which is in use"):
        bench.kernel.frames.alloc()
    bench.kernel.frames.release(frame)
    assert bench.kernel.frames.free_frames() == before


def test_what_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    folder = folder_of("4", tmp_path)
    (folder / "pages.py").write_text("1 / 0\n")
    with pytest.raises(LabError, match="ZeroDivisionError"):
        open_live(folder)
    (folder / "pages.py").write_text("raise SystemExit\n")
    with pytest.raises(LabError, match="SystemExit"):
        open_live(folder)
    with pytest.raises(LabError, match="no lab has that name"):
        open_live(tmp_path)


def test_calls_need_numbers(tmp_path: Path) -> None:
    (tmp_path / "calls.py").write_text("")
    student = Student(tmp_path, find("3").description)
    with pytest.raises(StudentError, match="NUMBERS"):
        student_calls(student.module("calls.py"))


COUNT = """\
#include <stdio.h>
#include <time.h>
int main(int argc, char **argv) {
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (volatile long i = 0; argc > 1 || i < 300000; i++) ;
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%ld\\n", (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec);
    return 7;
}
"""


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    source = tmp_path_factory.mktemp("c") / "count.c"
    source.write_text(COUNT)
    return compile_c([source], "riscv64").read_bytes()


def test_a_program_s_clock_is_its_instructions(counting: bytes) -> None:
    """So two runs are the same to the nanosecond, on whatever host."""
    first, second = (run_program(counting) for _ in range(2))
    assert first.plain() == second.plain()
    assert first.status == 7
    assert int(first.output) >= 300_000 * 3 * 10


def test_limits_are_the_guest_s(counting: bytes) -> None:
    with pytest.raises(GuestLimit, match="instructions"):
        run_program(counting, ["forever"], instructions=2_000_000)
    with pytest.raises(GuestLimit, match="time"):
        run_program(counting, ["forever"], guest_seconds=0.05)


def test_a_panic_tells_the_one_stack(tmp_path: Path) -> None:
    folder = folder_of("3", tmp_path)
    (folder / "calls.py").write_text(CALLS.replace("FACTOR", "(1 // 0)"))
    bench = ScriptedBench()
    attach(bench.kernel, Student(folder, find("3").description))
    bench.hart.numbers["twice"] = 500

    def program(m: ScriptedContext) -> Program:
        yield m.call("twice", 21)

    with pytest.raises(KernelPanic) as caught:
        bench.run(program)
    lines = str(caught.value).splitlines()
    assert "ZeroDivisionError" in lines[0]
    assert any("calls.py:6" in line for line in lines[:4])  # the student's own, above the kernel's
    assert any("traps.py" in line for line in lines)


def test_print_is_a_line_of_the_kernel_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of("3", tmp_path)
    told = CALLS.replace("    return", "    print('two', value)\n    return").replace("FACTOR", "2")
    (folder / "calls.py").write_text(told + "print('loaded')\n")
    live = open_live(folder)
    bench = ScriptedBench(live.parts)
    bench.hart.numbers["twice"] = 500
    live.attach(bench.kernel, str)
    shown: list[bytes] = []
    bench.kernel.klog.console = lambda _level, line: shown.append(line)

    def program(m: ScriptedContext) -> Program:
        yield m.call("twice", 21)
        yield m.call("exit_group", 0)

    assert 42 in bench.run(program)
    assert any(line.endswith(b"two 21") for line in shown)
    lines = [record.text for record in bench.kernel.klog.records]
    assert [line for line in lines if line in (b"loaded", b"two 21")] == [b"loaded", b"two 21"]
    assert capsys.readouterr().out == ""


def test_print_within_print_is_for_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    bench = ScriptedBench()
    printer = Printer()
    printer("early")
    printer.kernel = bench.kernel
    bench.kernel.klog.console = lambda _level, _line: printer("within")
    printer("one", 2, sep="-", end="")
    assert bench.kernel.klog.records[-1].text == b"one-2"
    assert capsys.readouterr().err == "early\nwithin\n"


@pytest.mark.parametrize(
    ("lab", "file", "method", "component"),
    [
        ("4", "pages.py", "free", "PageAllocator"),
        ("6", "lazy.py", "fault", "FaultHandler"),
        ("7", "cow.py", "write", "ForkPolicy"),
        ("8", "loader.py", "build_stack", "ProgramLoader"),
        ("9", "scheduler.py", "tick", "Scheduler"),
        ("10", "waiting.py", "poll_reader", "Pipe"),
        ("13", None, "leave", "SignalHandlers"),
        ("16", None, "fault", "FilePager"),
    ],
)
def test_what_lacks_a_method_is_not_put_in(
    tmp_path: Path, lab: str, file: str | None, method: str, component: str
) -> None:
    folder = folder_of(lab, tmp_path)
    live = open_live(folder)
    bench = ScriptedBench(live.parts)
    live.attach(bench.kernel, str)
    source = folder / (file or live.lab.description.files[0])
    source.write_text(source.read_text().replace(f"def {method}(", f"def {method}_("))
    student = Student(folder, live.lab.description)
    seam = SEAMS[component]
    for change in (seam.attach, seam.reload):
        if change is not None:
            with pytest.raises(StudentError, match=rf"has no {method}\(\)"):
                change(bench.kernel, student.component(component))


def test_programs_that_start_later_have_the_new_methods(tmp_path: Path) -> None:
    folder = folder_of("6", tmp_path)
    live = open_live(folder)
    bench = ScriptedBench(live.parts)
    student = Student(folder, live.lab.description)
    made = student.component("FaultHandler")
    reload = SEAMS["FaultHandler"].reload
    assert reload is not None
    reload(bench.kernel, made)
    space = bench.kernel.new_space(Limits())
    assert isinstance(space, PagedSpace)
    assert type(space.handler) is made
