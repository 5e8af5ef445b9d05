"""Rust's first mangling: an Itanium nested name whose last part is a hash.

The escapes are those of rustc's ``compiler/rustc_symbol_mangling/src/legacy.rs``.
"""

from __future__ import annotations

import re
from typing import Final

_HASH: Final = re.compile(r"h[0-9a-f]{16}\Z")
_ESCAPE: Final = re.compile(r"\$([A-Z]{1,2}|u[0-9a-f]{1,6})\$|\.\.")
_LLVM: Final = re.compile(r"\.llvm\.[0-9A-F@]+")
_ESCAPES: Final = {
    "SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ",",
}  # fmt: skip


def demangle_legacy(name: str) -> str | None:
    """Return the path without its hash; None when ``name`` is not a Rust name of this kind."""
    at = name.index("N") + 1
    parts = []
    while at < len(name) and name[at] != "E":
        digits = at
        while at < len(name) and "0" <= name[at] <= "9":
            at += 1
        if at == digits or at - digits > 6:
            return None
        end = at + int(name[digits:at])
        if end > len(name):
            return None
        parts.append(name[at:end])
        at = end
    if at >= len(name) or len(parts) < 2 or not _HASH.match(parts.pop()):
        return None
    suffix = _LLVM.sub("", name[at + 1 :])
    if suffix and not suffix.startswith("."):
        return None
    return "::".join(map(_unescape, parts)) + (f" ({suffix})" if suffix else "")


def _unescape(part: str) -> str:
    if part.startswith("_$"):  # an identifier may not start with $
        part = part[1:]
    return _ESCAPE.sub(_replacement, part)


def _replacement(found: re.Match[str]) -> str:
    escape = found[1]
    if escape is None:
        return "::"
    if escape.startswith("u"):
        code = int(escape[1:], 16)
        return chr(code) if code < 0x110000 and chr(code).isprintable() else found[0]
    return _ESCAPES.get(escape, found[0])
