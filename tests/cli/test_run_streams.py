"""`starrylab run` in pipelines and scripts: streams, statuses, options of the guest."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.guest import run
from tests.host_pty import STARRYLAB, HostTerminal, lab


def start(*argv: str, **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*STARRYLAB, "run", "--", *argv], **more)  # type: ignore[call-overload,no-any-return]


# -- standard input and output ------------------------------------------------------------


def test_input_passes_through() -> None:
    assert run(["cat"], stdin=b"hi\n").stdout == b"hi\n"
    assert run(["wc", "-c"], stdin=b"").stdout.split() == [b"0"]


@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_large_data_passes_through_unchanged(tmp_path: Path, kind: str) -> None:
    data = random.Random(1).randbytes(10_000_000)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    if kind == "file":
        with source.open("rb") as stdin, target.open("wb") as stdout:
            assert start("cat", stdin=stdin, stdout=stdout).wait(60) == 0
    else:
        command = f"cat {source} | {' '.join(STARRYLAB)} run -- cat | cat > {target}"
        subprocess.run(command, shell=True, check=True, timeout=60)
    assert hashlib.md5(target.read_bytes()).digest() == hashlib.md5(data).digest()


def test_output_and_errors_are_kept_apart() -> None:
    result = run(["sh", "-c", "echo out; echo err >&2; exit 5"])
    assert (result.stdout, result.stderr, result.status) == (b"out\n", b"err\n", 5)


def test_missing_streams_are_empty() -> None:
    command = f"{' '.join(STARRYLAB)} run -- sh -c 'cat; echo seen' <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (b"seen\n", b"", 0)
    command = f"{' '.join(STARRYLAB)} run -- sh -c 'echo out; exit 4' <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], check=False, timeout=60).returncode == 4


def test_streams_can_be_opened_by_name() -> None:
    script = "cat /dev/stdin; echo out >/dev/stdout; echo err >/dev/stderr; echo a | cat /dev/fd/0"
    result = run(["sh", "-c", script], stdin=b"in\n")
    assert (result.stdout, result.stderr) == (b"in\nout\na\n", b"err\n")


def test_process_substitution(debian_root: Path) -> None:
    result = run(["bash", "-c", "paste <(seq 3) <(seq 4 6); wc -l < <(seq 3)"], root=debian_root)
    assert result.stdout == b"1\t4\n2\t5\n3\t6\n3\n"


def test_a_reader_that_leaves_ends_the_writer() -> None:
    writer = start("yes", stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.read(4) == b"y\ny\n"
    writer.stdout.close()
    assert writer.wait(20) == 128 + signal.SIGPIPE


def test_a_slow_reader_does_not_stop_the_machine() -> None:
    """The program waits at its pipe, and what runs beside it goes on."""
    script = "(sleep 0.3; echo beside >&2) & exec yes"
    process = start("sh", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert process.stdout is not None
    assert process.stderr.readline() == b"beside\n"
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    rest = process.stdout.read()
    process.stderr.close()
    process.stdout.close()
    assert process.wait(20) == 128 + signal.SIGTERM
    assert rest == (b"y\n" * len(rest))[: len(rest)]


def test_what_was_written_before_the_end_arrives() -> None:
    process = start("seq", "50000", stdout=subprocess.PIPE)
    assert process.stdout is not None
    time.sleep(1)
    with process.stdout as stdout:
        assert [int(line) for line in stdout] == list(range(1, 50001))
    assert process.wait(20) == 0


def test_a_full_disk_under_the_output_is_told() -> None:
    with open("/dev/full", "wb") as full:
        process = start("yes", stdout=full, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGPIPE
    assert errors.startswith(b"starrylab: standard output: No space left on device;")
    assert errors.count(b"\n") == 1


# -- terminals for some streams only ------------------------------------------------------


def test_a_terminal_for_input_only(tmp_path: Path) -> None:
    """Keys still work; what is typed is shown on the terminal, the output goes elsewhere."""
    target = tmp_path / "output"
    with target.open("wb") as stdout:
        script = "echo ready > /dev/tty; cat"
        with lab("sh", "-c", script, stdout=stdout.fileno(), stderr=stdout.fileno()) as terminal:
            terminal.see("ready")
            terminal.type("typed\r")
            terminal.see("typed")
            terminal.type("\x04")
            assert terminal.end() == 0
    assert target.read_bytes() == b"typed\n"


def test_a_terminal_for_output_only() -> None:
    with open(os.devnull, "rb") as stdin, lab("sh", "-c", "test -t 1 && stty size <&1",
                                              stdin=stdin.fileno()) as terminal:  # fmt: skip
        assert terminal.end() == 0
        terminal.see("24 80")


def test_lines_still_end_properly_beside_a_pipe() -> None:
    """`starrylab run ... | cat` in a terminal: the reader's lines must not become stairs."""
    command = ["sh", "-c", f"{' '.join(STARRYLAB)} run -- sh -c 'seq 3; sleep 0.3' | cat"]
    terminal = HostTerminal(command)
    try:
        assert terminal.end() == 0
        assert terminal.text == "1\n2\n3\n"
    finally:
        terminal.close()


# -- the exit status ----------------------------------------------------------------------


