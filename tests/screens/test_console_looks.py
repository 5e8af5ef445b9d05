"""What the console looks like, with fixed data, in a small and a large window."""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.app import ConsoleApp
from starrylab.boards import load
from starrylab.screens.board_work import BoardRow, PortRow
from starrylab.screens.lab_work import GoalRow, LabRow, OpenLab
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


GOALS = (
    GoalRow("once", "Every page is given out once.", 25, "reached"),
    GoalRow("again", "A page that was freed can be had again.", 25, "failed", 2,
            "page 3 was free and never came", 'File "pages.py", line 18, in alloc'),
    GoalRow("runs", "Runs of pages are adjacent.", 50, "skipped", detail="after: A page"),
)  # fmt: skip
LAB = OpenLab(
    LabRow("04-page-allocator", "页分配器 Page allocator", 1.5, started=True, points=25, of=100),
    "# The page allocator\n\nRAM is given out in *pages*.\n\n```\nbitmap  1 1 0 1\n```\n",
    "bitmaps", Path("/home/you/starrylab-labs/04-page-allocator"), ("pages.py",), GOALS,
)  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_labs(snap_compare, size) -> None:
    app = ConsoleApp(client=FakeClient())

    async def run(pilot) -> None:
        view = next(view for view in app.console_screen.views if view.NAME == "Labs")
        view._asked = True  # the course is the test's
        await show(Output(SESSION), BUSY)(pilot)
        await pilot.press("alt+8")
        view.labs.show_course([LAB.row, LabRow("05-byte-allocator", "Byte allocators", 2)])
        view.post_message(view.Changed(LAB, fresh=True))
        await pilot.press("down")
        await pilot.pause(0.2)

    assert snap_compare(app, run_before=run, terminal_size=size)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_boards(snap_compare, size) -> None:
    app = ConsoleApp(client=FakeClient())

    async def run(pilot) -> None:
        view = next(view for view in app.console_screen.views if view.NAME == "Boards")
        view._asked = True
        await show(Output(SESSION), BUSY)(pilot)
        await pilot.press("alt+9")
        problem = "boards/mine/board.toml:3: unknown key 'pizza'"
        rows = [BoardRow("mine", None, problem), BoardRow("visionfive2", load("visionfive2"))]
        view.boards.show_boards(rows)
        view.boards.show_ports([PortRow("/dev/ttyUSB0", "1a86:7523 USB Serial")])
        await pilot.press("down", "enter")
        view.about.say("at the boot loader's prompt")
        view.about.show_progress("monitor at 1500000 baud, 131.2 KiB/s, 1 s left", 0.42)
        await pilot.pause(0.2)

    assert snap_compare(app, run_before=run, terminal_size=size)
