"""What a terminal is redrawn from: a second one, fed with it, is in the same state."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from starrylab.screens.widgets.terminal.cells import line_runs
from starrylab.screens.widgets.terminal.redraw import _MODES, redraw
from starrylab.screens.widgets.terminal.screen import _AUTOWRAP, ORIGIN, TerminalScreen
from starrylab.screens.widgets.terminal.stream import TerminalStream

COLUMNS, LINES = 10, 4
PIECES = st.sampled_from(
    [
        "a", "hello", "操作", "é", "\r\n", "\n", "\r", "\b", "\t", "0123456789", "\x1b[31m",
        "\x1b[1;2;48;5;99m", "\x1b[38;2;1;2;3m", "\x1b[97;104;7m", "\x1b[m", "\x1b[2;3H", "\x1b[K",
        "\x1b[2J", "\x1b[?1049h", "\x1b[?1049l", "\x1b[?47h", "\x1b[?47l", "\x1b[2;3r", "\x1b[r",
        "\x1b[?6h", "\x1b[?6l", "\x1b[?7l", "\x1b[?7h", "\x1b[?25l", "\x1b[?25h", "\x1b[4h",
        "\x1b[4l", "\x1b[?1h", "\x1b[?2004h", "\x1b[?1002h", "\x1b[?1006h", "\x1b[?5h", "\x1b(0",
        "\x1b(B", "\x0e", "\x0f", "\x1b[3g", "\x1bH", "\x1b[5 q", "\x1b=", "\x1b]0;title\x07",
        "\x1b[L", "\x1b[P", "\x1b[3@", "\x1bM", "\x1b[3", "\x1b[!p",
    ]
)  # fmt: skip

# Modes that do something; the alternate screen's can be set while it is not shown.
MODES = {mode << 5 for mode in (*_MODES, ORIGIN, _AUTOWRAP, 25)} | {4}


def terminal(data: bytes) -> tuple[TerminalScreen, TerminalStream]:
    screen = TerminalScreen(COLUMNS, LINES, lambda _: None)
    stream = TerminalStream(screen)
    stream.feed(data)
    return screen, stream


def cells(rows) -> list[tuple]:
    return [tuple(row[x] for x in range(COLUMNS)) for row in rows]


def state(screen: TerminalScreen) -> dict[str, object]:
    return {
        "main": cells(screen.main[0]),
        "shown": cells(screen.rows),
        "cursor": (screen.cursor.y, screen.cursor.x, screen.cursor.hidden, screen.cursor.attrs),
        "modes": screen.mode & MODES,
        "alternate": screen.on_alternate,
        "margins": screen.margins,
        "stops": screen.tabstops,
        "style": (screen.cursor_style, screen.keypad_is_application, screen.title),
        "charsets": (screen.charset, screen.g0_charset, screen.g1_charset),
    }


@given(st.lists(PIECES, max_size=40).map("".join))
@example("0123456789")
@example("012345678操")
@example("\x1b[2;3r\x1b[?6h0123456789")
@example("\x1b[44m\x1b[2J\x1b[m")
def test_a_copy_is_in_the_same_state(text: str) -> None:
    screen, stream = terminal(text.encode())
    copy, copied = terminal(redraw(screen) + stream.unfinished)
    assert state(copy) == state(screen)
    assert copied.unfinished == stream.unfinished
    # And both go on alike.
    for one in (stream, copied):
        one.feed(b"1mX\r\nY")
    assert cells(copy.rows) == cells(screen.rows)
    for lines in (2, 7):
        screen.resize(lines, COLUMNS)
        copy.resize(lines, COLUMNS)
        assert state(copy)["main"] == state(screen)["main"]


@pytest.mark.parametrize("cut", range(1, 4))
def test_half_a_character_goes_along(cut: int) -> None:
    data = "𝄞".encode()
    screen, stream = terminal(b"a" + data[:cut])
    copy, copied = terminal(redraw(screen) + stream.unfinished)
    copied.feed(data[cut:])
    assert copy.rows[0][1].data == "𝄞"


def test_the_scroll_back_goes_along() -> None:
    lines = [f"line {number}".encode() for number in range(20)]
    screen, _ = terminal(b"\r\n".join(lines))
    copy, _ = terminal(redraw(screen))
    assert [line.text for line in copy.history] == [line.text for line in screen.history]


def test_wrapped_lines_stay_joined() -> None:
    screen, _ = terminal(b"0123456789abc")
    copy, _ = terminal(redraw(screen))
    assert copy.rows[0].wrapped
    assert line_runs(copy.rows[1], COLUMNS)[0].text == "abc"
