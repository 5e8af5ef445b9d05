"""The debugger's screen: what it asks for, what it draws, and its keys."""

from __future__ import annotations

import pytest
from textual.widgets._toast import Toast
from textual.widgets._tooltip import Tooltip

from starrylab.screens.debug_state import DebugState, Place, addresses_of, places_of
from starrylab.session.debugging import model
from starrylab.session.debugging.model import Resumed, Stopped
from tests.screens.fake_client import BUSY
from tests.screens.test_console_app import console, until
from tests.screens.test_views import pane_text

MAIN = model.FrameInfo("user", 0x10438, "a.out", "main", 8, "/src/a.c", 3, 5, "", (("argc", "1"),))
FRAMES = (
    model.FrameInfo("kernel", 0, "", "_sleep", 0, "time.py", 134, 0, ""),
    model.FrameInfo("syscall", 0, "", "nanosleep", 0, "", 0, 0, "nanosleep({1, 0}, NULL)"),
    MAIN,
    model.FrameInfo("user", 0x9999, "", "", -1, "", 0, 0, "no frame information"),
)
POINT = model.PointInfo(
    1, "breakpoint", "main", True, False, 2, 0, "argc > 1", "", ("0x10438 in main at /src/a.c:3",)
)
REPLIES = {
    model.GetStack: model.Stack(FRAMES),
    model.ListThreads: model.Threads(
        (
            model.ThreadInfo(5, 5, "a.out", "S", MAIN),
            model.ThreadInfo(6, 7, "worker", "t", None),
        )
    ),
    model.ListPoints: model.Points((POINT,)),
    model.GetLocals: model.Locals((model.LocalInfo("argc", "int", "1", True),)),
    model.GetRegisters: model.Registers((("pc", 0x10438), ("sp", 0x3F00), ("a0", None))),
    model.GetSource: model.Source(
        "/src/a.c", 1, ("#include <x.h>", "int main(int argc)", "{ return argc; }")
    ),
    model.Disassemble: model.Code(
        (
            model.CodeRow(0x10434, b"\x01\x11", "addi sp, sp, -32", "", "/src/a.c", 2, True,
                          "sp = sp - 32"),
            model.CodeRow(0x10438, b"\xef\0\0\0", "jal 0x10500", "puts", "/src/a.c", 3, True,
                          "call"),
        ),
        0x10438,
    ),
    model.Evaluate: model.Text("42"),
    model.ExplainRegister: model.Lines(("pc 0x10438", "the program counter")),
}  # fmt: skip
STOP = Stopped("breakpoint", 5, 5, "Breakpoint 1, main", MAIN, (1,), 0, 2)


class Lab:
    """Notes commands and replies at once."""

    def __init__(self) -> None:
        self.commands: list[model.DebugCommand] = []
        self.replies = dict(REPLIES)
        self.said: list[str] = []
        self.state = DebugState(self.send, lambda: None, self.said.append)

    def send(self, command, tell) -> None:
        self.commands.append(command)
        reply = self.replies.get(type(command), model.Done())
        tell(
            model.DebugReply(1, error=reply)
            if isinstance(reply, str)
            else model.DebugReply(1, reply)
        )

    def names(self) -> list[str]:
        return [type(command).__name__ for command in self.commands]


# -- the state alone --------------------------------------------------------------------------


def test_a_stop_is_looked_at() -> None:
    lab = Lab()
    lab.state.stopped(STOP)
    state = lab.state
    assert state.current == MAIN
    assert state.frames == FRAMES
    assert [v.name for v in state.variables] == ["argc"]
    assert state.source is not None
    assert state.code is not None
    assert state.points == (POINT,)
    assert model.Follow(children=True) in lab.commands


def test_registers_that_changed_since_the_last_stop() -> None:
    lab = Lab()
    lab.state.stopped(STOP)
    assert lab.state.changed_registers == frozenset()
    lab.replies[model.GetRegisters] = model.Registers((("pc", 0x1043C), ("sp", 0x3F00)))
    lab.state.stopped(STOP)
    assert lab.state.changed_registers == {"pc"}


