"""Full-screen programs, as a person at the keyboard meets them."""

from __future__ import annotations

import time

from tests.host_pty import HostTerminal

ESC = "\x1b"


def test_nano_writes_what_was_typed(bash: HostTerminal) -> None:
    bash.start("nano /tmp/nano.txt")
    bash.see("GNU nano")
    bash.see("[ New File ]")
    bash.type("first line\rsecond")
    bash.see("second")
    bash.see("/tmp/nano.txt *")
    bash.type("\x0f")  # Ctrl-O
    bash.see("Write to File: /tmp/nano.txt")
    bash.type("\r")
    bash.see("[ Wrote 2 lines ]")
    bash.type("\x17line\r")  # Ctrl-W: search
    bash.see_line("first line")
    bash.type("\x18")
    bash.see_line("$")
    assert bash.run("cat /tmp/nano.txt") == "first line\nsecond\n"


def test_vim_edits_and_saves(bash: HostTerminal) -> None:
    bash.run("seq 100 >/tmp/vim.txt")
    bash.start("vim /tmp/vim.txt")
    bash.see('"/tmp/vim.txt" 100L')
    bash.type("50G")
    bash.see("50,1")
    bash.type("cwfifty" + ESC + ":%s/^9/nine-/" + "\r")
    bash.see("11 substitutions on 11 lines")
    bash.type("ggdGihello" + ESC)
    bash.see("hello")
    bash.type("uu:wq\r")
    bash.see("100L, 339B written")
    bash.see_line("$")
    assert bash.run("sed -n '50p;99p;$=' /tmp/vim.txt") == "fifty\nnine-9\n100\n"


def resize_until_drawn(bash: HostTerminal, rows: int, columns: int) -> None:
    """Resize the window; pull at its corner again whenever less seems to have missed it.

    less misses a signal that comes between its look for one and its read, on Linux as here.
    """
    drawn = len(bash.output)
    pulled: list[float] = []

    def is_drawn() -> bool:
        if not pulled or time.monotonic() > pulled[-1] + 1:
            if pulled:
                bash.resize(rows, columns + 1)
            bash.resize(rows, columns)
            pulled.append(time.monotonic())
        return f"line {rows - 1}".encode() in bash.output[drawn:] and bash.line == ":"

    bash.wait_until(is_drawn, f"{rows - 1} lines")


def test_less_searches_and_moves(bash: HostTerminal) -> None:
    bash.run("seq -f 'line %g' 500 >/tmp/less.txt")
    bash.start("less /tmp/less.txt")
    bash.see_line("/tmp/less.txt")
    bash.type("/line 250\r")
    bash.wait_until(lambda: bash.text.startswith("line 250\n"), "the line found on top")
    bash.type("G")
    bash.see("line 500\n(END)")
    bash.type("g")
    bash.wait_until(lambda: bash.text.startswith("line 1\n") and bash.line == ":", "the beginning")
    resize_until_drawn(bash, 30, 90)
    resize_until_drawn(bash, 24, 80)
    bash.type("q")  # not before: less forgets a key that a signal comes upon
    bash.see_line("$")
