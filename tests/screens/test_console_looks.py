"""What the console looks like, with fixed data, in a small and a large window."""

from __future__ import annotations

import pytest

from starrylab.app import ConsoleApp
from starrylab.session.inspection.model import (
    AboutCall,
    AboutCalls,
    AboutFiles,
    AboutFolder,
    AboutProcess,
)
from starrylab.session.protocol import Crashed, Output
from tests.screens.fake_client import BUSY, FakeClient
from tests.screens.fixed_answers import CALLS, FILES, FOLDER, MEMORY, PROCESS, SOURCE
from tests.screens.test_debugger_view import REPLIES, STOP
from tests.screens.test_leaks_view import LEAKS

SESSION = (
    "\x1b[1;32mroot@starry\x1b[m:\x1b[1;34m/\x1b[m# ls --color\r\n"
    "\x1b[34mbin\x1b[m  \x1b[34mdev\x1b[m  \x1b[34metc\x1b[m  \x1b[32;1minit\x1b[m  "
    "\x1b[36mlib64\x1b[m  \x1b[30;42mtmp\x1b[m\r\n"
    "\x1b[1;32mroot@starry\x1b[m:\x1b[1;34m/\x1b[m# echo 操作系统 \x1b[7mreverse\x1b[m "
    "\x1b[38;5;208m256\x1b[m \x1b[38;2;120;200;80mtrue colour\x1b[m \x1b[4munderline\x1b[m\r\n"
    "操作系统\r\n# "
).encode()


def show(*events):
    async def run(pilot) -> None:
        app = pilot.app
        for _ in range(200):
            if app.client.starts:
                break
            await pilot.pause(0.01)
        for event in events:
            app.client.happen(event)
        expected = sum(len(event.data) for event in events if isinstance(event, Output))
        for _ in range(200):
            if app.client.drawn == expected:
                break
            await pilot.pause(0.01)
        await pilot.pause(0.1)

    return run


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_console(snap_compare, size) -> None:
    app = ConsoleApp(client=FakeClient())
    assert snap_compare(app, run_before=show(Output(SESSION), BUSY), terminal_size=size)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_crash(snap_compare, size) -> None:
    app = ConsoleApp(client=FakeClient())
    crash = Crashed("the lab process was killed by SIGSEGV", "Fatal Python error\nin hart.run")
    assert snap_compare(app, run_before=show(Output(SESSION), BUSY, crash), terminal_size=size)


def test_light_theme(snap_compare) -> None:
    app = ConsoleApp(client=FakeClient())

    async def light(pilot) -> None:
        pilot.app.theme = "textual-light"
        await show(Output(SESSION), BUSY)(pilot)

    assert snap_compare(app, run_before=light, terminal_size=(140, 40))


def test_zoomed_processes(snap_compare) -> None:
    app = ConsoleApp(client=FakeClient())

    async def zoom(pilot) -> None:
        await show(BUSY)(pilot)
        await pilot.press("f6", "f5")
        await pilot.pause(0.1)

    assert snap_compare(app, run_before=zoom, terminal_size=(120, 30))


VIEWS = {
    "processes": ("alt+2", {AboutProcess(2): PROCESS}, ("down",)),
    "memory": ("alt+3", {}, ()),
    "leaks": ("alt+5", {}, ("s", "r", "enter")),
    "calls": ("alt+6", {AboutCalls(): CALLS, AboutCall("openat"): SOURCE},
              ("right", "right", "right", "down", "enter")),
    "files": ("alt+7", {AboutFiles(): FILES, AboutFolder(b"/"): FOLDER}, ("down",)),
}  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
@pytest.mark.parametrize("name", VIEWS)
def test_view(snap_compare, name, size) -> None:
    key, answers, keys = VIEWS[name]
    client = FakeClient()
    client.answers.update(answers)
    client.leak_answers.update(LEAKS)
    app = ConsoleApp(client=client)

    async def run(pilot) -> None:
        await show(Output(SESSION), BUSY)(pilot)
        await pilot.press(key, *keys)
        if name == "memory":
            app.console_screen.view.answered(MEMORY)
        await pilot.pause(0.2)

    assert snap_compare(app, run_before=run, terminal_size=size)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_debugger(snap_compare, size) -> None:
    client = FakeClient()
    client.replies.update(REPLIES)
    app = ConsoleApp(client=client)

    async def run(pilot) -> None:
        await show(Output(SESSION), BUSY)(pilot)
        client.happen(STOP)
        for _ in range(100):
            if app.console_screen.debugger.state.code is not None:
                break
            await pilot.pause(0.02)
        await pilot.press("f6")
        await pilot.pause(0.2)

    assert snap_compare(app, run_before=run, terminal_size=size)
