"""The real gdb on programs in a lab, by script."""

from __future__ import annotations

import re

import pytest

from tests.debug.gdb.sessions import ListeningLab, interrupting, line_of, program, run_gdb

pytestmark = pytest.mark.usefixtures("gdb_program")


@pytest.fixture(scope="module")
def steps():
    return program("steps")


@pytest.fixture(scope="module")
def many():
    return program("many")


def converse(elf, *commands, argv=(), first=()):
    """Run one gdb on one lab; return what gdb printed, and the lab's end."""
    with ListeningLab(elf, *argv) as lab:
        text = run_gdb(lab.port, commands, first=first)
        return text, lab.finish()


def in_order(text, *patterns):
    """Check that each pattern is found after the one before."""
    at = 0
    for pattern in patterns:
        found = re.compile(pattern).search(text, at)
        assert found is not None, f"no {pattern!r} after {text[at - 80 : at]!r} in:\n{text}"
        at = found.end()


def test_breakpoint_backtrace_step_finish(steps):
    text, (status, out, _) = converse(
        steps, "break add", "continue", "bt", "info breakpoints", "step", "next", "finish",
        "delete", "stepi", "nexti", "until", "info registers pc", "continue",
    )  # fmt: skip
    call, add = line_of("steps", "call"), line_of("steps", "add")
    in_order(
        text,
        rf"Breakpoint 1, add \(a=0, b=1\) at \S*steps\.c:{add}",
        rf"#0  add \(a=0, b=1\) at \S*:{add}",
        rf"#1  .*work \(n=3\) at \S*:{call}",
        rf"#2  .*main \(argc=1, argv=\S*\) at \S*:{line_of('steps', 'first')}",
        "breakpoint already hit 1 time",
        rf"\n{line_of('steps', 'store')}\t",
        rf"\n{line_of('steps', 'return')}\t",
        r"Value returned is \$1 = 1",
        r"exited with code 0?7",
    )
    assert (status, out) == (7, "total 6 counter 6\n")


def test_watchpoints_see_writes_and_reads(steps):
    text, (status, _, _) = converse(
        steps, "watch counter", "continue", "continue", "delete", "rwatch counter", "continue",
        "delete", "awatch counter", "continue", "kill",
    )  # fmt: skip
    in_order(
        text,
        r"Hardware watchpoint 1: counter",
        r"Old value = 0\s+New value = 1\s",
        r"Old value = 1\s+New value = 3\s",
        r"Hardware read watchpoint 2: counter",
        r"Value = 3",
        r"Hardware access \(read/write\) watchpoint 3: counter",
        r"Old value = 3\s+New value = 6|Value = [36]",
    )
    assert status == 137


def test_conditions_and_changed_variables(steps):
    text, (status, out, _) = converse(
        steps, "break add if a == 2", "continue", "print a", "set var counter = 100", "continue"
    )
    in_order(text, r"Breakpoint 1, add \(a=2, b=1\)", r"\$1 = 2")
    assert "counter 103" in out
    assert status == 7


def test_threads_and_ctrl_c(many):
    text, _ = converse(
        many, "break ready", "continue", "info threads", "thread apply all bt", "delete",
        interrupting(0.7), "continue", "info threads", "thread 1", "bt", "monitor waits",
        "kill", argv=["threads"],
    )  # fmt: skip
    in_order(
        text,
        r"hit Breakpoint 1, ready \(\)",
        r"\* 1 +Thread 1\.1 \"many\" \(runs\) +ready \(\)",
        r"2 +Thread 1\.2 \"many\" \(.*\)",
        r"3 +Thread 1\.3 \"many\" \(.*\)",
        r"Thread 3 \(Thread 1\.3",
        r"sleeper \(arg=0x0\)|start \(",
        r"received signal SIGINT, Interrupt\.",
        r"Thread 1\.1 \"many\" \(waits in futex.*\)",
        r"#\d+ .*threads \(\) at \S*many\.c",
        r"pid 1 \(many\) waits in futex",
        r"no deadlock",
    )


