"""Panes as files."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from starrylab.screens.export import FORMATS, export
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
