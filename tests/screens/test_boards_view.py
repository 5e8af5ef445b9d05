"""Boards on screen: descriptions, a port, what answers there, and its terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import queue
import threading
import tty
from contextlib import contextmanager

import pytest

from starrylab.app import ConsoleApp
from starrylab.boards import images
from starrylab.flash import strategy
from starrylab.flash.errors import FlashError
from starrylab.flash.events import Said, Sent, State, StateChanged
from starrylab.link.port import Port
from starrylab.link.xmodem import Progress
from starrylab.screens import board_work
from starrylab.screens.board_work import PortRow
from starrylab.screens.views import boards as view_module
from starrylab.session.config import BoardPort
from tests.screens.terminal_oracle import text_of
from tests.screens.test_console_app import console, until
from tests.screens.test_views import pane_text


@contextmanager
def prompt_at_a_port():
    """Yield the name of a port at which a boot loader shows a prompt and echoes what is typed."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    heard = bytearray()

    def answer() -> None:
        while True:
            try:
                data = os.read(ours, 100)
            except OSError:
                return
            heard.extend(data)
            os.write(ours, b"\r\n=> " if data == b"\x03" else data)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield os.ttyname(theirs), heard
    finally:
        os.close(theirs)
        os.close(ours)
        thread.join(5)


async def ask(pilot, view, key: str, answer: object) -> None:
    """Press a key that asks for words, and give them."""
    await pilot.press(key)
    view.entry.value = str(answer)
    await pilot.press("enter")


def view_of(app):
    return next(view for view in app.console_screen.views if view.NAME == "Boards")


async def choose(pilot, app, port: str):
    """Show the view and choose VisionFive 2 and a port."""
    view = view_of(app)
    await pilot.press("alt+9")
    await until(pilot, lambda: "visionfive2" in pane_text(view.boards))
    names = [row.name for row in view.boards.boards]
    await pilot.press(*["down"] * names.index("visionfive2"), "enter")
    await until(pilot, lambda: view.boards.board is not None)
    if port:
        await ask(pilot, view, "n", port)
        await until(pilot, lambda: view.boards.port == port)
    return view


async def test_what_a_board_is() -> None:
    async with console() as (app, _, pilot):
        view = await choose(pilot, app, "")
        assert "StarFive VisionFive 2" in str(view.about.border_title)
        for section, words in (
            ("board", "0x10000000, irq 32, 115200 baud"),
            ("memory", "kept for OpenSBI"),
            ("devices", "starfive,jh7110-dwmac"),
            ("loader", "loady {address:#x}"),
            ("storage", "sf update"),
            ("traps", "Hart 0 is an S7"),
            ("recovery", "2. set both boot switches"),
        ):
            view.about.choose(section)
            assert words in pane_text(view.about), section
        await pilot.press("p")
        await until(
            pilot, lambda: any("board and a port first" in n.message for n in app._notifications)
        )


async def test_a_boot_loader_is_seen_and_spoken_to() -> None:
    with prompt_at_a_port() as (port, heard):
        async with console() as (app, client, pilot):
            view = await choose(pilot, app, port)
            await pilot.press("p")
            await until(pilot, lambda: "a boot loader at its prompt" in pane_text(view.about), 15)
            await until(pilot, lambda: not view._busy)
            await pilot.press("o")
            await until(pilot, lambda: view.terminal.has_focus)
            await pilot.press(*"help", "enter")
            shown = view.terminal.terminal
            await until(pilot, lambda: "help" in "".join(text_of(shown)))
            assert heard.endswith(b"help\r")
            assert client.typed == b""
            await pilot.press("f6", "f6")
            await until(pilot, lambda: app.focused is view.boards)
            await pilot.press("o")
            await until(pilot, lambda: view.line is None and view.about.display)


