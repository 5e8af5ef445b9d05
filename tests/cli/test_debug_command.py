"""`starrylab debug` as a user meets it: scripts, options, Ctrl-C, exit status."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from starrylab.userland import compile_c

PROGRAMS = Path(__file__).parent / "programs"
SOURCE = PROGRAMS / "spin.c"


def line(text: str) -> int:
    return next(n for n, t in enumerate(SOURCE.read_text().splitlines(), 1) if text in t)


@pytest.fixture(scope="module")
def program() -> Path:
    return compile_c([SOURCE], "riscv64", flags=("-g", "-O0"))


def command(program: Path, options: Sequence[str], argv: Sequence[str]) -> list[str]:
    bind = f"{program}:/tmp/prog:ro"
    base = [sys.executable, "-m", "starrylab", "debug", "--bind", bind, *options]
    return [*base, "--", "/tmp/prog", *argv]


def debug(program, *commands, argv=(), options=("--batch",), stdin=None, folder=True):
    words = [f"directory {PROGRAMS}"] * folder + list(commands)
    given = [part for word in words for part in ("-ex", word)]
    return subprocess.run(
        command(program, [*options, *given], argv),
        input=stdin, capture_output=True, timeout=60, text=True, check=False,
    )  # fmt: skip


def test_break_print_and_continue(program):
    done = debug(
        program, "break area if p->x == 3", "run", "bt", "print *p", "p/x p->y + 10", "up",
        "info locals", "info args", "continue",
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 14
    out = done.stdout
    assert "area (p=0x" in out
    assert "{x = 3, y = 4, name = 0x" in out
    assert '"second"}' in out
    assert "0xe\n" in out
    assert "total = 2\n" in out
    assert "argc = 1\n" in out
    assert f"{line('/* sum */')}\t        total += area(&places[i]); /* sum */" in out
    assert "total 14" in out
    assert "[Process 1 exited with status 14]" in out


def test_steps_show_source(program):
    done = debug(program, "start", "next", "next", "step", "finish", "next")
    assert done.stderr == ""
    shown = [text for text in done.stdout.splitlines() if "\t" in text]
    assert shown[0].startswith(f"{line('int total = 0')}\t")
    assert any(text.startswith(f"{line('int result')}\t") for text in shown)
    assert "Run till exit from #0  0x" in done.stdout
    assert "Value returned: 2 (0x2)" in done.stdout


def test_a_watchpoint_says_old_and_new(program):
    done = debug(program, "watch rounds", "run", "info watchpoints", "delete", "kill", argv="ab")
    assert "Watchpoint 1: rounds\nOld value = 0\nNew value = 1\n" in done.stdout
    assert "breakpoint already hit 1 time" in done.stdout
    assert "[Process 1 was killed by SIGKILL]" in done.stdout
    assert done.returncode == 137


def test_catch_a_system_call_and_step_into_it(program):
    done = debug(program, "catch syscall writev if fd == 1", "run", "bt 2", "continue", "continue")
    assert "Catchpoint 1 (call to syscall writev)" in done.stdout
    assert "<kernel> writev at starrylab/kernel/syscalls/io.py:" in done.stdout
    assert "#1  <system call> writev(1, " in done.stdout
    assert "Catchpoint 1 (returned from syscall writev = " in done.stdout
    assert done.returncode == 14


def test_input_comes_from_a_file(program, tmp_path):
    (tmp_path / "in").write_text("5\n")
    done = debug(program, "run", argv="x", options=("--batch", "--input", str(tmp_path / "in")))
    assert done.returncode == 19
    assert "total 19" in done.stdout


def test_a_script_is_read_from_a_file_and_ends_at_its_first_error(program, tmp_path):
    script = tmp_path / "script"
    script.write_text(
        "# a comment\nbreak area\ncommands\nsilent\nprint p->name\ncontinue\nend\nrun\n"
    )
    done = debug(program, options=("--batch", "-x", str(script)), folder=False)
    assert '"first"' in done.stdout
    assert '"second"' in done.stdout
    assert "at /usr" not in done.stdout.partition("\n")[2]
    assert done.returncode == 14
    script.write_text("break area\nnonsense\nrun\n")
    done = debug(program, options=("--batch", "-x", str(script)), folder=False)
    assert done.stderr == f'{script}:2: undefined command: "nonsense"; try "help"\n'
    assert done.returncode == 1


def test_commands_come_from_standard_input(program):
    done = debug(program, options=(), stdin="tbreak area\nr\np p->x\nfoo\nc\n")
    assert "\n1\n" in done.stdout
    assert done.stderr == 'undefined command: "foo"; try "help"\n'
    assert done.returncode == 14


def test_a_range_of_code(program):
    done = debug(program, "break area", "run", "disassemble area,+8", "disassemble area,area+8")
    assert done.stderr == ""
    rows = [line for line in done.stdout.splitlines() if re.match(r"(=>|  ) 0x", line)]
    assert 2 * 2 <= len(rows) <= 2 * 4
    assert rows[: len(rows) // 2] == rows[len(rows) // 2 :]


def test_memory_registers_and_code(program):
    done = debug(
        program, "break area", "run", "x/2dw &places", "x/s places[0].name", "info registers sp",
        "p $sp", "disassemble/e", "info maps", "info threads", "info processes", "set var p->x = 9",
        "p places[0].x", "list 1,3", "info signals SIGINT",
    )  # fmt: skip
    assert done.stderr == ""
    out = done.stdout
    assert ":\t1\t2\n" in out
    assert ':\t"first"\n' in out
    assert "\nsp             0x" in out
    assert "=> 0x" in out
    assert "# " in out
    assert "[stack]" in out
    assert '* 1     process 1 "prog" (t) ' in out
    assert "\n9\n" in out
    assert "1\t#include <stdio.h>\n2\t#include <unistd.h>\n3\t" in out
    assert "SIGINT        Yes   Yes    No\n" in out


WRONG = {
    "print nothing": 'no symbol "nothing" in current context',
    "print 1 +": "a syntax error in expression, at its end",
    "condition 9 x": "no breakpoint number 9",
    "delete x": "breakpoint number: not a number: 'x'",
    "frame 99": "no frame at level 99",
    "thread 99": "no thread 99",
    "x/q 0": "undefined output format 'q'",
    "catch": "catch what? syscall, signal, fork, vfork, clone, exec, exit, throw, rethrow, catch",
    "catch syscall nothing": "unknown syscall name: nothing",
    "handle NOSIG stop": "unknown signal: NOSIG",
    "info nothing": 'undefined info: "nothing"; try "help"',
    "s x": "count: not a number: 'x'",
    "de": 'ambiguous command "de": delete, detach',
    "list nowhere": "no source for nowhere",
    "disassemble 0": "no function contains the address",
    "disassemble $pc,+0": "no range of up to 65536 bytes: $pc,+0",
    "watch 1": "cannot watch 1: it is in no memory",
    "watch": "argument required (expression to watch)",
    "set what 1": "set what? var EXPR, scheduler-locking off|step|on, detach-on-fork",
    "until nowhere": "no such place: nowhere",
    "%%%": "not a command: %%%",
    "source /nonexistent": "/nonexistent: No such file or directory",
    "break 5x": "pending",
    "set var 1 = 2": "",
    "info registers q0": "invalid register q0",
    "run": "the program runs already; a new one is a new `starrylab debug`",
}


def test_errors_are_one_line(program):
    commands = ["break area", "run", *WRONG]
    done = debug(program, options=(), stdin="\n".join(commands) + "\n", folder=False)
    messages = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    assert messages[:22] == list(WRONG.values())[:22]
    for message in list(WRONG.values())[-2:]:
        assert message in messages


def test_ctrl_c_pauses_a_running_program(program):
    process = subprocess.Popen(
        command(program, [], ["a", "b"]),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("run\n")
    process.stdin.flush()
    while "total" not in process.stdout.readline():
        pass
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate("bt\nprint rounds > 0\nquit\n", timeout=30)
    assert err == ""
    assert "Thread 1 stopped" in out
    assert "main (argc=3, argv=0x" in out
    assert "\n1\n" in out
    assert process.returncode == 0


def test_an_unknown_program_is_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "starrylab", "debug", "--batch", "--", "/no/such"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 127
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_help_lists_every_command(program):
    done = debug(program, "help", "help stepi", folder=False)
    assert "stepi [N] -- execute one instruction\n" in done.stdout
    assert done.stdout.count(" -- ") > 35


def test_libraries_forks_and_new_programs_of_a_dynamic_system(debian_root):
    words = [
        "break libc.so.6:write", "set detach-on-fork off", "catch exec", "catch fork", "run",
        "continue", "info processes", "continue", "bt 1", "finish", "delete", "continue",
    ]  # fmt: skip
    given = [part for word in words for part in ("-ex", word)]
    done = subprocess.run(
        [sys.executable, "-m", "starrylab", "debug", "--rootfs", str(debian_root), "--batch",
         *given, "--", "/bin/bash", "-c", "/bin/echo one; exit 3"],
        capture_output=True, timeout=60, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 3
    out = done.stdout
    assert "Breakpoint 1 (libc.so.6:write) pending: no function write in libc.so.6" in out
    assert "Catchpoint 3 (forked process 2)" in out
    assert "Catchpoint 2 (exec'd /usr/bin/echo)" in out
    assert "\n  1     bash\n* 2     echo\n" in out
    assert "#0  0x" in out
    assert "libc.so.6" in out
    assert "Value returned: 4 (0x4)" in out
    assert "one\n" in out


def test_a_program_that_waits_is_paused_with_the_kernels_frames(program):
    process = subprocess.Popen(
        command(program, [], ["x"]),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write("echo going\\n\nrun\n")
    process.stdin.flush()
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate("bt\ntype 7\\n\nstepi\ncontinue\n", timeout=30)
    assert err == ""
    assert "#0  <kernel> poll_io at starrylab/kernel/core/poll.py:" in out
    assert "<system call> read(0, 0x" in out
    assert "main (argc=2, argv=0x" in out
    assert "total 21\n" in out
    assert process.returncode == 21
