"""Shells and full-screen programs on a terminal, as a person at the keyboard meets them."""

from __future__ import annotations

import re
import signal
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.host_pty import HostTerminal, lab

UP, LEFT = "\x1b[A", "\x1b[D"
PROMPT = ("--env", "PS1=$ ")


@pytest.fixture(scope="module")
def _bashes(debian_root: Path) -> Iterator[Reused]:
    with ExitStack() as stack:
        open_bash = partial(lab, "bash", "--norc", root=debian_root, options=PROMPT)
        yield Reused(lambda: stack.enter_context(open_bash()))


class Reused:
    """One shell for many tests, each of which finds it at its prompt and the screen empty."""

    def __init__(self, start: Callable[[], HostTerminal]) -> None:
        self._start = start
        self._terminal: HostTerminal | None = None

    def lend(self) -> HostTerminal:
        terminal = self._terminal
        if terminal is None or not self._is_at_its_prompt(terminal):
            terminal = self._terminal = self._start()
            terminal.see_line("$ ")
        return terminal

    def _is_at_its_prompt(self, terminal: HostTerminal) -> bool:
        """Erase the line and clear the screen; after a test that failed that may not work."""
        terminal.type("\x15\x0c")
        end = time.monotonic() + 2
        while terminal.text != "$\n" and time.monotonic() < end:
            terminal.read(0.05)
        return terminal.text == "$\n"


@pytest.fixture
def bash(_bashes: Reused) -> HostTerminal:
    """Debian's bash."""
    return _bashes.lend()


@pytest.fixture
def shell() -> Iterator[HostTerminal]:
    """The built-in shell."""
    with lab("sh", options=PROMPT) as terminal:
        terminal.see_line("$ ")
        yield terminal


@pytest.fixture(scope="module")
def _tool_bashes(terminal_root: Path) -> Iterator[Reused]:
    with ExitStack() as stack:
        open_bash = partial(lab, "bash", "--norc", root=terminal_root, options=PROMPT)
        yield Reused(lambda: stack.enter_context(open_bash()))


@pytest.fixture
def bash_with_tools(_tool_bashes: Reused) -> HostTerminal:
    """A bash beside programs that make terminals of their own."""
    return _tool_bashes.lend()


# -- line editing -------------------------------------------------------------------------


def edits_a_line(terminal: HostTerminal) -> None:
    """Check the keys of a line editor (readline(3))."""
    terminal.type("cho one two" + "\x01" + "e")  # Ctrl-A
    terminal.see_line("$ echo one two")
    terminal.type("\x05 three\x17")  # Ctrl-E, Ctrl-W
    terminal.see_line("$ echo one two ")
    terminal.type("x" + LEFT + LEFT + "-\r")
    terminal.see("\none two- x\n$")
    terminal.type("rubbish\x15echo good\r")  # Ctrl-U
    terminal.see("\ngood\n$")
    terminal.type(UP + UP)
    terminal.see_line("$ echo one two- x")
    terminal.type("\x7f\x7f!\r")  # erase
    terminal.see("\none two-!\n")


def test_bash_edits_lines(bash: HostTerminal) -> None:
    edits_a_line(bash)


def test_the_built_in_shell_edits_lines(shell: HostTerminal) -> None:
    edits_a_line(shell)


def test_bash_completes_names(bash: HostTerminal) -> None:
    bash.type("echo /usr/share/termin\t")
    bash.see_line("$ echo /usr/share/terminfo/")


def test_canonical_mode_erases_whole_characters(bash: HostTerminal) -> None:
    """The line discipline's own editing (termios(3))."""
    bash.start("cat")
    bash.type("aé€")
    bash.see_line("aé€")
    bash.type("\x7f")
    bash.see_line("aé")
    bash.type("\x7f")
    bash.see_line("a")
    bash.type(" one two\x17")
    bash.see_line("a one")
    bash.type("\x15")
    bash.see_line("")
    bash.type("漢字ok\x7f\x7f\x7f!\r")
    bash.see("\n漢!\n")
    bash.type("\x04")
    bash.see_line("$ ")


def test_a_literal_next_key_and_a_reprint(bash: HostTerminal) -> None:
    bash.start("sh -c 'echo go; cat | od -An -c'")
    bash.see("\ngo\n")
    bash.type("x\x16\x03")
    bash.see_line("x^C")
    bash.type("\x12")
    bash.see("x^C^R\nx^C")
    bash.type("\r\x04")
    bash.see("x 003  \\n")


