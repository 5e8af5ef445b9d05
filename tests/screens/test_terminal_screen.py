"""The terminal's state and parser, by tables of byte streams and what must be on the screen."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.screens.widgets.terminal.screen import TerminalScreen
from starrylab.screens.widgets.terminal.stream import TerminalStream
from tests.screens.terminal_oracle import TMUX, Tmux, emulate, record, text_of


def shown(data: str | bytes, columns: int = 10, lines: int = 4) -> list[str]:
    return text_of(emulate(data.encode() if isinstance(data, str) else data, columns, lines))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("hello", ["hello", "", "", ""]),
        ("0123456789ab", ["0123456789", "ab", "", ""]),
        ("0123456789\r\nx", ["0123456789", "x", "", ""]),  # the wrap waits for a character
        ("\x1b[?7l0123456789ab", ["012345678b", "", "", ""]),
        ("a\r\nb\r\nc\r\nd\r\ne", ["b", "c", "d", "e"]),
        ("abc\x1b[2D\x1b[4hX", ["aXbc", "", "", ""]),
        ("abc\x1b[2DX", ["aXc", "", "", ""]),
        ("abcdef\x1b[3G\x1b[2P", ["abef", "", "", ""]),
        ("abcdef\x1b[3G\x1b[2@", ["ab  cdef", "", "", ""]),
        ("abcdef\x1b[3G\x1b[2X", ["ab  ef", "", "", ""]),
        ("abcdef\x1b[3G\x1b[K", ["ab", "", "", ""]),
        ("abcdef\x1b[3G\x1b[1K", ["   def", "", "", ""]),
        ("a\r\nb\r\nc\x1b[2;1H\x1b[J", ["a", "", "", ""]),
        ("a\r\nb\r\nc\x1b[2;1H\x1b[L", ["a", "", "b", "c"]),
        ("a\r\nb\r\nc\x1b[2;1H\x1b[M", ["a", "c", "", ""]),
        ("1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\n", ["1", "3", "", "4"]),
        ("1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[2;1H\x1bM", ["1", "", "2", "4"]),
        ("1\r\n2\r\n3\r\n4\x1b[S", ["2", "3", "4", ""]),
        ("1\r\n2\r\n3\r\n4\x1b[T", ["", "1", "2", "3"]),
        ("\x1b[2;3r\x1b[?6h\x1b[1;1HX\x1b[9;1HY", ["", "X", "Y", ""]),
        ("x\x1b[4b", ["xxxxx", "", "", ""]),
        ("中文x", ["中文x", "", "", ""]),
        ("123456789中", ["123456789", "中", "", ""]),
        ("中文\x1b[2Gx", [" x文", "", "", ""]),  # half of a wide character goes with the other
        ("e\u0301", ["é", "", "", ""]),
        ("a\tb", ["a       b", "", "", ""]),
        ("\x1b[5Cx\x1b[Zy", ["y    x", "", "", ""]),
        ("\x1b(0lqk\x1b(Bl", ["┌─┐l", "", "", ""]),
        ("ab\x1b7cd\x1b8X", ["abXd", "", "", ""]),
        ("main\x1b[?1049hother\x1b[?1049l!", ["main!", "", "", ""]),
        ("\x1b#8\x1b[2;2H\x1b[1J", ["", "  EEEEEEEE", "EEEEEEEEEE", "EEEEEEEEEE"]),
        ("a\x1b]2;title\x07b", ["ab", "", "", ""]),
        ("a\x1b]2;title\x1b\\b", ["ab", "", "", ""]),
        ("a\x1bPsome device string\x1b\\b", ["ab", "", "", ""]),
        ("a\x1b[>4;2mb\x1b[?2026hc", ["abc", "", "", ""]),
        ("ab\x1b[\x082Cc", ["ab c", "", "", ""]),  # a control inside a sequence takes effect
        ("a\x1b[12\x18b", ["ab", "", "", ""]),  # CAN ends a sequence
        ("a\x1b[1\x1b[Cb", ["a b", "", "", ""]),
        ("a\x1b[5;6;7Ab", ["ab", "", "", ""]),
        ("\x1bcx", ["x", "", "", ""]),
    ],
)
def test_screen_after(data: str, expected: list[str]) -> None:
    assert shown(data) == expected
    encoded = data.encode()
    assert text_of(emulate(encoded, 10, 4, chunk=1)) == expected  # cut anywhere


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ("\x1b[c", b"\x1b[?62;22c"),
        ("\x1b[>c", b"\x1b[>1;10;0c"),
        ("\x1b[5n", b"\x1b[0n"),
        ("ab\r\ncd\x1b[6n", b"\x1b[2;3R"),
        ("\x1b[2;4r\x1b[?6h\x1b[2;2H\x1b[6n", b"\x1b[2;2R"),
        ("\x1b[18t", b"\x1b[8;4;10t"),
        ("\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y"),
        ("\x1b[?1049$p", b"\x1b[?1049;2$y"),
        ("\x1b[?4242$p", b"\x1b[?4242;0$y"),
    ],
)
def test_answers(data: str, answer: bytes) -> None:
    answers: list[bytes] = []
    TerminalStream(TerminalScreen(10, 4, answers.append)).feed(data.encode())
    assert b"".join(answers) == answer


@pytest.mark.parametrize(
    ("sgr", "wanted"),
    [
        ("1;31", {"bold": True, "fg": "red"}),
        ("93", {"fg": "brightbrown"}),
        ("105", {"bg": "brightmagenta"}),
        ("38;5;196", {"fg": "ff0000"}),
        ("38;5;2", {"fg": "green"}),
        ("48;2;1;2;255", {"bg": "0102ff"}),
        ("38:2::1:2:3", {"fg": "010203"}),
        ("38:2:1:2:3", {"fg": "010203"}),
        ("38:5:196", {"fg": "ff0000"}),
        ("4:3", {"underscore": True}),
        ("4;4:0", {"underscore": False}),
        ("2;34", {"fg": "-blue"}),  # faint
        ("2;34;22", {"fg": "blue"}),
        ("7;27;9", {"reverse": False, "strikethrough": True}),
        ("1;31;0", {"bold": False, "fg": "default"}),
        ("38;5", {"fg": "default"}),
        ("38;2;1", {"fg": "default"}),
        ("999;;x", {"fg": "default"}),
    ],
)
def test_styles(sgr: str, wanted: dict[str, object]) -> None:
    cell = emulate(f"\x1b[{sgr}mX".encode()).rows[0][0]
    assert {name: getattr(cell, name) for name in wanted} == wanted


def test_erasing_keeps_the_background_colour_only() -> None:
    line = emulate(b"\x1b[1;7;44mab\x1b[K").rows[0]
    assert (line[5].bg, line[5].bold, line[5].reverse) == ("blue", False, False)


def test_lines_that_scroll_off_are_kept_with_their_style_and_joined() -> None:
    screen = emulate(b"\x1b[31mred\x1b[m plain\r\n" + b"x" * 25 + b"\r\n\n\n\n\n", 10, 4)
    first, second = screen.history[0], screen.history[1]
    assert first.text == "red plain"
    assert [run.style.fg for run in first.runs] == ["red", "default"]
    assert second.wrapped
    assert screen.pushed == len(screen.history)


def test_the_alternate_screen_has_no_scroll_back() -> None:
    screen = emulate(b"\x1b[?1049h" + b"line\r\n" * 50, 10, 4)
    assert not screen.history


def test_scroll_back_is_bounded() -> None:
    screen = emulate(b"y\r\n" * 10_500)
    assert len(screen.history) == 10_000
    assert screen.pushed == 10_500 - 23


@pytest.mark.parametrize(("lines", "columns"), [(2, 5), (1, 1), (10, 40), (4, 10)])
def test_resize_keeps_the_cursor_line(lines: int, columns: int) -> None:
    screen = emulate(b"1\r\n2\r\n3\r\n4", 10, 4)
    screen.resize(lines, columns)
    assert len(screen.rows) == lines
    assert text_of(screen)[screen.cursor.y] == "4"
    TerminalStream(screen).feed(b"\r\nmore\x1b[99;99H!")


def test_lines_come_back_when_the_window_grows_again() -> None:
    screen = emulate("1\r\n操x\u0301\x1b[31mred\x1b[m\r\n3\r\n4\r\n# ".encode(), 10, 5)
    before = [dict(row) for row in screen.rows]
    screen.resize(2, 10)
    assert text_of(screen) == ["4", "#"]
    screen.resize(5, 10)
    assert text_of(screen) == ["1", "操x\u0301red", "3", "4", "#"]
    assert [dict(row) for row in screen.rows] == before
    assert (screen.cursor.y, screen.cursor.x, len(screen.history), screen.pushed) == (4, 2, 0, 0)


@pytest.mark.parametrize("clear", [b"\x1b[H\x1b[2J", b"\x1b[H\x1b[J", b"\x1bc"])
def test_what_was_cleared_does_not_come_back(clear: bytes) -> None:
    screen = emulate(b"old\r\n" * 9 + clear + b"1\r\n2\r\n3\r\n4", 10, 4)
    screen.resize(2, 10)
    screen.resize(9, 10)
    assert text_of(screen) == ["1", "2", "3", "4", *[""] * 5]


def test_resize_in_the_alternate_screen_resizes_the_other_too() -> None:
    screen = emulate(b"1\r\n2\r\n3\x1b[?1049hfull", 10, 4)
    screen.resize(2, 10)
    TerminalStream(screen).feed(b"\x1b[?1049l")
    assert text_of(screen) == ["2", "3"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b(0", b";", b"?", b"99999", b"\x1b[?1049h",
                     b"\x1b[?1049l", b"\x1b[2;3r", b"\x1b[?6h", b"H", b"L", b"M", b"P", b"@", b"X",
                     b"J", b"K", b"S", b"T", b"b", b"\x9b", "中".encode(), b"\x1bc", b"\x1b[!p"]),
), max_size=40), st.integers(1, 7))  # fmt: skip
def test_garbage_never_breaks_the_screen(parts: list[bytes], chunk: int) -> None:
    data = b"".join(parts)
    screen = emulate(data, 7, 3, chunk)
    assert len(screen.rows) == 3
    assert 0 <= screen.cursor.y < 3
    assert 0 <= screen.cursor.x <= 7
    assert text_of(screen) == text_of(emulate(data, 7, 3))  # cutting changes nothing


def test_a_sequence_without_end_is_dropped_in_the_end() -> None:
    screen = emulate(b"\x1b]2;" + b"x" * 200_000 + b"\x07ok", chunk=4096)
    assert any(line.endswith("ok") for line in text_of(screen))


@pytest.fixture
def tmux(tmp_path):
    if TMUX is None:
        pytest.skip("tmux is not installed")
    tmux = Tmux(tmp_path)
    yield tmux
    tmux.close()


@pytest.fixture(scope="module")
def document(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("text") / "doc.txt"
    path.write_text("".join(f"line {i} 中文 text {'ab' * (i % 50)}\n" for i in range(200)))
    return path


PROGRAMS = {
    "vi": (["vi", "-u", "NONE", "DOC"],
           [b"5jdd", b"ihello\x1b", b"\x06", b"O\xe4\xbd\xa0\x1b", b"50%", b"10dd", b"u",
            b":set nu\r", b"/line 15\r"]),
    "less": (["less", "DOC"], [b" ", b"j", b"k", b"/line 5\r", b"G", b"b"]),
    "top": (["top", "-d", "60"], [b"1", b"m"]),
    "bash": (["bash", "--norc", "-i"],
             [b"echo hello wor\x01\x1b[C\x05ld\r", b"ls -la /usr\r", b"printf '%0100d' 5",
              b"\x1b[D" * 40, b"X\x15", b"\x10\x10\r"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_real_programs_look_as_in_tmux(name, tmux, document) -> None:
    argv, keys = PROGRAMS[name]
    data = record([str(document) if word == "DOC" else word for word in argv], keys)
    if len(data) < 100:
        pytest.skip(f"{name} does not run here")
    lines, cursor = tmux.show(data)
    screen = emulate(data)
    assert text_of(screen) == (lines + [""] * 24)[:24]
    assert (screen.cursor.x, screen.cursor.y) == cursor


@pytest.mark.parametrize("seed", range(4))
def test_random_sequences_look_as_in_tmux(seed, tmux) -> None:
    data = random_stream(random.Random(seed)).encode()
    lines, cursor = tmux.show(data)
    screen = emulate(data)
    assert text_of(screen) == (lines + [""] * 24)[:24]
    assert (screen.cursor.x, screen.cursor.y) == cursor


def random_stream(choose: random.Random, length: int = 120) -> str:
    """Only what tmux and xterm agree on."""
    kinds = [
        "{word}", "中文宽", "\r\n", "\n", "\r", "\b", "\t", "\x1b[{y};{x}H", "\x1b[{y}A",
        "\x1b[{y}B", "\x1b[{x}C", "\x1b[{x}D", "\x1b[{s}J", "\x1b[{s}K",
        "\x1b[r\x1b[{y}d\x1b[{s}L\r",
        "\x1b[r\x1b[{y}d\x1b[{s}M\r", "\x1b[{s}P", "\x1b[{s}@", "\x1b[{s}X", "\x1b[{s}S",
        "\x1b[{s};18r", "\x1b[r", "\x1bM", "\x1bD", "\x1b7", "\x1b8", "\x1b[{y}d", "\x1b[{x}G",
        "A\x1b[{s}b", "\x1b[4h", "\x1b[4l", "\x1bE", "\x1b[Z",
    ]  # fmt: skip
    parts = []
    for _ in range(length):
        kind = choose.choice(kinds)
        word = "".join(choose.choice("abcdef XYZ") for _ in range(choose.randrange(1, 30)))
        numbers = {"x": choose.randrange(84), "y": choose.randrange(26), "s": choose.randrange(3)}
        parts.append(kind.format(word=word, **numbers) if "{" in kind else kind)
    return "".join(parts)


LINES = st.lists(st.text("ab ", max_size=12), min_size=8, max_size=40)
BEFORE = st.sampled_from(
    ["", "x", "x\r\n" * 3, "\x1b[31m", "\x1b[44m", "\x1b[2;3r", "\x1b[?1049h", "\x1b(0", "\x0e",
     "\x1b[4h", "\x1b[?7l", "a\r\nb\r\nc\x1b[1;1H", "\x1b[9B", "\x1b[?5h", "0123456789\r\n" * 2]
)  # fmt: skip


@given(BEFORE, LINES)
def test_a_flood_of_lines_is_as_its_lines_one_by_one(before: str, lines: list[str]) -> None:
    text = "".join(line + "\r\n" for line in lines)
    states = []
    for pieces in ([before, text], [before, *text]):
        screen = TerminalScreen(10, 5, lambda _: None)
        stream = TerminalStream(screen)
        for piece in pieces:
            stream.feed(piece.encode())
        states.append(
            (
                [tuple(row[x] for x in range(10)) for row in screen.rows],
                [(line.text, line.wrapped) for line in screen.history],
                [run.style[1:] for line in screen.history for run in line.runs if run.text.strip()],
                (screen.cursor.x, screen.cursor.y, screen.pushed),
            )
        )
    assert states[0] == states[1]
