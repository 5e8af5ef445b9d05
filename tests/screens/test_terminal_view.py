"""Scroll-back position, selection and search."""

from __future__ import annotations

from starrylab.screens.widgets.terminal.stream import TerminalStream
from starrylab.screens.widgets.terminal.view import Point, View
from tests.screens.terminal_oracle import emulate

NUMBERED = "".join(f"line {i}\r\n" for i in range(20)).encode()


def test_the_window_keeps_its_lines_while_output_goes_on() -> None:
    screen = emulate(NUMBERED, 20, 5)
    view = View(screen)
    assert view.scroll(4)
    top = view.text(view.top)
    TerminalStream(screen).feed(b"more\r\n" * 3)
    view.output_came()
    assert view.text(view.top) == top
    assert view.back == 7


def test_scrolling_stops_at_both_ends() -> None:
    view = View(emulate(NUMBERED, 20, 5))
    view.scroll(1000)
    assert view.text(view.top) == "line 0"
    assert not view.scroll(1)
    view.scroll(-1000)
    assert view.back == 0


def test_a_selection_keeps_its_text_while_the_screen_scrolls() -> None:
    screen = emulate(NUMBERED, 20, 5)
    view = View(screen)
    number = view.first + 18
    view.select(Point(number, 5), Point(number + 1, 3))
    assert view.selected_text() == "18\nline"
    TerminalStream(screen).feed(b"\r\n" * 10)
    assert view.selected_text() == "18\nline"
    assert view.span(number) == (5, 20)
    assert view.span(number + 1) == (0, 4)
    assert view.span(number + 2) is None


def test_a_wrapped_line_is_copied_as_one() -> None:
    view = View(emulate(b"0123456789abcdef\r\nx", 10, 4))
    view.select(Point(0, 0), Point(2, 0))
    assert view.selected_text() == "0123456789abcdef\nx"


def test_selecting_backwards_and_wide_characters() -> None:
    view = View(emulate("你好世界 ok".encode(), 20, 4))
    view.select(Point(0, 5), Point(0, 2))
    assert view.selected_text() == "好世"
    view.select_word(Point(0, 10))
    assert view.selected_text() == "ok"


def test_find_goes_up_from_match_to_match() -> None:
    view = View(emulate(NUMBERED, 20, 5))
    assert view.find("LINE 1")
    assert view.text(view.head.line) == "line 19"
    for _ in range(9):
        assert view.find("line 1")
    assert view.text(view.head.line) == "line 10"
    assert view.find("line 1")
    assert view.text(view.head.line) == "line 1"
    assert view.top <= view.head.line < view.top + 5
    assert not view.find("line 1")
    assert not view.find("no such text")
    assert not view.find("")
