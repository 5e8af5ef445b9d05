"""The console as a person uses it, with a lab that the test plays."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events

from starrylab.app import ConsoleApp
from starrylab.screens.widgets.later import later
from starrylab.session.protocol import Booted, Crashed, Exited, Failed, Output, Panic
from tests.screens.fake_client import BUSY, FakeClient
from tests.screens.terminal_oracle import text_of


@asynccontextmanager
async def console(size=(140, 40), transcript: Path | None = None, store=None, **extras: bool):
    client = FakeClient(transcript)
    app = ConsoleApp(client=client, store=store)
    async with app.run_test(size=size, **extras) as pilot:
        await until(pilot, lambda: client.starts)
        yield app, client, pilot


async def until(pilot, condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await pilot.pause(0.01)


def screen_text(app) -> str:
    return "\n".join(text_of(app.console_screen.terminal.terminal))


async def test_the_lab_boots_with_the_size_of_the_terminal() -> None:
    async with console() as (app, client, _):
        terminal = app.console_screen.terminal
        assert client.starts == 1
        assert client.size == (terminal.content_size.height, terminal.content_size.width)
        assert client.size == (terminal.terminal.lines, terminal.terminal.columns)


async def test_output_is_drawn_and_credit_given_back() -> None:
    async with console() as (app, client, pilot):
        client.happen(Output("# echo 你好\r\n".encode()))
        await until(pilot, lambda: "你好" in screen_text(app))
        await until(pilot, lambda: client.drawn == len("# echo 你好\r\n".encode()))


async def test_keys_go_to_the_guest_control_keys_too() -> None:
    async with console() as (_, client, pilot):
        await pilot.press("l", "s", "space", "enter", "ctrl+c", "ctrl+q", "ctrl+p", "up", "tab")
        await until(pilot, lambda: client.typed == b"ls \r\x03\x11\x10\x1b[A\t")


async def test_escape_and_r_belong_to_the_guest_while_it_runs() -> None:
    async with console() as (_, client, pilot):
        await pilot.press("escape", "r")
        await until(pilot, lambda: client.typed == b"\x1br")
        assert client.starts == 1


async def test_a_kept_key_reaches_the_guest_after_f4() -> None:
    async with console() as (app, client, pilot):
        await pilot.press("f4", "f5")
        await until(pilot, lambda: client.typed == b"\x1b[15~")
        assert app.console_screen.zoomed is None
        await pilot.press("f5")
        assert app.console_screen.zoomed is app.console_screen.terminal


async def test_application_cursor_keys() -> None:
    async with console() as (app, client, pilot):
        client.happen(Output(b"\x1b[?1hx"))
        await until(pilot, lambda: "x" in screen_text(app))
        await pilot.press("up")
        await until(pilot, lambda: client.typed == b"\x1bOA")


async def test_answers_of_the_terminal_are_typed() -> None:
    async with console() as (_, client, pilot):
        client.happen(Output(b"ab\x1b[6n"))
        await until(pilot, lambda: client.typed == b"\x1b[1;3R")


async def test_panes_zoom_and_split() -> None:
    async with console() as (app, client, pilot):
        screen = app.console_screen
        width = screen.terminal.size.width
        await pilot.press("f8")
        await until(pilot, lambda: screen.terminal.size.width > width)
        await until(pilot, lambda: client.size[1] == screen.terminal.content_size.width)
        await pilot.press("f7", "f7")
        await until(pilot, lambda: screen.terminal.size.width < width)
        await pilot.press("f6")
        assert app.focused is screen.view.processes
        height = screen.view.processes.size.height
        await pilot.press("f8")
        await until(pilot, lambda: screen.view.processes.size.height > height)
        await pilot.press("f5")
        await until(pilot, lambda: screen.view.processes.size.width > 120)
        assert not screen.lines.display
        await pilot.press("f6")  # the next pane takes the window over
        assert app.focused is screen.view.memory
        assert screen.view.memory.display
        assert not screen.view.processes.display
        await pilot.press("f5")
        assert screen.terminal.display
        await pilot.press("f6")
        assert app.focused is screen.terminal


async def test_the_mouse_drags_the_split() -> None:
    async with console() as (app, _, pilot):
        screen = app.console_screen
        bar = screen.split.bar
        before = screen.terminal.size.width
        await pilot.mouse_down(bar, offset=(0, 5))
        await pilot.hover(bar, offset=(-20, 5))
        await pilot.mouse_up(screen, offset=(before - 20, 7))
        await until(pilot, lambda: screen.terminal.size.width < before - 10)


async def test_a_narrow_window_stacks_the_panes() -> None:
    async with console(size=(80, 24)) as (app, client, _):
        screen = app.console_screen
        assert screen.split.stacked
        assert client.size[1] == 78
        assert screen.view.processes.region.y > screen.terminal.region.y


async def test_snapshots_fill_the_panes_and_the_mark_stays_on_its_process() -> None:
    async with console() as (app, client, pilot):
        pane = app.console_screen.view.processes
        client.happen(BUSY)
        await until(pilot, lambda: len(pane._rows) == 6)
        pane.focus()
        await pilot.press("down", "down")
        assert pane._rows[pane.row].process.comm == "find"
        fewer = tuple(process for process in BUSY.processes if process.pid != 2)
        client.happen(type(BUSY)(sequence=3, uptime_ns=66 * 10**9, processes=fewer,
                                 memory=BUSY.memory, memory_total=BUSY.memory_total))  # fmt: skip
        await until(pilot, lambda: len(pane._rows) == 5)
        assert pane._rows[pane.row].process.comm == "find"
        await pilot.press("t", "k")
        await until(pilot, lambda: client.signals == [(7, 15), (7, 9)])


async def test_the_time_in_the_title_goes_on_while_the_machine_rests() -> None:
    async with console() as (app, client, pilot):

        def title() -> str:
            return str(app.console_screen.title_bar.render())

        await until(pilot, lambda: " up " not in title() and client.starts)
        client.happen(BUSY)
        await until(pilot, lambda: " up " in title())
        before = title()
        client.rested_ns = 3600 * 10**9
        await until(pilot, lambda: title() != before)
        assert before.partition("  up ")[0] == title().partition("  up ")[0]
        assert before.partition("  busy ")[2] == title().partition("  busy ")[2]


async def test_a_crash_keeps_everything_and_r_boots_again(tmp_path) -> None:
    async with console(transcript=tmp_path / "x.cast") as (app, client, pilot):
        screen = app.console_screen
        client.happen(Output(b"precious"))
        client.happen(BUSY)
        client.happen(Crashed("the lab process was killed by SIGSEGV", "native trouble"))
        await until(pilot, lambda: screen.banner.display)
        banner = str(screen.banner.content)
        assert "SIGSEGV" in banner
        assert "native trouble" in banner
        assert "x.cast" in banner
        assert "Press r" in banner
        await until(pilot, lambda: "precious" in screen_text(app))
        assert len(screen.view.processes._rows) == 6
        await pilot.press("x", "r")
        await until(pilot, lambda: client.starts == 2)
        await until(pilot, lambda: not screen.banner.display)
        assert client.typed == b""
        assert "precious" not in screen_text(app)


async def test_other_ends_say_what_happened() -> None:
    cases = {
        "status 3": Exited(3 << 8),
        "signal 9": Exited(9),
        "panic": Panic("Traceback\nZeroDivisionError"),
        "The board is lost": Panic("ttyUSB0 is gone", lost=True),
        "did not start": Failed("x.tar is not an archive"),
    }
    async with console() as (app, client, pilot):
        for words, event in cases.items():
            client.happen(event)
            await until(pilot, lambda words=words: words in str(app.console_screen.banner.content))


async def test_a_flood_is_parsed_in_slices_and_keys_get_through() -> None:
    async with console() as (app, client, pilot):
        block = b"\x1b[1my\x1b[m\r\n" * 5000  # plain lines would be drawn too fast to see it
        total = 0
        for _ in range(10):  # half a megabyte at once: more than the lab could have on the way
            client.happen(Output(block))
            total += len(block)
        while not client.drawn:  # noqa: ASYNC110
            await asyncio.sleep(0)
        app.post_message(events.Key("ctrl+c", "\x03"))
        while not client.typed:  # noqa: ASYNC110
            await asyncio.sleep(0)
        drawn_then = client.drawn
        await until(pilot, lambda: client.drawn == total, 90)
        assert drawn_then < total // 4  # the key did not wait for the flood to be drawn
        assert app.console_screen.terminal.terminal.pushed > 45_000


async def test_scroll_back_find_and_copy() -> None:
    async with console() as (app, client, pilot):
        terminal = app.console_screen.terminal
        client.happen(Output(b"".join(b"line %d\r\n" % i for i in range(200))))
        await until(pilot, lambda: "line 199" in screen_text(app))
        await pilot.press("shift+pageup")
        assert terminal.view.back > 20
        await pilot.press("f3")
        await until(pilot, lambda: app.console_screen.search.has_focus)
        await pilot.press(*"line", "space", "4", "2", "enter")
        await until(pilot, lambda: terminal.view.selected_text() == "line 42")
        await pilot.press("escape")
        await until(pilot, lambda: terminal.has_focus)
        await pilot.press("ctrl+shift+c")
        await until(pilot, lambda: app.clipboard == "line 42")
        await pilot.press("x")  # typing goes back to the end
        assert terminal.view.back == 0
        assert client.typed == b"x"


async def test_the_mouse_selects_or_reports() -> None:
    async with console() as (app, client, pilot):
        terminal = app.console_screen.terminal
        client.happen(Output(b"hello world"))
        await until(pilot, lambda: "hello" in screen_text(app))
        await pilot.mouse_down(terminal, offset=(1, 1))
        await pilot.hover(terminal, offset=(5, 1))
        await pilot.mouse_up(terminal, offset=(5, 1))
        await until(pilot, lambda: app.clipboard == "hello")
        client.happen(Output(b"\x1b[?1000h\x1b[?1006h!"))
        await until(pilot, lambda: "!" in screen_text(app))
        await pilot.click(terminal, offset=(3, 2))
        await until(pilot, lambda: client.typed == b"\x1b[<0;3;2M\x1b[<0;3;2m")


async def test_every_key_is_a_described_binding_and_a_command() -> None:
    async with console() as (app, _, pilot):
        ids = [binding.id for bindings in app._bindings.key_to_bindings.values()
               for binding in bindings]  # fmt: skip
        assert all(ids)
        assert len(ids) == len(set(ids))
        assert all(binding.tooltip for bindings in app._bindings.key_to_bindings.values()
                   for binding in bindings)  # fmt: skip
        commands = [command.title for command in app.get_system_commands(app.screen)]
        assert "Zoom (F5)" in commands
        await pilot.press("f2")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_who_joined_sees_an_empty_terminal_when_the_owner_boots_again() -> None:
    async with console() as (app, client, pilot):
        client.owner = False
        client.happen(Output(b"\x1b[?1049hold"))
        client.happen(Panic("a bug"))
        await until(pilot, lambda: "old" in screen_text(app) and app.console_screen.banner.display)
        client.happen(Booted())
        client.happen(Output(b"new"))
        await until(pilot, lambda: "new" in screen_text(app))
        assert "old" not in screen_text(app)
        assert not app.console_screen.terminal.terminal.on_alternate
        assert not app.console_screen.banner.display


async def test_quitting_ends_the_lab() -> None:
    async with console() as (app, client, pilot):
        await pilot.press("f10")
    assert client.closed
    assert app.return_code == 0


async def test_what_is_due_at_once_is_done_too() -> None:
    async with console() as (app, _, pilot):
        done: list[int] = []
        for number in range(100):  # each is late before anybody could have looked
            later(app, 1e-9, lambda number=number: done.append(number))
        await until(pilot, lambda: len(done) == 100)
        assert done == list(range(100))
