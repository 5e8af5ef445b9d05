"""A program that misbehaves harms itself alone: no panic, no traceback, and the shell goes on.

The programs are the modes of tests/hostile/hostile.c, and some of the built-in ones.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from starrylab.userland import compile_c
from tests import guest

SOURCE = Path(__file__).parent / "hostile" / "hostile.c"
STARRYLAB = [sys.executable, "-m", "starrylab", "run"]

FAULTS = {
    "null": 11, "kernel": 11, "hole": 11, "code": 11, "jump null": 11, "jump wild": 11,
    "jump data": 11, "stack": 11, "no stack": 11, "illegal": 4, "zeros": 4, "break": 5, "csr": 4,
    "mret": 4, "sfence": 4, "amo": 7, "file end": 7,
}  # fmt: skip

#: mode -> what it says when it cannot get more
ENDLESS = {
    "descriptors": "dup: EMFILE\nmany: yes\nchild: exited 0\n",
    "pipes": "pipe: EMFILE\nfull ones: yes\n",
    "sockets": "socketpair: EMFILE\n",
    "terminals": "ptmx: EMFILE\nmany: yes\n",
    "threads": "thread: EAGAIN\nmany: yes\n",
    "areas": "mmap: ENOMEM\nmany: yes\n",
    "bytes": "write: ENOSPC\nmuch: yes\n",
    "names": "files: all made\n",
    "epolls": "nesting: ELOOP\ncycle: ELOOP\nitself: EINVAL\n",
    "queue": "sigqueue: EAGAIN\ntimer_create: EAGAIN\n",
    "chain": "depth: 3000\ngetcwd: yes\nlong name: ENAMETOOLONG\nlong part: ENAMETOOLONG\n"
             "loop: ELOOP\n40 links: 0\n41 links: ELOOP\n",
    "arguments": "1 MiB argument: E2BIG\n100000 variables: exited 0\n"
                 "100 MB of variables: E2BIG\n",
}  # fmt: skip


def lab(script: str, *options: str, timeout: float = 30, stdin: bytes = b"") -> guest.Result:
    """Run a script of the built-in shell; ``hostile`` is in its PATH."""
    program = compile_c([SOURCE], "riscv64")
    result = guest.run(
        ["sh", "-c", f"PATH=$PATH:/tmp/share\n{script}"],
        share=program.parent,
        options=["--cwd", "/tmp", *options],
        timeout=timeout,
        stdin=stdin,
    )
    assert b"Traceback" not in result.stderr, result.stderr.decode(errors="replace")
    assert b"panic" not in result.stderr, result.stderr.decode(errors="replace")
    return result


def test_each_fault_ends_its_process_with_the_right_signal() -> None:
    result = lab("hostile faults")
    expected = "".join(
        f"{name}: signal {number}\n{name}: exited {100 + number}\n"
        for name, number in FAULTS.items()
    )
    assert result.stdout.decode() == expected + "division: exited 0\n" * 2


@pytest.mark.parametrize("mode", ENDLESS)
def test_what_is_taken_without_end_is_limited_and_given_back(mode: str) -> None:
    memory = "free | grep Mem | { read name total used rest; echo $used; }"
    result = lab(f"{memory}; hostile {mode}; {memory}")
    before, *said, after = result.stdout.decode().splitlines(keepends=True)
    assert "".join(said) == ENDLESS[mode], result.stderr.decode()
    assert int(after) <= int(before) + 512


def test_an_endless_loop_is_killed() -> None:
    result = lab("spin & sleep 0.2; kill -9 $!; wait $!; echo $?")
    assert result.stdout == b"137\n"


def test_who_eats_all_memory_is_killed_and_named_in_the_log() -> None:
    script = "hog >/dev/null; echo $?; cat /dev/kmsg & sleep 0.2; kill %1"
    result = lab(script, "--memory", "64M")
    assert result.stdout.startswith(b"137\n")
    assert b"Killed process" in result.stdout
    assert b"(hog)" in result.stdout


@pytest.mark.parametrize(
    ("mode", "memory"), [("forks", "256M"), ("forks", "64M"), ("forks-limited", "256M")]
)
def test_a_shell_answers_beside_a_fork_bomb(mode: str, memory: str) -> None:
    script = f"hostile {mode} & sleep 1; echo here; kill -9 -1; sleep 0.2; echo end"
    result = lab(script, "--memory", memory, timeout=120)
    assert result.stdout == b"here\nend\n", result.stderr.decode()
    assert result.status == 0


def test_the_fork_bomb_of_the_userland_ends_by_itself() -> None:
    result = lab("forkbomb 1; echo here")
    assert result.stdout.endswith(b"here\n")


def test_a_reader_that_leaves_ends_the_writer() -> None:
    with subprocess.Popen([*STARRYLAB, "--", "yes"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as yes:  # fmt: skip
        assert yes.stdout is not None
        assert yes.stderr is not None
        assert yes.stdout.read(2) == b"y\n"
        yes.stdout.close()
        started = time.monotonic()
        assert yes.wait(20) == 141
        assert time.monotonic() - started < 10
        assert yes.stderr.read() == b""


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_stream_that_is_closed_from_the_start(closed: int) -> None:
    shell = f"exec {sys.executable} -m starrylab run -- sh -c 'cat; echo out; echo err >&2'"
    done = subprocess.run(
        ["sh", "-c", f"{shell} {closed}>&-"], input=b"in\n", capture_output=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert b"Traceback" not in done.stdout + done.stderr
    assert (b"out\n" in done.stdout) == (closed != 1)
    assert (b"err\n" in done.stderr) == (closed != 2)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_to_the_host_process_ends_it(number: int, status: int) -> None:
    program = [*STARRYLAB, "--", "sh", "-c", "echo up; while :; do :; done"]
    with subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"up\n"
        running.send_signal(number)
        assert running.wait(20) in (status, -number)
        assert b"Traceback" not in running.stderr.read()


def test_a_sleep_of_three_centuries_is_no_problem() -> None:
    result = lab("sleep 9000000000 & sleep 0.2; kill $!; wait $!; echo $?")
    assert result.stdout == b"143\n"


def test_everything_in_proc_can_be_read_while_processes_come_and_go() -> None:
    # Two wait for more; a page map is as long as the address space.
    script = """
        stress 3 3 1 >/dev/null & n=0
        all() { find /proc /sys -type f | grep -v kmsg | grep -v trace_pipe | grep -v pagemap; }
        while kill -0 %1 2>/dev/null; do
            all | xargs cat >/dev/null 2>&1
            ls -lR /proc >/dev/null 2>&1
            n=$((n + 1))
        done
        wait %1; echo $? $((n > 0))
    """
    result = lab(script, timeout=60)
    assert result.stdout == b"0 1\n", result.stderr.decode(errors="replace")


def test_any_bytes_may_go_to_the_terminal() -> None:
    master, slave = os.openpty()
    script = (
        "head -c 100000 /dev/urandom; printf '\\033[?1049h\\033]0;x\\007\\033c\\033[8;1;1t'; exit 3"
    )
    try:
        done = subprocess.Popen([*STARRYLAB, "--", "sh", "-c", script], stdin=slave, stdout=slave,
                                stderr=subprocess.PIPE)  # fmt: skip
        os.close(slave)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if not os.read(master, 65536):
                    break
            except OSError:  # the last one has closed it
                break
        assert done.wait(10) == 3
        assert done.stderr is not None
        assert done.stderr.read() == b""
        done.stderr.close()
    finally:
        os.close(master)