def test_the_end_of_the_only_thread_that_may_run(many):
    text, (status, _, _) = converse(
        many, "break short_lived", "continue", "set scheduler-locking on", "continue",
        "info threads", "set scheduler-locking off", "thread 1", "continue", argv=["ends"],
    )  # fmt: skip
    in_order(
        text,
        r"hit Breakpoint 1, short_lived",
        r"No unwaited-for children left\.",
        r"Thread 1\.1 \"many\" \(waits in futex.*\)",
        r"exited with code 04",
    )
    assert status == 4


def test_ctrl_c_of_a_looping_program(many):
    text, _ = converse(
        many, interrupting(0.7), "continue", "bt", "print spins > 0", "kill", argv=["loop"]
    )
    in_order(text, r"SIGINT, Interrupt\.", r"#0  looping \(\)", r"#1 .*main \(", r"\$1 = 1")


def test_ctrl_c_while_everybody_sleeps(many):
    text, _ = converse(many, interrupting(0.7), "continue", "bt", "kill", argv=["pause"])
    in_order(text, r"SIGINT, Interrupt\.", r"#\d+ .*pause \(", r"main \(")


def test_detach_lets_the_program_go_on(steps):
    text, (status, out, _) = converse(steps, "break add", "continue", "detach")
    assert "detached" in text
    assert (status, out) == (7, "total 6 counter 6\n")


def test_fork_follow_parent(many):
    text, (status, out, _) = converse(many, "break in_child", "continue", argv=["forks"])
    in_order(text, r"Detaching after fork from child process 2", r"exited normally")
    assert (status, out) == (0, "child 5\nparent saw 5\n")


def test_fork_follow_child(many):
    text, (status, out, _) = converse(
        many, "set follow-fork-mode child", "break in_child", "continue", "bt", "info inferiors",
        "continue", argv=["forks"],
    )  # fmt: skip
    in_order(
        text,
        r"Attaching after Thread 1\.1 fork to child Thread 2\.2",
        r"Detaching after fork from parent process 1",
        r"Breakpoint 1, in_child \(n=5\)",
        r"#1 .*forks \(n=5\)",
        r"\* 2 +process 2",
        r"Inferior 2 \(process 2\) exited with code 05",
    )
    assert (status, out) == (0, "child 5\nparent saw 5\n")


def test_both_processes_of_a_fork(many):
    text, (status, out, _) = converse(
        many, "set detach-on-fork off", "break in_child", "break waitpid", "continue",
        "info inferiors", "inferior 2", "continue", "bt 2", "inferior 1", "bt 2", "inferior 2",
        "continue", "inferior 1", "continue", argv=["forks"],
    )  # fmt: skip
    in_order(
        text,
        r"hit Breakpoint 2\.1, waitpid \(",
        r"\* 1 +process 1",
        r"  2 +process 2",
        r"hit Breakpoint 1\.2, in_child \(n=5\)",
        r"#1 .*forks \(n=5\)",
        r"#0 .*waitpid \(",
        r"Inferior 2 \(process 2\) exited with code 05",
        r"Inferior 1 \(process 1\) exited normally",
    )
    assert (status, out) == (0, "child 5\nparent saw 5\n")


def test_both_processes_run_at_once(many):
    text, (status, out, _) = converse(
        many, "set detach-on-fork off", "set schedule-multiple on", "break in_child", "continue",
        "info inferiors", "continue", "info inferiors", argv=["forks"],
    )  # fmt: skip
    in_order(
        text,
        r"Switching to Thread 2\.2",
        r"hit Breakpoint 1\.2, in_child \(n=5\)",
        r"  1 +process 1",
        r"\* 2 +process 2",
        r"Inferior 2 \(process 2\) exited with code 05",
        r"  1 +process 1",
    )
    assert (status, out) == (0, "child 5\nparent saw 5\n")