async def test_a_lab_is_booted_on_the_board_and_off_it_again() -> None:
    async with console() as (app, client, pilot):
        view = await choose(pilot, app, "socket://127.0.0.1:1")
        await pilot.press("c")
        await until(pilot, lambda: client.starts == 2)
        assert client.config.board == BoardPort("visionfive2", "socket://127.0.0.1:1")
        assert app.console_screen.view is view
        await pilot.press("e")
        await until(pilot, lambda: client.config.board == BoardPort("emulated"))
        await pilot.press("C")
        await until(pilot, lambda: client.starts == 4)
        assert client.config.board is None
        client.owner = False
        await pilot.press("c")
        await until(pilot, lambda: any("only the console" in n.message for n in app._notifications))
        assert client.starts == 4


async def test_a_visitor_in_a_browser_gets_at_no_port_and_no_file(monkeypatch) -> None:
    monkeypatch.setattr(ConsoleApp, "is_web", property(lambda _: True))
    async with console() as (app, client, pilot):
        view = view_of(app)
        await pilot.press("alt+9")
        await until(pilot, lambda: view.boards.boards)
        view.boards.board, view.boards.port = view.boards.boards[0].board, "/dev/null"
        for key in "pfocenr":
            await pilot.press(key)
        assert view.line is None
        assert not view._busy
        assert not view.entry.display
        assert client.starts == 1
        await pilot.press("alt+8", "enter", "s", "b", "w", "l")
        labs = app.console_screen.view
        assert "not in a browser" in pane_text(labs.labs)
        assert not labs._busy
        assert not labs.watching
        assert client.starts == 1
        delivered = []
        monkeypatch.setattr(app, "deliver_text", lambda *a, **k: delivered.append((a, k)))
        app.action_export("text")
        ((text,), names) = delivered[0]
        assert "not in a browser" in text.getvalue()
        assert names["save_filename"].endswith(".txt")


async def test_a_port_that_is_not_there_is_said_in_a_line() -> None:
    async with console() as (app, _, pilot):
        view = await choose(pilot, app, "/dev/ttyNOPE7")
        for key in ("p", "o"):
            view.about.done.clear()
            await pilot.press(key)
            await until(pilot, lambda: "/dev/ttyNOPE7: no such port" in pane_text(view.about))
            await until(pilot, lambda: not view._busy)