# -- signals and jobs ---------------------------------------------------------------------


def test_keys_signal_the_foreground_job(bash: HostTerminal) -> None:
    bash.start("sh -c 'echo go; sleep 100'")
    bash.see("\ngo\n")
    bash.type("\x03")
    bash.see("^C\n$")
    assert bash.run("echo $?") == "130\n"
    bash.start("sh -c 'echo again; sleep 100'")
    bash.see("\nagain\n")
    bash.type("\x1c")
    bash.see("^\\Quit")
    bash.see_line("$ ")
    assert bash.run("echo $?") == "131\n"


def test_a_key_ends_a_program_that_only_computes(shell: HostTerminal) -> None:
    shell.start("sh -c 'echo go; exec spin'")
    shell.see("\ngo\n")
    shell.type("\x03")
    shell.see("^C\n$")
    assert shell.run("echo $?") == "130\n"


def stops_and_continues(terminal: HostTerminal) -> None:
    """Check job control (POSIX.1-2017, XCU 2.11)."""
    terminal.start("sh -c 'echo go; exec sleep 100'")
    terminal.see("\ngo\n")  # a key that comes before the job has the terminal is the shell's
    terminal.type("\x1a")
    terminal.see("Stopped")
    terminal.see_line("$ ")
    assert re.search(r"\[1\].*Stopped", terminal.run("jobs"))
    terminal.run("bg")
    assert re.search(r"\[1\].*Running.*sleep 100", terminal.run("jobs"))
    terminal.start("fg")
    terminal.see("\n$ fg\nsh -c 'echo go; exec sleep 100'\n")
    time.sleep(0.1)
    terminal.type("\x03")
    terminal.see_line("$ ")
    assert "sleep" not in terminal.run("jobs")


@pytest.mark.parametrize(
    "loop", ["while :; do for i in 1 2; do :; done; done", "until false; do :; done"]
)
def test_a_key_ends_a_loop_of_the_shell_itself(shell: HostTerminal, loop: str) -> None:
    shell.start(f"echo begun; {loop}")
    shell.see("\nbegun\n")
    shell.type("\x03")
    shell.see("^C\n$")
    assert shell.run("echo $?") == "130\n"


def test_a_key_ends_the_wait_for_a_job(shell: HostTerminal) -> None:
    shell.run("sleep 1000 &")
    shell.start("wait")
    time.sleep(0.2)
    shell.type("\x03")
    shell.see("^C\n$")
    assert shell.run("kill %1; wait %1; echo $?") == "143\n"


def test_bash_controls_jobs(bash: HostTerminal) -> None:
    stops_and_continues(bash)


def test_the_built_in_shell_controls_jobs(shell: HostTerminal) -> None:
    stops_and_continues(shell)


def test_a_job_is_killed_by_its_number(bash: HostTerminal) -> None:
    bash.run("sleep 100 &")
    bash.run("kill %1; wait %1")
    assert bash.run("echo $?") == "143\n"


def test_background_jobs_must_not_read_and_need_leave_to_write(bash: HostTerminal) -> None:
    bash.run("cat &")
    bash.run("sleep 0.1")
    assert "Stopped" in bash.run("jobs -s")
    assert bash.run("ps -o stat= -p $!").startswith("T")
    bash.run("kill %1; wait %1 2>/dev/null")
    bash.run("stty tostop; (echo from behind) &")
    bash.run("sleep 0.1")
    assert "Stopped" in bash.run("jobs -s")
    bash.start("stty -tostop; fg")
    bash.see("\nfrom behind\n")


def test_a_pipeline_is_one_job(bash: HostTerminal) -> None:
    bash.start("yes | (echo go >&2; cat >/dev/null)")
    bash.see("\ngo\n")
    bash.type("\x1a")
    bash.see("Stopped")
    bash.see_line("$ ")
    # The last one may have been stopped before it started a program of its own.
    assert int(bash.run("ps -eo stat= | grep -c '^T$'")) >= 2
    bash.run("kill -9 %1; wait 2>/dev/null")


def test_a_program_that_spoils_the_terminal_leaves_the_shell_unharmed(bash: HostTerminal) -> None:
    bash.run("before=$(stty -g)")
    bash.start("stty raw -echo; echo spoilt")
    bash.see("spoilt")
    bash.wait_until(lambda: bash.line.endswith("$"), "a prompt")
    assert bash.run("echo fine").endswith("fine\n")
    bash.run("stty $before")