def test_registers_with_fields_are_asked_for_until_the_machine_has_none() -> None:
    lab = Lab()
    lab.replies[model.ExplainRegister] = model.Lines(("fcsr = 0x20", "frm [7:5] = 1 (down)"))
    lab.state.stopped(STOP)
    assert lab.state.purposes["fcsr"] == "fcsr = 0x20\nfrm [7:5] = 1 (down)"
    lab.replies[model.ExplainRegister] = "invalid register"
    lab.state.stopped(STOP)
    lab.commands.clear()
    lab.state.stopped(STOP)
    assert "ExplainRegister" not in lab.names()
    assert lab.said == []


def test_a_source_is_asked_for_once() -> None:
    lab = Lab()
    lab.state.stopped(STOP)
    lab.state.stopped(STOP)
    assert lab.names().count("GetSource") == 1


def test_kernel_frames_have_source_and_no_locals() -> None:
    lab = Lab()
    lab.state.stopped(STOP)
    lab.commands.clear()
    lab.state.look_at_frame(0)
    assert lab.names() == ["GetSource"]
    assert lab.state.variables == ()


def test_steps_go_to_the_thread_that_is_looked_at() -> None:
    lab = Lab()
    lab.state.stopped(STOP)
    lab.state.look_at_thread(7)
    lab.commands.clear()
    lab.state.step("next")
    lab.state.look_at_frame(3)
    lab.state.step("finish")
    steps = [command for command in lab.commands if isinstance(command, model.Step)]
    assert [(step.kind, step.tid, step.frame) for step in steps] == [
        ("next", 7, 0), ("finish", 7, 3),
    ]  # fmt: skip


def test_a_running_lab_is_not_stepped() -> None:
    lab = Lab()
    lab.state.step("next")
    lab.state.go_on()
    lab.state.run_to(Place("/src/a.c", 3))
    assert lab.commands == []


def test_a_breakpoint_is_toggled() -> None:
    lab = Lab()
    lab.state.stopped(STOP)
    lab.commands.clear()
    lab.state.toggle_line(Place("/src/a.c", 3))
    lab.state.toggle_line(Place("/src/a.c", 2))
    lab.state.toggle_address(0x10438)
    lab.state.toggle_address(0x10434)
    assert [c for c in lab.commands if not isinstance(c, model.ListPoints)] == [
        model.Delete(1), model.Break("/src/a.c:2"), model.Delete(1), model.Break("*0x10434"),
    ]  # fmt: skip


def test_places_of_breakpoints() -> None:
    point = model.PointInfo(
        2, "breakpoint", "f", True, False, 0, 0, "", "",
        ("0x10 in f at /a b/c.c:7 (pid 3)", "0x20", "0x30 in g at x:y.c:9"),
    )  # fmt: skip
    assert places_of(point) == {Place("/a b/c.c", 7), Place("x:y.c", 9)}
    assert addresses_of(point) == {0x10, 0x20, 0x30}


def test_errors_are_told_and_what_is_only_missing_is_not() -> None:
    lab = Lab()
    lab.replies |= {model.GetLocals: "no locals", model.GetSource: "no file", model.Break: "no f"}
    lab.state.stopped(STOP)
    assert lab.said == []
    assert lab.state.source is None
    lab.state.set_breakpoint("f")
    assert lab.said == ["no f"]


def test_a_process_is_looked_at_when_the_lab_stands() -> None:
    lab = Lab()
    lab.state.look_at_process(6)
    assert lab.names() == ["Pause"]
    lab.state.stopped(STOP)
    assert lab.state.tid == 7


def test_another_machine_begins_anew() -> None:
    lab = Lab()
    lab.state.stopped(STOP)
    lab.state.forget()
    assert lab.state.current is None
    assert lab.state.running
    assert lab.state.points == ()


# -- the screen ---------------------------------------------------------------------------------


