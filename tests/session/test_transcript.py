"""The transcript: complete, readable while it is written, bounded."""

from __future__ import annotations

import json

from starrylab.session import transcript as module
from starrylab.session.transcript import Transcript, transcript_folder


def lines_of(transcript: Transcript) -> list:
    return [json.loads(line) for line in transcript.path.read_text().splitlines()]


def test_events_are_on_disk_at_once_and_characters_are_not_cut(tmp_path) -> None:
    transcript = Transcript("sh", 80, 24, tmp_path)
    data = "你\r\n".encode()
    transcript.output(data[:1])
    transcript.output(data[1:])
    transcript.resize(100, 30)
    transcript.note("restart")
    header, *events = lines_of(transcript)
    assert (header["version"], header["width"], header["height"]) == (2, 80, 24)
    assert [event[1:] for event in events] == [["o", "你\r\n"], ["r", "100x30"], ["m", "restart"]]
    times = [event[0] for event in events]
    assert times == sorted(times)
    transcript.close()
    transcript.close()
    transcript.output(b"after the end")  # ignored


def test_two_at_once_have_two_files(tmp_path) -> None:
    first, second = Transcript("a", 1, 1, tmp_path), Transcript("b", 1, 1, tmp_path)
    assert first.path != second.path
    first.close()
    second.close()


def test_a_full_file_starts_over_and_keeps_the_part_before(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_LIMIT", 1000)
    transcript = Transcript("flood", 80, 24, tmp_path)
    for number in range(100):
        transcript.output(b"line %d" % number)
    transcript.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) < 2500
    assert "line 99" in transcript.path.read_text()


def test_old_ones_are_removed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_KEEP", 3)
    for number in range(6):
        (tmp_path / f"2020010{number}-000000-1.cast").write_text("{}")
    Transcript("new", 80, 24, tmp_path).close()
    assert len(list(tmp_path.iterdir())) == 3


def test_the_default_folder_is_the_users_state_folder(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert transcript_folder().is_relative_to(tmp_path)
