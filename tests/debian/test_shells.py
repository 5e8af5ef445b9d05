"""Debian's bash at a terminal: jobs, completion, history, loops; and tmux around it."""

from __future__ import annotations

from tests.host_pty import HostTerminal

UP = "\x1b[A"


def test_jobs_stop_and_go_on(bash: HostTerminal) -> None:
    bash.start("sh -c 'echo begun; exec sleep 1000'")
    bash.see("\nbegun\n")
    bash.type("\x1a")
    bash.see("Stopped")
    bash.see_line("$")
    assert "Running" in bash.run("bg >/dev/null; jobs")
    assert bash.run("sleep 2000 & jobs -p | wc -l").splitlines()[-1] == "2"
    bash.start("fg %1")
    bash.see("\nsh -c 'echo begun; exec sleep 1000'\n")
    bash.type("\x03")
    bash.see_line("$")
    assert bash.run("kill %2; wait %2; echo $?").splitlines()[-1] == "143"


def test_names_are_completed(bash: HostTerminal) -> None:
    bash.type("ls -d /usr/share/zoneinfo/Europe/Berl\t")
    bash.see_line("$ ls -d /usr/share/zoneinfo/Europe/Berlin")
    bash.type("\r")
    bash.see("\n/usr/share/zoneinfo/Europe/Berlin\n$")
    bash.type("chgr\t")
    bash.see_line("$ chgrp")
    bash.type("\x15")
    bash.type("echo $HOSTT\t\r")
    bash.see("\nriscv64\n")


def test_history_is_searched(bash: HostTerminal) -> None:
    bash.run("echo needle-$((6*7))")
    bash.run("echo straw")
    bash.type("\x12needle")  # Ctrl-R
    bash.see("(reverse-i-search)`needle': echo needle-$((6*7))")
    bash.type("\r")
    bash.wait_until(lambda: bash.text.count("\nneedle-42\n") == 2, "the command once more")
    bash.type(UP + UP + "\r")
    bash.wait_until(lambda: bash.text.count("\nstraw\n") == 2, "the one before")
    bash.see_line("$")
    assert bash.run("history | tail -1 | sed 's/^ *[0-9]* *//'") == (
        "history | tail -1 | sed 's/^ *[0-9]* *//'\n"
    )


def test_a_compound_command_over_lines(bash: HostTerminal) -> None:
    bash.type("for i in 1 2 3; do\r")
    bash.see_line(">")
    bash.type('echo "pass $i"\r')
    bash.see_line(">")
    bash.type("done | tac\r")
    bash.see("pass 3\npass 2\npass 1\n$")


def test_tmux_shows_two_panes(bash: HostTerminal) -> None:
    bash.start("tmux -f /dev/null new-session 'PS1=one: bash --norc'")
    bash.see("[0] 0:bash*")
    bash.see_line("one:")
    bash.type("\x02%")  # Ctrl-B %: a pane on the right
    bash.wait_until(lambda: "│" in bash.text, "a border")
    bash.type("PS1='two:'; clear; tput cols\r")
    bash.wait_until(lambda: "│39\n" in bash.text, "the width of half a window")
    bash.type("\x02o")
    bash.wait_until(lambda: bash.screen.cursor.x < 40, "the left pane")
    bash.type("stty size; tty; echo $TERM\r")
    bash.see("23 40")
    bash.see("tmux-256color")
    bash.type("seq 100\r")
    bash.wait_until(lambda: "\n100 " in bash.text, "the end of the numbers")
    assert "│39\n" in bash.text  # the other pane stays as it is
    bash.type("exit\r")
    bash.wait_until(lambda: "│" not in bash.text and "two:" in bash.text, "one pane")
    bash.type("exit\r")
    bash.see("[exited]")
    bash.see_line("$")
    assert bash.run("tmux ls 2>&1; pgrep -c tmux").endswith("\n0\n")