def test_every_status_is_passed_on() -> None:
    for status in (0, 1, 2, 77, 125, 126, 127, 128, 255):
        assert run(["sh", "-c", f"exit {status}"]).status == status


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGUSR1])
def test_death_by_a_signal(signo: int) -> None:
    assert run(["sh", "-c", f"kill -{int(signo)} $$; echo alive"]).status == 128 + signo


def test_processes_left_behind_end_with_the_first() -> None:
    started = time.monotonic()
    assert run(["sh", "-c", "sleep 1000 & spin & exit 3"]).status == 3
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
@pytest.mark.parametrize("program", [("sleep", "100"), ("spin",)])
def test_signals_are_passed_to_the_program(signo: int, program: Sequence[str]) -> None:
    script = f"echo ready; exec {' '.join(program)}"
    process = start("sh", "-c", script, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as stdout:
        assert stdout.readline() == b"ready\n"
        process.send_signal(signo)
        assert process.wait(20) == 128 + signo


def test_an_interrupt_reaches_the_whole_job() -> None:
    """As Ctrl-C would: the shell and what it waits for."""
    script = "trap 'echo caught; exit 9' INT; echo ready; sleep 100; echo not interrupted"
    process = start("sh", "-c", script, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as stdout:
        assert stdout.readline() == b"ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert stdout.read() == b"caught\n"
    assert process.wait(20) == 9


# -- what the guest finds -----------------------------------------------------------------


def test_the_options_describe_the_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKEN_ALONG", "from here")
    monkeypatch.delenv("NOT_HERE", raising=False)
    options = ["--env", "A=1=2", "--env", "EMPTY=", "--env", "TAKEN_ALONG", "--env", "NOT_HERE",
               "--hostname", "lab7", "--cwd", "/tmp", "--user", "1000:1234",
               "--memory", "64M"]  # fmt: skip
    script = (
        'echo "$A/$EMPTY/$TAKEN_ALONG/${NOT_HERE-unset}"; hostname; pwd; id; '
        "head -1 /proc/meminfo; touch /root/x || echo refused"
    )
    result = run(["sh", "-c", script], options=options)
    assert result.stdout.decode().splitlines() == [
        "1=2//from here/unset", "lab7", "/tmp", "uid=1000(user) gid=1234(1234)",
        "MemTotal:          65536 kB", "refused",
    ]  # fmt: skip


def tree(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


CHANGE = (
    "cd /mnt/it; cat old; echo more >> old; echo new > new; rm gone; mkdir d; echo deep > d/deep; "
    "mv moved away; cat old new"
)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    for name in ("old", "gone", "moved"):
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def test_a_bound_folder_is_not_changed(shared: Path) -> None:
    before = tree(shared)
    result = run(["sh", "-ec", CHANGE], options=["--bind", f"{shared}:/mnt/it"])
    assert (result.stdout, result.status) == (b"old\nold\nmore\nnew\n", 0)
    assert tree(shared) == before


def test_a_folder_bound_for_writing_is_changed(shared: Path) -> None:
    result = run(["sh", "-ec", CHANGE], options=["--bind", f"{shared}:/mnt/it:rw"])
    assert result.status == 0
    assert tree(shared) == {
        "old": b"old\nmore\n", "new": b"new\n", "deep": b"deep\n", "away": b"moved\n"
    }  # fmt: skip


def test_a_folder_bound_for_reading_refuses(shared: Path) -> None:
    before = tree(shared)
    script = "cat /mnt/it/old; echo x >> /mnt/it/old; rm /mnt/it/gone; mkdir /mnt/it/d; true"
    result = run(["sh", "-c", script], options=["--bind", f"{shared}:/mnt/it:ro"])
    assert result.stdout == b"old\n"
    assert result.stderr.count(b"Read-only file system") == 3
    assert tree(shared) == before


@pytest.mark.parametrize(("mode", "after"), [("", "one\n"), (":rw", "one\ntwo\n")])
def test_a_single_file_is_bound(tmp_path: Path, mode: str, after: str) -> None:
    file = tmp_path / "file"
    file.write_text("one\n")
    (tmp_path / "secret").write_text("x")
    script = "echo two >> /etc/motd; cat /etc/motd; echo /etc/s*"
    result = run(["sh", "-c", script], options=["--bind", f"{file}:/etc/motd{mode}"])
    assert result.stdout == b"one\ntwo\n/etc/shells\n"
    assert file.read_text() == after


def test_calls_are_traced_to_standard_error() -> None:
    result = run(["cat", "/etc/hostname"], options=["--strace"])
    assert result.stdout == b"starry\n"
    lines = result.stderr.decode().splitlines()
    assert any('openat(AT_FDCWD, "/etc/hostname"' in line for line in lines)
    assert b"\r" not in result.stderr
    result = run(["cat", "/etc/hostname", "/no"], options=["--strace=openat,!read"])
    names = {line.split("] ")[1].split("(")[0] for line in result.stderr.decode().splitlines()
             if "] " in line and "(" in line}  # fmt: skip
    assert names == {"openat"}
    assert b"ENOENT" in result.stderr


def test_counters_are_printed_at_the_end() -> None:
    result = run(["true"], options=["--stats"])
    assert result.stdout == b""
    assert {b"free", b"user", b"total"} <= set(result.stderr.split())
