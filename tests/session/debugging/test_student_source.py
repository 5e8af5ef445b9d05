"""Source lines of a student's own files, which change while a lab runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from starrylab.debug.control.api import ControlError
from starrylab.session.debugging.model import GetSource
from starrylab.session.debugging.source import SourceFiles
from starrylab.userland import SOURCE_PREFIX


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "calls.py").write_text("one\ntwo\n")
    (tmp_path / "secret").write_text("key\n")
    return tmp_path / "lab"


def lines(folder: Path | None, file: str) -> tuple[str, ...]:
    look: Any = SimpleNamespace(source_files=lambda _: [f"{SOURCE_PREFIX}/calls.py"])
    thread: Any = None
    return SourceFiles(look, folder).answer(thread, GetSource(file=file, first=1, count=9)).lines


def test_a_file_is_read_as_it_is_now(folder: Path) -> None:
    for file in (str(folder / "calls.py"), f"{SOURCE_PREFIX}/calls.py"):
        (folder / "calls.py").write_text("one\ntwo\n")
        assert lines(folder, file) == ("one", "two")
        (folder / "calls.py").write_text("three\n")
        assert lines(folder, file) == ("three",)


def test_other_files_are_not(folder: Path) -> None:
    (folder / "link.py").symlink_to(folder.parent / "secret")
    for file in (folder.parent / "secret", folder / ".." / "secret", folder / "link.py"):
        with pytest.raises(ControlError, match="no source file named"):
            lines(folder, str(file))
    with pytest.raises(ControlError):
        lines(None, str(folder / "calls.py"))