# -- the window ---------------------------------------------------------------------------


def test_the_window_and_its_changes_reach_the_guest(bash: HostTerminal) -> None:
    assert bash.run("stty size") == "24 80\n"
    bash.run("trap 'stty size' WINCH")
    bash.resize(30, 100)
    bash.see("30 100")
    bash.run("trap - WINCH")
    bash.start("sh -c \"trap 'stty size; exit' WINCH; echo set; while :; do sleep 0.1; done\"")
    bash.see("\nset\n")
    bash.resize(24, 80)
    bash.see("\n24 80\n")


def test_the_terminal_tells_of_itself(bash: HostTerminal) -> None:
    shown = bash.run("stty -a")
    assert "intr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D;" in shown
    assert " icanon iexten echo " in shown
    assert " iutf8" in shown
    assert bash.run("tty") == "/dev/ttyS0\n"
    assert bash.run("test -t 0 -a -t 1 -a -t 2; echo $?") == "0\n"


# -- reading keys -------------------------------------------------------------------------


def test_a_password_is_not_shown(bash: HostTerminal) -> None:
    bash.start("read -rsp 'Password: ' word")
    bash.see("\nPassword:")
    bash.type("secret\r")
    assert bash.run("echo; echo ${#word}").endswith("6\n")
    assert "secret" not in bash.text


def test_reading_ends_in_time_or_with_a_key(bash: HostTerminal) -> None:
    started = time.monotonic()
    assert bash.run("read -t 0.3 -n 1 key; echo $?$key") == "142\n"
    assert time.monotonic() - started < 5
    bash.start("read -n 1 key; echo =$key=")
    bash.type("q")
    bash.see("=q=")


def test_raw_mode_reads_keys_as_they_are(bash: HostTerminal) -> None:
    bash.run("before=$(stty -g)")
    bash.start("stty raw -echo; echo go; dd bs=1 count=1 2>&- | od -An -c; stty $before")
    bash.see("\ngo")
    bash.type("\x03")
    bash.see("003")
    bash.wait_until(lambda: bash.line.endswith("$"), "a prompt")


# -- full-screen programs -----------------------------------------------------------------


def test_vi_edits_a_file(bash: HostTerminal) -> None:
    bash.start("vi /tmp/text")
    bash.see("~\n~\n")
    bash.see('"/tmp/text" [New')
    bash.type("ifirst line\rsecond líne\x1b")
    bash.wait_until(lambda: bash.screen.display[1].startswith("second líne"))
    bash.type("k0dwA!\x1b:wq\r")
    bash.see("written")
    bash.see_line("$ ")
    assert bash.run("cat /tmp/text") == "line!\nsecond líne\n"


def test_nano_edits_a_file(bash: HostTerminal) -> None:
    bash.start("nano /tmp/note")
    bash.see("GNU nano")
    bash.see("^X Exit")
    bash.type("some words\x18")
    bash.see("Save modified buffer?")
    bash.type("y")
    bash.see("Write to File: /tmp/note")
    bash.type("\r")
    bash.see_line("$ ")
    assert bash.run("cat /tmp/note") == "some words\n"


def test_less_pages_and_searches(bash: HostTerminal) -> None:
    bash.start("seq 1000 | less")
    bash.wait_until(lambda: bash.text.startswith("1\n2\n"))
    bash.see_line(":")
    bash.type(" ")
    bash.wait_until(lambda: bash.text.startswith("24\n25\n"))
    bash.type("/777\r")
    bash.wait_until(lambda: bash.text.startswith("777\n"))
    bash.type("G")
    bash.see("\n1000\n(END)")
    bash.type("q")
    bash.see_line("$ ")


@pytest.mark.parametrize(("program", "sign"), [("top", "load average:"), ("htop", "F10Quit")])
def test_process_viewers_draw_and_quit(bash: HostTerminal, program: str, sign: str) -> None:
    bash.start(f"{program}")
    bash.see(sign)
    bash.see("bash")
    bash.type("q")
    bash.see_line("$ ")


def test_the_built_in_top_draws_and_quits(shell: HostTerminal) -> None:
    shell.start("top")
    shell.see("PID")
    shell.type("q")
    shell.see_line("$ ")
    assert shell.run("echo fine") == "fine\n"


# -- pseudo-terminals inside --------------------------------------------------------------


