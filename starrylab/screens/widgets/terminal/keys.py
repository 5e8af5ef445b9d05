"""Keys, pasted text and mouse events as the bytes a program expects (xterm ctlseqs)."""

from __future__ import annotations

from typing import Final

_SHIFT, _ALT, _CTRL = 1, 2, 4
_MODIFIERS: Final = {"shift": _SHIFT, "alt": _ALT, "ctrl": _CTRL, "meta": _ALT}

#: CSI letter, or ESC O letter: with application cursor keys (the first six), always (F1..F4)
_CURSOR: Final = {
    "up": "A", "down": "B", "right": "C", "left": "D", "end": "F", "home": "H",
}  # fmt: skip
_FUNCTION: Final = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
#: CSI number ~
_TILDE: Final = {
    "insert": 2, "delete": 3, "pageup": 5, "pagedown": 6, "f5": 15, "f6": 17, "f7": 18,
    "f8": 19, "f9": 20, "f10": 21, "f11": 23, "f12": 24,
}  # fmt: skip
_PLAIN: Final = {
    "enter": b"\r", "tab": b"\t", "escape": b"\x1b", "backspace": b"\x7f", "space": b" ",
}  # fmt: skip
#: ctrl with a key that Textual names and gives no character for
_CONTROL: Final = {
    "space": 0x00, "@": 0x00, "at": 0x00, "backspace": 0x08, "left_square_bracket": 0x1B,
    "backslash": 0x1C, "right_square_bracket": 0x1D, "circumflex_accent": 0x1E,
    "underscore": 0x1F, "slash": 0x1F,
}  # fmt: skip


def encode_key(key: str, character: str | None, *, application: bool = False) -> bytes:
    """Return what ``key`` (a Textual name) types; b"" for keys no terminal has.

    ``application`` is DECCKM, application cursor keys.
    """
    *words, name = key.split("+") if key != "+" else ("+",)
    modifiers = sum(_MODIFIERS.get(word, 0) for word in set(words))
    if name.startswith("f") and name[1:].isdecimal() and int(name[1:]) > 12:
        name, modifiers = f"f{int(name[1:]) - 12}", modifiers | _SHIFT
    if name in _CURSOR or name in _FUNCTION:
        letter = _CURSOR.get(name) or _FUNCTION[name]
        if modifiers:
            return f"\x1b[1;{modifiers + 1}{letter}".encode()
        single_shift = application or name in _FUNCTION
        return f"\x1b{'O' if single_shift else '['}{letter}".encode()
    if name in _TILDE:
        suffix = f";{modifiers + 1}" if modifiers else ""
        return f"\x1b[{_TILDE[name]}{suffix}~".encode()
    if name == "tab" and modifiers & _SHIFT:
        return b"\x1b[Z"
    data = _printable(name, character, modifiers)
    return b"\x1b" + data if modifiers & _ALT and data else data


def _printable(name: str, character: str | None, modifiers: int) -> bytes:
    if modifiers & _CTRL:
        if name in _CONTROL:
            return bytes([_CONTROL[name]])
        if len(name) == 1 and name.isascii() and name.isalpha():
            return bytes([ord(name) & 0x1F])
    if name in _PLAIN:
        return _PLAIN[name]
    if character and (len(character) == 1 or not character.startswith("\x1b")):
        return character.encode(errors="replace")
    return name.encode() if len(name) == 1 else b""


def encode_paste(text: str, *, bracketed: bool) -> bytes:
    """Return pasted ``text`` as typed; line ends become Enter.

    The end marker inside the text is removed, so that a paste cannot type commands.
    """
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    if not bracketed:
        return text.encode(errors="replace")
    text = text.replace("\x1b[201~", "").replace("\x1b", "")
    return b"\x1b[200~" + text.encode(errors="replace") + b"\x1b[201~"


def encode_mouse(
    button: int, x: int, y: int, *, pressed: bool, sgr: bool, modifiers: int = 0
) -> bytes:
    """Return a mouse report.

    ``button`` is xterm's code: 0..2, +32 for motion, 64 and 65 for the wheel; ``x`` and
    ``y`` count from 0.  The old form knows no position above 222 and no released button.
    """
    code = button + modifiers
    if sgr:
        return f"\x1b[<{code};{x + 1};{y + 1}{'M' if pressed else 'm'}".encode()
    if max(x, y) > 222:
        return b""
    if not pressed:
        code = 3 + modifiers
    return b"\x1b[M" + bytes([32 + code, 33 + x, 33 + y])


def mouse_modifiers(*, shift: bool, meta: bool, ctrl: bool) -> int:
    """Return the bits a mouse report adds for held keys."""
    return 4 * shift + 8 * meta + 16 * ctrl