class FakeFlasher:
    """Says what `flash.strategy.Flasher` says, at the pace of the test."""

    go_on = threading.Event()
    ends: queue.SimpleQueue[str] = queue.SimpleQueue()  #: how each run ended

    def __init__(self, port, job, say, *, greeter) -> None:
        self.job, self.say = job, say

    def run(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.ends.put(type(error).__name__)
            raise
        self.ends.put("done")

    def _run(self) -> None:
        self.say(StateChanged(State.LOADER))
        for sent in (0, 512, 1024):
            self.say(Sent(self.job.name, 115200, Progress(sent, 1024, 2048.0, 0.5, 0)))
            self.go_on.wait(60)
        if self.job.image == b"bad":
            raise FlashError("the image does not fit: it would overwrite OpenSBI")
        self.say(Said("press the reset button", urgent=True))
        self.say(StateChanged(State.DONE))


async def test_flashing_with_progress_an_error_and_a_stop(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(strategy, "Flasher", FakeFlasher)
    (tmp_path / "bad").write_bytes(b"bad")
    (tmp_path / "good").write_bytes(bytes(1024))
    with prompt_at_a_port() as (port, _):
        async with console() as (app, _, pilot):
            view = await choose(pilot, app, port)
            FakeFlasher.go_on.clear()
            await ask(pilot, view, "f", tmp_path / "good")
            await until(pilot, lambda: "░   0% good at 115200 baud, 2.0 KiB/s" in work(view))
            assert view.about.section == "work"
            await pilot.press("f6", "p")  # the focus is on the board: nothing happens
            FakeFlasher.go_on.set()
            await until(pilot, lambda: work(view).endswith("done\no opens its line"))
            assert "good: 1,024 bytes" in work(view)
            assert "press the reset button" in work(view)
            assert "█" not in work(view)
            await until(pilot, lambda: not view._busy)
            view.boards.focus()
            await ask(pilot, view, "f", tmp_path / "bad")
            await until(pilot, lambda: "would overwrite OpenSBI" in work(view))
            await until(pilot, lambda: not view._busy)
            FakeFlasher.go_on.clear()
            await ask(pilot, view, "f", tmp_path / "good")
            await until(pilot, lambda: "░   0% good" in work(view))
            await pilot.press("p")
            await until(pilot, lambda: any("x stops it" in n.message for n in app._notifications))
            await pilot.press("x")
            FakeFlasher.go_on.set()
            await until(pilot, lambda: work(view).endswith("stopped"))
            await until(pilot, lambda: not view._busy)
            await ask(pilot, view, "f", tmp_path / "none")
            # Lines of a long path are wrapped anywhere.
            await until(pilot, lambda: "none:Nosuchfile" in "".join(work(view).split()))


@pytest.mark.parametrize("key", ["p", "f"])
async def test_waiting_for_a_silent_board_can_be_stopped(key: str, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(Port, "now", lambda _: 0.0)  # so that no wait ends by itself
    (tmp_path / "good").write_bytes(bytes(1024))
    ours, theirs = pty.openpty()
    try:
        async with console() as (app, _, pilot):
            view = await choose(pilot, app, os.ttyname(theirs))
            if key == "p":
                await pilot.press("p")
            else:
                await ask(pilot, view, "f", tmp_path / "good")
            await until(pilot, lambda: view._busy)
            await pilot.press("x")
            await until(pilot, lambda: work(view).endswith("stopped"))
            await until(pilot, lambda: not view._busy)
    finally:
        os.close(ours)
        os.close(theirs)


async def test_the_end_of_the_console_stops_a_transfer(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(strategy, "Flasher", FakeFlasher)
    (tmp_path / "good").write_bytes(bytes(1024))
    FakeFlasher.go_on.clear()
    while not FakeFlasher.ends.empty():
        FakeFlasher.ends.get()
    with prompt_at_a_port() as (port, _):
        async with console() as (app, _, pilot):
            view = await choose(pilot, app, port)
            await ask(pilot, view, "f", tmp_path / "good")
            await until(pilot, lambda: "░   0% good" in work(view))
            # The console waits for its threads: the board says something once it is ending.
            asyncio.get_running_loop().call_later(0.1, app.exit)
            threading.Timer(0.5, FakeFlasher.go_on.set).start()
    assert FakeFlasher.ends.get(timeout=20) == "Stopped"


def work(view) -> str:
    return pane_text(view.about)


def test_a_monitor_that_cannot_be_built_is_a_line(monkeypatch) -> None:
    def build(_arch: str) -> bytes:
        raise board_work.BoardError("the compiler said:\nmain.c:3: error")

    monkeypatch.setattr(images, "monitor_elf", build)
    with pytest.raises(board_work.BoardProblem, match=r"^the compiler said: main.c:3: error$"):
        board_work.image_for(board_work.board_rows()[0].board, "")


async def test_ports_are_listed_and_one_alone_is_chosen(monkeypatch) -> None:
    found = [PortRow("/dev/ttyUSB0", "1a86:7523 USB Serial", "permission denied")]
    monkeypatch.setattr(view_module, "port_rows", lambda: found)
    async with console() as (app, _, pilot):
        view = view_of(app)
        await pilot.press("alt+9")
        await until(pilot, lambda: view.boards.port == "/dev/ttyUSB0")
        view.boards.choose("ports")
        assert "▶ /dev/ttyUSB0      1a86:7523 USB Serial  permission denied" in pane_text(
            view.boards
        )
        found.clear()
        await pilot.press("r")
        await until(pilot, lambda: "no serial port" in pane_text(view.boards))


def test_a_broken_description_is_a_row(monkeypatch) -> None:
    def broken(name: str):
        raise board_work.BoardError(f"boards/{name}/board.toml:12: unknown key 'x'")

    monkeypatch.setattr(board_work, "load", broken)
    row = board_work.board_rows()[0]
    assert row.board is None
    assert "board.toml:12" in row.problem