async def stopped_console(app, client, pilot):
    client.replies = dict(REPLIES)
    client.happen(BUSY)
    client.happen(STOP)
    view = app.console_screen.debugger
    await until(pilot, lambda: app.console_screen.view is view and view.state.code is not None)
    await pilot.pause()
    return view


async def test_a_stop_shows_the_debugger_and_leaves_the_keys_where_they_were() -> None:
    async with console() as (app, client, pilot):
        view = await stopped_console(app, client, pilot)
        assert app.focused is app.console_screen.terminal
        await pilot.press("n")
        assert client.typed == b"n"
        assert "paused" in str(app.console_screen.title_bar.content)
        assert "Breakpoint 1, main" in str(view.code.border_title)
        client.happen(Resumed())
        await until(pilot, lambda: "running" in str(view.code.border_title))


async def test_code_stack_and_data_are_drawn() -> None:
    async with console() as (app, client, pilot):
        view = await stopped_console(app, client, pilot)
        assert "●▶    3 { return argc; }" in pane_text(view.code)
        stack = pane_text(view.stack)
        for words in ("_sleep  time.py:134", "nanosleep({1, 0}, NULL)", "main(argc=1)  a.c:3",
                      "no frame information"):  # fmt: skip
            assert words in stack
        assert "argc = 1  int" in pane_text(view.data)
        await pilot.press("f6", "right")
        assert "jal 0x10500  → puts" in pane_text(view.code)
        await pilot.press("f6", "right")
        assert "worker" in pane_text(view.stack)
        await pilot.press("right")
        assert "breakpoint main if argc > 1  2 hits" in pane_text(view.stack)
        await pilot.press("f6", "right")
        assert "0x10438" in pane_text(view.data)
        assert "<lost>" in pane_text(view.data)
        assert pane_text(view.data).endswith("   the program counter")  # as if a field of fcsr
        await pilot.press("enter")
        await until(pilot, lambda: any("program counter" in n.message for n in app._notifications))


PARTS = (
    model.LocalInfo("next", "struct node *", "0x0", False),
    model.LocalInfo("value", "struct pair", "{...}", False, expandable=True),
)


def test_variables_open_stay_open_in_their_function_and_close() -> None:
    lab = Lab()
    lab.replies[model.GetLocals] = model.Locals(
        (model.LocalInfo("node", "struct node", "{...}", False, expandable=True),)
    )
    lab.replies[model.Expand] = model.Locals(PARTS)
    lab.state.stopped(STOP)
    lab.state.toggle_variable((0,))
    lab.state.toggle_variable((0, 1))
    assert lab.state.opened == {(0,): PARTS, (0, 1): PARTS}
    lab.state.stopped(STOP)
    assert set(lab.state.opened) == {(0,), (0, 1)}
    lab.state.toggle_variable((0,))
    assert lab.state.opened == {}


async def test_the_tree_of_a_variable_is_drawn() -> None:
    async with console() as (app, client, pilot):
        view = await stopped_console(app, client, pilot)
        client.replies[model.GetLocals] = model.Locals(
            (model.LocalInfo("node", "struct node", "{...}", False, expandable=True),)
        )
        client.replies[model.Expand] = model.Locals(PARTS)
        view.state.look_at_frame(2)
        await pilot.press("f6", "f6", "f6", "enter")
        await until(pilot, lambda: "next = 0x0" in pane_text(view.data))
        assert "▾ node = {...}" in pane_text(view.data)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: (0, 1) in view.state.opened)


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("c", model.Continue()),
        ("f5", model.Continue()),
        ("n", model.Step("next", 5)),
        ("f10", model.Step("next", 5)),
        ("s", model.Step("step", 5)),
        ("f11", model.Step("step", 5)),
        ("f", model.Step("finish", 5, frame=2)),
        ("i", model.Step("stepi", 5)),
        ("I", model.Step("nexti", 5)),
        ("p", model.Pause()),
        ("b", model.Delete(1)),
        ("f9", model.Delete(1)),
        ("u", model.Step("until", 5, location="/src/a.c:3")),
    ],
)
async def test_keys(key, command) -> None:
    async with console() as (app, client, pilot):
        await stopped_console(app, client, pilot)
        await pilot.press("f6")
        await pilot.press(key)
        await until(pilot, lambda: command in client.commands)
        assert client.starts == 1
        assert app.is_running


