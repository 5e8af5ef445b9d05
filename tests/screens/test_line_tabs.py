"""Several serial lines as tabs, with a lab that the test plays."""

from __future__ import annotations

from starrylab.app import ConsoleApp
from starrylab.session.protocol import Booted, Output
from tests.screens.fake_client import BUSY, FakeClient
from tests.screens.terminal_oracle import text_of
from tests.screens.test_console_app import console, until
from tests.screens.test_console_looks import SESSION


async def test_a_second_line_has_its_own_keys_output_size_and_mark() -> None:
    async with console() as (app, client, pilot):
        lines = app.console_screen.lines
        assert not lines.strip.display
        await pilot.press("alt+t")
        await until(pilot, lambda: lines.current == 1 and 1 in client.line_sizes)
        assert client.opened == [1]
        assert lines.strip.display
        await pilot.press("a")
        await until(pilot, lambda: client.line_typed == {1: b"a"})
        client.happen(Output(b"on the console"))
        await until(pilot, lambda: lines.strip.names == {0: "ttyS0*", 1: "ttyS1"})
        await pilot.press("alt+pageup", "b")
        await until(pilot, lambda: client.typed == b"b")
        assert lines.strip.names[0] == "ttyS0"
        client.happen(Output(b"beside it", 1))
        shown = lines.terminals[1].terminal
        await until(pilot, lambda: "beside it" in "".join(text_of(shown)))
        await pilot.click(lines.strip, offset=(9, 0))
        await until(pilot, lambda: lines.current == 1)


async def test_a_line_where_nobody_listens_says_so() -> None:
    async with console() as (app, client, pilot):
        client.listening = False
        lines = app.console_screen.lines
        await pilot.press("alt+t")
        await until(pilot, lambda: lines.current == 1)
        assert "listens" in str(lines.terminal.border_title)
        client.happen(Output(b"hello", 1))
        await until(pilot, lambda: str(lines.terminal.border_title) == "ttyS1")


async def test_a_restart_leaves_the_console_alone() -> None:
    async with console() as (app, client, pilot):
        lines = app.console_screen.lines
        await pilot.press("alt+t")
        await until(pilot, lambda: lines.current == 1)
        client.happen(Booted())
        await until(pilot, lambda: list(lines.terminals) == [0])
        await pilot.press("x")
        await until(pilot, lambda: client.typed == b"x")


def test_two_tabs(snap_compare) -> None:
    async def open_line(pilot) -> None:
        app = pilot.app
        await until(pilot, lambda: app.client.starts)
        app.client.happen(BUSY)
        app.client.happen(Output(SESSION))
        await pilot.press("alt+t")
        await until(pilot, lambda: 1 in app.client.line_sizes)
        app.client.happen(Output(b"starry:~# tty\r\n/dev/ttyS1\r\nstarry:~# ", 1))
        app.client.happen(Output(b"\r\nunread\r\n"))
        await pilot.pause(0.3)

    assert snap_compare(
        ConsoleApp(client=FakeClient()), run_before=open_line, terminal_size=(140, 40)
    )


async def test_a_line_that_nobody_opened_does_not_stall_its_writer() -> None:
    async with console() as (_, client, pilot):
        before = client.drawn
        client.happen(Output(b"unasked", 2))
        await until(pilot, lambda: client.drawn == before + len(b"unasked"))
