"""Keys, paste and mouse as bytes (xterm ctlseqs)."""

from __future__ import annotations

import pytest
from textual import _ansi_sequences
from textual._xterm_parser import XTermParser

from starrylab.screens.widgets.terminal.host_keys import name_alt_keys
from starrylab.screens.widgets.terminal.keys import encode_key, encode_mouse, encode_paste


@pytest.mark.parametrize(
    ("key", "character", "data"),
    [
        ("a", "a", b"a"),
        ("A", "A", b"A"),
        ("plus", "+", b"+"),
        ("你", "你", "你".encode()),
        ("enter", "\r", b"\r"),
        ("tab", "\t", b"\t"),
        ("shift+tab", None, b"\x1b[Z"),
        ("escape", "\x1b", b"\x1b"),
        ("backspace", "\x7f", b"\x7f"),
        ("space", " ", b" "),
        ("ctrl+a", "\x01", b"\x01"),
        ("ctrl+c", "\x03", b"\x03"),
        ("ctrl+z", "\x1a", b"\x1a"),
        ("ctrl+q", "\x11", b"\x11"),
        ("ctrl+backslash", "\x1c", b"\x1c"),
        ("ctrl+right_square_bracket", "\x1d", b"\x1d"),
        ("ctrl+underscore", "\x1f", b"\x1f"),
        ("ctrl+@", "\x00", b"\x00"),
        ("alt+x", None, b"\x1bx"),
        ("alt+backspace", "\x7f", b"\x1b\x7f"),
        ("up", None, b"\x1b[A"),
        ("shift+up", None, b"\x1b[1;2A"),
        ("alt+up", None, b"\x1b[1;3A"),
        ("ctrl+left", None, b"\x1b[1;5D"),
        ("ctrl+shift+right", None, b"\x1b[1;6C"),
        ("home", None, b"\x1b[H"),
        ("end", None, b"\x1b[F"),
        ("insert", None, b"\x1b[2~"),
        ("delete", "\x7f", b"\x1b[3~"),
        ("ctrl+delete", None, b"\x1b[3;5~"),
        ("pageup", None, b"\x1b[5~"),
        ("f1", None, b"\x1bOP"),
        ("ctrl+f1", None, b"\x1b[1;5P"),
        ("f5", None, b"\x1b[15~"),
        ("f12", None, b"\x1b[24~"),
        ("f13", None, b"\x1b[1;2P"),
        ("f17", None, b"\x1b[15;2~"),
        ("f", "f", b"f"),
        ("unheard_of", None, b""),
    ],
)
def test_keys(key: str, character: str | None, data: bytes) -> None:
    assert encode_key(key, character) == data


def test_application_cursor_keys() -> None:
    assert encode_key("up", None, application=True) == b"\x1bOA"
    assert encode_key("home", None, application=True) == b"\x1bOH"
    assert encode_key("ctrl+up", None, application=True) == b"\x1b[1;5A"
    assert encode_key("pageup", None, application=True) == b"\x1b[5~"


def test_paste() -> None:
    assert encode_paste("a\r\nb\nc", bracketed=False) == b"a\rb\rc"
    assert encode_paste("a\nb", bracketed=True) == b"\x1b[200~a\rb\x1b[201~"


def test_a_paste_cannot_end_its_own_brackets() -> None:
    data = encode_paste("x\x1b[201~rm -rf\x1b[20\x1b[201~1~", bracketed=True)
    assert data.count(b"\x1b") == 2


def test_mouse() -> None:
    assert encode_mouse(0, 4, 9, pressed=True, sgr=True) == b"\x1b[<0;5;10M"
    assert encode_mouse(0, 4, 9, pressed=False, sgr=True) == b"\x1b[<0;5;10m"
    assert encode_mouse(64, 0, 0, pressed=True, sgr=True, modifiers=16) == b"\x1b[<80;1;1M"
    assert encode_mouse(2, 4, 9, pressed=True, sgr=False) == b"\x1b[M" + bytes([34, 37, 42])
    assert encode_mouse(2, 4, 9, pressed=False, sgr=False) == b"\x1b[M" + bytes([35, 37, 42])
    assert encode_mouse(0, 300, 9, pressed=True, sgr=False) == b""


def test_alt_with_a_character_is_what_it_is() -> None:
    kept = dict(_ansi_sequences.ANSI_SEQUENCES_KEYS)
    try:
        name_alt_keys()
        name_alt_keys()
        for character in "1590bfdzB":
            # Also when the next one follows at once.
            for event in _parsed(f"\x1b{character}\x1b{character}"):
                data = encode_key(event.key, event.character)
                assert data == f"\x1b{character}".encode(), event
        for text, key in {"\x1b[A": "up", "\x1bOP": "f1", "\x1b[1;3P": "alt+f1"}.items():
            (event,) = _parsed(text)
            assert event.key == key
    finally:
        _ansi_sequences.ANSI_SEQUENCES_KEYS.clear()
        _ansi_sequences.ANSI_SEQUENCES_KEYS.update(kept)


def _parsed(text: str) -> list:
    parser = XTermParser()
    return [*parser.feed(text), *parser.feed("")]