def test_script_records_a_nested_shell(bash_with_tools: HostTerminal) -> None:
    terminal = bash_with_tools
    terminal.start("script -q /tmp/typescript -c 'bash --norc'")
    terminal.see_line("$ ")
    assert terminal.run("tty") == "/dev/pts/0\n"
    assert terminal.run("stty size") == "24 80\n"
    terminal.start("sh -c 'echo go; exec sleep 100'")
    terminal.see("\ngo\n")  # a key that comes before the job has the terminal is the shell's
    terminal.type("\x1a")
    terminal.see("Stopped")
    terminal.see_line("$ ")
    terminal.start("fg")
    terminal.see("\n$ fg\nsh -c 'echo go; exec sleep 100'\n")
    time.sleep(0.1)
    terminal.type("\x03")
    terminal.see_line("$ ")
    terminal.start("exit 0")
    terminal.wait_until(lambda: terminal.text.endswith("exit\n$\n"))
    assert terminal.run("tty") == "/dev/ttyS0\n"
    assert "Stopped" in terminal.run("cat /tmp/typescript")


# -- the end ------------------------------------------------------------------------------


def test_an_end_of_file_ends_the_shell_with_its_status() -> None:
    with lab("sh", options=PROMPT) as terminal:
        before = terminal.settings()
        terminal.see_line("$ ")
        assert not terminal.settings()[3] & termios.ICANON
        terminal.run("false")
        terminal.type("\x04")
        assert terminal.end() == 1
        assert terminal.settings() == before


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x1c", 131), ("\x04", 0)])
def test_the_first_program_dies_of_keys_like_any_other(key: str, status: int) -> None:
    """It is process 1, but no init."""
    with lab("cat") as terminal:
        terminal.type("hello\r")
        terminal.see("hello\nhello")
        terminal.type(key)
        assert terminal.end() == status


def test_an_init_is_safe_from_keys() -> None:
    with lab() as terminal:
        terminal.wait_until(lambda: terminal.line.endswith("#"), "a prompt")
        terminal.type("kill -INT 1; kill -TERM 1; echo $((1+1))still here\r")
        terminal.see("2still here")


@pytest.mark.parametrize(("signo", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_of_the_host_are_passed_on(signo: int, status: int) -> None:
    with lab("cat") as terminal:
        terminal.type("ready\r")
        terminal.see("ready\nready")
        terminal.process.send_signal(signo)
        assert terminal.end() == status


def test_a_program_that_ignores_the_end_is_ended_when_asked_twice() -> None:
    with lab("sh", "-c", "trap 'echo not yet' TERM; echo ready; while :; do sleep 1; done") as t:
        t.see("ready")
        t.process.send_signal(signal.SIGTERM)
        t.see("not yet")
        t.process.send_signal(signal.SIGTERM)
        assert t.end() == 143


def test_a_window_that_closes_hangs_up() -> None:
    with lab("sh", options=PROMPT) as terminal:
        terminal.see_line("$ ")
        terminal.hang_up()
        assert terminal.end() == 129


def test_a_hang_up_lets_the_program_finish(tmp_path: Path) -> None:
    bind = ("--bind", f"{tmp_path}:/out:rw")
    script = "trap 'echo hung up > /out/log; exit 3' HUP; echo ready; while :; do sleep 0.1; done"
    with lab("sh", "-c", script, options=bind) as terminal:
        terminal.see("ready")
        terminal.hang_up()
        assert terminal.end() == 3
    assert (tmp_path / "log").read_text() == "hung up\n"


def test_output_that_is_read_slowly_arrives_whole() -> None:
    with lab("sh", "-c", "seq 20000; echo the end") as terminal:
        time.sleep(1)
        assert terminal.end() == 0
        terminal.see("the end")
    numbers = [int(n) for n in bytes(terminal.output).split() if n.isdigit()]
    assert numbers == list(range(1, 20001))


def test_typing_ahead_loses_nothing() -> None:
    """A megabyte pasted at once: the UART's flow control holds it back (RTS)."""
    lines = b"".join(b"%063d\n" % n for n in range(16384))
    with lab("sh", "-c", "stty -echo; echo ready; wc -c; echo done") as terminal:
        terminal.see("ready")
        terminal.type(lines)
        terminal.type(b"\x04")
        assert terminal.end() == 0
        assert f"{len(lines)}\ndone" in terminal.text.replace(" ", "")