async def test_moving_over_the_stack_looks_at_each_frame() -> None:
    async with console() as (app, client, pilot):
        view = await stopped_console(app, client, pilot)
        await pilot.press("f6", "f6", "up", "up")
        await until(pilot, lambda: view.state.frame == 0)
        await pilot.press("down", "down")
        await until(pilot, lambda: view.state.current == MAIN)


async def test_words_are_asked_for() -> None:
    async with console() as (app, client, pilot):
        view = await stopped_console(app, client, pilot)
        await pilot.press("f6", "B", *"a.c:7", "enter")
        await until(pilot, lambda: model.Break("a.c:7", file="/src/a.c", line=3) in client.commands)
        await pilot.press("x", *"argc", "enter")
        await until(pilot, lambda: any("argc = 42" in str(n.message) for n in app._notifications))
        await pilot.press("w", "escape")
        assert app.focused is view.code


async def test_an_instruction_is_explained() -> None:
    async with console() as (app, client, pilot):
        view = await stopped_console(app, client, pilot)
        await pilot.press("f6", "right", "home", "enter")
        await until(
            pilot, lambda: any("sp = sp - 32" in str(n.message) for n in app._notifications)
        )
        assert view.code.section == "disassembly"


async def test_the_mouse_explains_an_instruction_and_a_register() -> None:
    async with console(tooltips=True) as (app, client, pilot):
        app.TOOLTIP_DELAY = 0.1  # a shorter one may pass before the timer runs
        view = await stopped_console(app, client, pilot)
        view.code.choose("disassembly")
        await pilot.hover("#debug-code", offset=(20, 2))
        await until(pilot, lambda: "addi sp, sp, -32: sp = sp - 32" in tooltip_text(app))
        await pilot.hover("#debug-code", offset=(20, 9))  # below the last line
        await until(pilot, lambda: view.code.tooltip is None)
        view.data.choose("registers")
        await pilot.hover("#debug-data", offset=(6, 2))
        await until(pilot, lambda: "the program counter" in tooltip_text(app))
        asked = [c for c in client.commands if isinstance(c, model.ExplainRegister)]
        assert [(c.tid, c.frame) for c in asked if c.name == "pc"] == [(5, view.state.frame)]


def tooltip_text(app) -> str:
    tooltip = app.screen.query_one(Tooltip)
    return str(tooltip.content) if tooltip.display else ""


async def test_brackets_of_values_are_shown_as_they_are() -> None:
    async with console(notifications=True) as (app, client, pilot):
        view = await stopped_console(app, client, pilot)
        for words in ("{[0] = 1, [1] = 2}", "[/usr] [bold", "[heap]"):
            client.replies[model.Evaluate] = model.Text(words)
            view.state.evaluate("a")
            await until(pilot, lambda words=words: f"a = {words}" in shown_notes(app))


def shown_notes(app) -> str:
    return "\n".join(str(toast.render()) for toast in app.screen.query(Toast))


async def test_a_pane_of_the_debugger_fills_the_window() -> None:
    async with console() as (app, client, pilot):
        view = await stopped_console(app, client, pilot)
        await pilot.press("f6", "alt+z")
        await until(pilot, lambda: app.console_screen.zoomed is view.code)
        assert not app.console_screen.terminal.display or not app.console_screen.lines.display
        await pilot.press("alt+z")
        await until(pilot, lambda: app.console_screen.zoomed is None)
        assert client.starts == 1


async def test_a_process_is_debugged_from_the_tree() -> None:
    async with console() as (app, client, pilot):
        client.happen(BUSY)
        await pilot.press("alt+2")
        await until(pilot, lambda: app.console_screen.view.processes.marked)
        await pilot.press("d")
        await until(pilot, lambda: model.Pause() in client.commands)
        assert app.console_screen.view is app.console_screen.debugger