def test_watchpoints_see_what_a_call_writes(many):
    text, (status, _, _) = converse(
        many, "watch buffer[1]", "continue", "bt", "continue", argv=["reads"]
    )
    in_order(
        text,
        r"Hardware watchpoint 1: buffer\[1\]",
        r"Old value = 0 '\\000'\s+New value = 121 'y'",
        r"#\d+ .*read \(",
        r"#\d+ .*reads \(\)",
        r"exited normally",
    )
    assert status == 0


def test_vfork_and_exec_follow_child(many):
    text, (status, out, _) = converse(
        many, "set follow-fork-mode child", "break hello", "continue", "bt 1", "continue",
        argv=["vforks"],
    )  # fmt: skip
    in_order(
        text,
        r"vfork to child Thread 2\.2",
        r"process 2 is executing new program: /prog/many",
        r"hit Breakpoint 1, hello \(\)",
        r"Inferior 2 \(process 2\) exited with code 03",
    )
    assert (status, out) == (0, "hello\nparent saw 3\n")


def test_breakpoints_return_after_a_vfork(many):
    text, (status, out, _) = converse(
        many, "break vforks", "continue", "delete", "break printf", "continue", "bt 2", "continue",
        argv=["vforks"],
    )  # fmt: skip
    in_order(text, r"Breakpoint 1, vforks", r"Detaching after vfork from child process 2",
             r"Breakpoint 2, .*printf", r"#1 .*vforks")  # fmt: skip
    assert (status, out) == (0, "hello\nparent saw 3\n")


def test_exec_is_caught(many):
    text, (status, out, _) = converse(
        many, "catch exec", "break hello", "continue", "continue", "continue", argv=["exec"]
    )
    in_order(
        text,
        r"process 1 is executing new program: /prog/many",
        r"Catchpoint 1 \(exec'd /prog/many\)",
        r"Breakpoint 2, hello \(\)",
        r"exited with code 03",
    )
    assert (status, out) == (3, "hello\n")


def test_signals_stop_pass_and_are_explained(many):
    text, (status, out, _) = converse(
        many, "break handler", "continue", "print $_siginfo.si_signo", "continue", "bt",
        "continue", "print/x $_siginfo._sifields._sigfault.si_addr", "continue", argv=["signals"],
    )  # fmt: skip
    in_order(
        text,
        r"received signal SIGUSR1",
        r"\$1 = 10",
        r"Breakpoint 1, handler \(signo=10\)",
        r"#1  <signal handler called>",
        r"#\d+ .*signals \(\)",
        r"received signal SIGSEGV",
        r"\$2 = 0x10",
        r"terminated with signal SIGSEGV",
    )
    assert (status, out) == (139, "got 10\n")


def test_signals_can_be_kept_from_the_program(many):
    text, (status, out, _) = converse(
        many, "handle SIGUSR1 nostop noprint nopass", "handle SIGSEGV stop", "continue", "kill",
        argv=["signals"],
    )  # fmt: skip
    assert "SIGUSR1, User" not in text
    assert (status, out) == (137, "got 0\n")


def test_what_info_shows(steps):
    text, _ = converse(
        steps, "info proc mappings", "info auxv", "info proc", "info os processes",
        "info os threads",
        "monitor ps", "monitor help", "monitor nonsense", "kill",
    )  # fmt: skip
    in_order(
        text,
        r"0x[0-9a-f]+ +0x[0-9a-f]+ +0x[0-9a-f]+ +0x0 +r--p +/prog/steps",
        r"\[stack\]",
        r"\[vdso\]",
        r"AT_PAGESZ +System page size +4096",
        r"AT_ENTRY",
        r"AT_EXECFN .*\"/prog/steps\"",
        r"exe = '/prog/steps'",
        r"pid +user +command +parent +cores",
        r"1 +0 +steps",
        r"\* +1 +0 +1 steps",
        r"stack +Show",
        r"nonsense: no such command",
    )


