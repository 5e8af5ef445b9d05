"""Characters and strings as a C program would write them."""

from __future__ import annotations

from typing import Final

_ESCAPES: Final = {
    7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\033",
    92: "\\\\",
}  # fmt: skip
_PREFIXES: Final = {1: "", 2: "u", 4: "U"}

#: Bytes of a string that are shown.
LIMIT: Final = 200


def character(code: int, width: int = 1) -> str:
    """Return a character of ``width`` bytes between quotes, escaped as gdb does."""
    body = f"\\{code:03o}" if width == 1 and code > 127 else escaped(code, "'")
    return f"{_PREFIXES.get(width, '')}'{body}'"


def escaped(code: int, quote: str) -> str:
    """Return one character, escaped where it cannot be printed."""
    if code in _ESCAPES:
        return _ESCAPES[code]
    if 0 <= code < 0x110000 and chr(code) == quote:
        return f"\\{quote}"
    if 32 <= code < 127 or (code > 159 and code < 0x110000 and chr(code).isprintable()):
        return chr(code)
    return f"\\{code & 0xFF:03o}" if -128 <= code < 256 else f"\\U{code:08x}"


def string(data: bytes, width: int = 1, *, cut: bool = False) -> str:
    """Return characters of ``width`` bytes as a C string literal; ``cut`` marks a part of more."""
    if width == 1:
        body = _utf8(data)
    else:
        codes = (data[at : at + width] for at in range(0, len(data) - width + 1, width))
        body = "".join(escaped(int.from_bytes(code, "little"), '"') for code in codes)
    return f'{_PREFIXES.get(width, "")}"{body}"{"..." if cut else ""}'


def _utf8(data: bytes) -> str:
    """Return text as it is and bytes that are none as octal escapes."""
    parts: list[str] = []
    while data:
        try:
            text, bad, rest = data.decode(), b"", b""
        except UnicodeDecodeError as error:
            text = data[: error.start].decode()
            bad, rest = data[error.start : error.end], data[error.end :]
        parts += [escaped(ord(char), '"') for char in text]
        parts += [f"\\{byte:03o}" for byte in bad]
        data = rest
    return "".join(parts)


def terminated(data: bytes, width: int = 1) -> bytes | None:
    """Return what stands before the first NUL character; ``None`` if there is none."""
    for at in range(0, len(data) - width + 1, width):
        if not any(data[at : at + width]):
            return data[:at]
    return None
