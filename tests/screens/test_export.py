"""Panes as files."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from rich.text import Text

from starrylab.screens.export import FORMATS, export
from starrylab.screens.wide_svg import aligned
from starrylab.session.protocol import Output
from tests.screens.fake_client import BUSY
from tests.screens.test_console_app import console, screen_text, until


@pytest.mark.parametrize("kind", FORMATS)
async def test_the_focused_pane_is_written(tmp_path, monkeypatch, kind) -> None:
    monkeypatch.chdir(tmp_path)
    async with console() as (app, client, pilot):
        client.happen(Output("line of 文件\r\n".encode() * 50))
        client.happen(BUSY)
        await until(pilot, lambda: "文件" in screen_text(app))
        await until(pilot, lambda: app.console_screen.view.processes.marked)
        for pane, words in zip(app.console_screen.panes, ("line", "orphan", "page"), strict=True):
            app.set_focus(pane)
            app.action_export(kind)
            path = max(tmp_path.iterdir(), key=lambda file: file.stat().st_mtime_ns)
            text = path.read_text()
            assert words in text
            if kind == "svg":
                assert ET.fromstring(text).tag.endswith("svg")
            elif pane is app.console_screen.terminal:
                assert text.count("line of 文件") == 50
    assert len(list(tmp_path.iterdir())) == 3


async def test_no_file_is_overwritten(tmp_path) -> None:
    async with console() as (app, _, _):
        paths = {export(app.console_screen.terminal, "text", tmp_path) for _ in range(3)}
    assert len(paths) == 3


async def test_a_folder_that_is_gone(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    async with console() as (app, _, pilot):
        with pytest.raises(OSError):  # noqa: PT011
            export(app.console_screen.terminal, "text", folder / "none")
        monkeypatch.setattr("starrylab.app.export", lambda *_: (_ for _ in ()).throw(OSError("x")))
        app.action_export("text")
        await pilot.pause()
        assert any("cannot write" in str(n.message) for n in app._notifications)


def test_wide_characters_of_a_picture_have_their_room() -> None:
    console = Console(record=True, width=30, file=io.StringIO(), force_terminal=True)
    console.print(Text("<ls> 文件 & e\u0301nd", "red"))
    root = ET.fromstring(aligned(console.export_svg(title="")))
    texts = [text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.get("x")]
    found = {text.text.replace("\xa0", " "): text for text in texts if (text.text or "").strip()}
    assert list(found)[-3:] == ["<ls> ", "文件", " & e\u0301nd"]
    cell = float(found["<ls> "].get("textLength")) / 5
    assert float(found["文件"].get("x")) == pytest.approx(5 * cell)
    assert float(found["文件"].get("textLength")) == pytest.approx(4 * cell)
    assert float(found[" & e\u0301nd"].get("x")) == pytest.approx(9 * cell)