def test_our_stack_is_gdbs(steps):
    text, _ = converse(steps, "break add", "continue", "bt", "monitor stack", "kill")
    gdbs = re.findall(
        r"^#\d+ +(?:0x\w+ in )?(\w+) \(.*\) at \S*?(\w+\.c):(\d+)$", text, re.MULTILINE
    )
    ours = re.findall(r"^ +\d+: (\w+)\n +at \S*?(\w+\.c):(\d+)\b", text, re.MULTILINE)
    assert [frame[0] for frame in gdbs] == ["add", "work", "main"]
    assert ours[:3] == gdbs


def test_several_gdbs_one_after_the_other(many):
    with ListeningLab(many, "loop", option="0,nowait") as lab:
        for _ in range(2):
            text = run_gdb(lab.port, ["bt", "detach"])
            in_order(text, r"#0  looping \(\)", "detached")
        text = run_gdb(lab.port, ["kill"])
        status, _, said = lab.finish()
    assert "killed" in text
    assert status == 137
    assert said.count("gdb is gone; the lab goes on") == 2


def test_dynamic_program_with_the_guests_own_files(debian_root):
    with ListeningLab(None, "/bin/echo", "from", "the", "guest", root=debian_root) as lab:
        text = run_gdb(
            lab.port,
            ["break main", "break puts", "continue", "info sharedlibrary", "catch load",
             "tbreak exit", "continue", "bt", "kill"],
            first=["set breakpoint pending on", "set sysroot target:"],
        )  # fmt: skip
    in_order(
        text,
        r"Breakpoint 1, .*main \(\)",
        r"Yes \(\*\) +target:/lib/ld-linux-riscv64-lp64d\.so\.1",
        r"Yes \(\*\) +target:\S*/libc\.so\.6",
        r"exit \(\) from target:\S*/libc\.so\.6",
    )


def test_attaching_to_a_second_process(debian_root):
    command = "sleep 30 & wait; echo over $?"
    with ListeningLab(None, "/bin/bash", "-c", command, option="0,nowait", root=debian_root) as lab:
        text = run_gdb(
            lab.port,
            [interrupting(1.0), "continue", "info os processes", "add-inferior",
             "inferior 2", "attach 2", "info inferiors",
             "monitor stack", "kill inferiors 2", "inferior 1", "detach"],
            first=[f"set sysroot {debian_root}"],
            target="extended-remote",
        )  # fmt: skip
        status, out, err = lab.finish()
    in_order(
        text,
        r"2 +0 +sleep +1",
        r"\* 2 +process 2",
        r"\d: clock_nanosleep\(",
        r"detached",
    )
    assert (status, out) == (0, "over 0\n")
    assert "Killed" in err


def test_thread_local_variables():
    text, _ = converse(
        program("local"), "break together", "continue", "print mine", "thread 1", "print mine",
        "set var mine = 70", "continue",
    )  # fmt: skip
    in_order(text, r"Breakpoint 1, together \(\)", r"\$1 = 9", r"\$2 = 7", "exited with code 0106")


def test_functions_of_the_program_can_be_called(steps):
    text, (status, out, _) = converse(
        steps, "break add", "continue", "delete", "print add(10, 20)", "bt 1", "continue"
    )
    in_order(text, r"\$1 = 30", r"#0  add \(a=0, b=1\)")
    assert (status, out) == (7, "total 6 counter 36\n")


def test_a_panic_of_the_kernel_can_be_looked_at(many):
    patch = "from starrylab.kernel.files.pipe import PipeWriter\nPipeWriter.write_user = None"
    with ListeningLab(many, "reads", patch=patch) as lab:
        text = run_gdb(lab.port, ["continue", "bt", "monitor stack", "continue"])
        status, _, err = lab.finish()
    in_order(
        text,
        r"kernel panic: TypeError: 'NoneType' object is not callable",
        r"received signal SIGABRT",
        r"#\d+ .*reads \(\)",
        r"\d: reads",
    )
    assert status == 70
    assert "TypeError" in err
