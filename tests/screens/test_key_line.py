"""Keys in sight, in the list, and as commands; keys that are pressed twice; tiny windows."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.style import Style

from starrylab.screens.key_help import KeyHelp
from starrylab.screens.settings import Settings, SettingsStore
from starrylab.screens.widgets.key_line import KeyHint, KeyLine, fitting
from starrylab.session.protocol import Output
from tests.screens.fake_client import BUSY
from tests.screens.test_console_app import console, until
from tests.screens.test_debugger_view import STOP


def keys_shown(app) -> list[str]:
    return app.console_screen.query_one(KeyLine).render().plain.split("\n")


@pytest.mark.parametrize("width", [20, 33, 47, 60, 80, 140])
def test_keys_are_left_out_whole_and_the_important_ones_last(width) -> None:
    hints = [
        KeyHint("b", "b", "Breakpoint", "breakpoint", "", kept=False),
        KeyHint("n", "n", "Next", "step('next')", "", kept=False),
        KeyHint("f1", "f1", "Keys", "keys", "", kept=True),
        KeyHint("f2", "f2", "Commands", "command_palette", "", kept=True),
        KeyHint("f6", "f6", "Pane", "next_pane", "", kept=True),
        KeyHint("f9", "f9", "Restart", "restart", "", kept=True),
        KeyHint("f10", "f10", "Quit", "quit", "", kept=True),
    ]
    shown = fitting(hints, width)
    assert shown == [hint for hint in hints if hint in shown]
    assert sum(hint.width for hint in shown) <= width + 1
    if shown and hints[0] in shown:
        assert {"keys", "next_pane", "quit"} <= {hint.action for hint in shown}
    if width > sum(hint.width for hint in hints):
        assert shown == hints


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40)])
async def test_the_list_of_keys_and_the_way_out_are_always_in_sight(size) -> None:
    async with console(size) as (app, _, pilot):
        for number in range(10):
            await pilot.press(f"alt+{number}")
            await until(pilot, lambda: "f1 Keys" in "".join(keys_shown(app)))
            await pilot.pause()
            assert all(len(line) <= size[0] + 1 for line in keys_shown(app))
            # in the debugger F10 steps
            assert number == 4 or "f10 Quit" in "".join(keys_shown(app))


async def test_moving_the_focus_does_not_change_the_terminal_s_size() -> None:
    async with console((140, 40)) as (app, client, pilot):
        before = client.size
        await pilot.press("f6")
        await until(pilot, lambda: "Terminate" in keys_shown(app)[0])
        assert client.size == before


async def test_a_click_on_a_key_is_the_key() -> None:
    async with console((140, 40)) as (app, _, pilot):
        await until(pilot, lambda: "f5 Zoom" in keys_shown(app)[1])
        await pilot.click(KeyLine, offset=(keys_shown(app)[1].index("f5"), 1))
        await until(pilot, lambda: app.console_screen.zoomed is not None)


async def test_remapped_keys_are_shown(tmp_path) -> None:
    store = SettingsStore(tmp_path / "console.json")
    store.settings = Settings(keys={"app.zoom": "f12", "processes.kill": "x"})
    async with console((140, 40), store=store) as (app, _, pilot):
        await pilot.press("alt+2")
        await until(pilot, lambda: "x Kill" in keys_shown(app)[0])
        assert "f12 Zoom" in keys_shown(app)[1]
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Zoom (F12)" in titles
        assert "Processes: Kill (x)" in titles


async def test_all_keys_can_be_read_without_a_mouse_in_a_small_window() -> None:
    async with console((80, 24)) as (app, client, pilot):
        size = client.size
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, KeyHelp))
        box = app.screen.query_one("VerticalScroll")
        await until(pilot, lambda: box.max_scroll_y > 0 and box.has_focus)
        await pilot.press("end")
        await until(pilot, lambda: box.scroll_offset.y == box.max_scroll_y)
        assert client.size == size
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, KeyHelp))
        assert app.focused is app.console_screen.terminal
        assert not client.typed


async def test_the_list_names_no_key_that_the_guest_gets() -> None:
    async with console((140, 40)) as (app, _, _):
        groups = dict(KeyHelp(app.console_screen)._groups)
        assert list(groups) == ["Console", "Everywhere", "Mouse"]
        keys = {key for key, _ in groups["Console"] + groups["Everywhere"]}
        assert keys.isdisjoint({"tab", "shift+tab", "^c super+c"})
        assert {"f1", "f10", "alt+9", "shift+pgup"} <= keys


async def test_what_a_view_does_is_a_command_too() -> None:
    async with console((140, 40)) as (app, client, pilot):
        client.happen(BUSY)
        found = {command.title: command for command in app.get_system_commands(app.screen)}
        assert len(found) == len(list(app.get_system_commands(app.screen)))
        await found["Leaks: Start (s)"].callback()
        await until(pilot, lambda: client.requests)
        assert app.console_screen.view.NAME == "Leaks"
        await found["Debugger: Pause (p)"].callback()
        await until(pilot, lambda: client.commands)
        assert app.focused is app.console_screen.debugger.code


@pytest.mark.parametrize("key", ["f9", "f10"])
async def test_a_key_that_loses_work_is_pressed_twice_in_a_full_screen_program(key) -> None:
    async with console() as (app, client, pilot):
        client.happen(Output(b"\x1b[?1049h"))
        await until(pilot, lambda: app.console_screen.terminal.terminal.on_alternate)
        await pilot.press(key)
        await pilot.pause()
        assert client.starts == 1
        assert app.is_running
        await pilot.press(key)
        await until(pilot, lambda: client.starts == 2 or not app.is_running)


async def test_f10_after_a_breakpoint_was_reached_does_not_end_the_lab() -> None:
    async with console() as (app, client, pilot):
        client.happen(STOP)
        await until(pilot, lambda: app.console_screen.view.NAME == "Debugger")
        assert app.focused is app.console_screen.terminal
        await pilot.press("f10")
        await pilot.pause()
        assert app.is_running


async def test_a_tiny_window_shows_one_pane_at_a_time() -> None:
    async with console((60, 14)) as (app, client, pilot):
        screen = app.console_screen
        await until(pilot, lambda: client.size[0] > 8)
        await pilot.press("alt+3")
        await until(pilot, lambda: screen.zoomed is screen.view.panes[0])
        await pilot.press("f6")
        await until(pilot, lambda: screen.zoomed is screen.view.panes[1])
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: screen.zoomed is None and screen.terminal.region.height > 3)


async def test_no_bar_between_the_areas_of_a_small_window_after_a_view_was_chosen() -> None:
    async with console((80, 24)) as (app, _, pilot):
        before = app.console_screen.split.bar.display
        await pilot.press("alt+2", "f5", "f5", "alt+1")
        await until(pilot, lambda: app.console_screen.view.NAME == "Overview")
        await pilot.pause()
        assert app.console_screen.split.bar.display == before is False


def contrast(style) -> float:
    """WCAG 2.1, 1.4.3: from 1 to 21."""

    def luminance(color) -> float:
        parts = [part / 255 for part in color.get_truecolor()]
        red, green, blue = (
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


async def test_selected_text_and_names_of_keys_can_be_read_in_every_theme() -> None:
    async with console() as (app, _, pilot):
        terminal, line = app.console_screen.terminal, app.console_screen.query_one(KeyLine)
        for theme in app.available_themes:
            if theme.startswith("ansi"):
                continue  # the user's own colours
            app.theme = theme
            await pilot.pause()
            assert contrast(terminal.get_component_rich_style("terminal--selection")) > 3, theme
            for number in (*range(1, 7), *range(8, 15)):  # but for black and white
                colour = app.ansi_theme.ansi_colors[number]
                drawn = Style(
                    color=Color.from_rgb(*colour), bgcolor=terminal.background_colors[1].rich_color
                )
                assert contrast(drawn) > 3, (theme, colour)
            assert contrast(line.get_component_rich_style("key-line--key")) > 4, theme
