"""The smallest parts of Rust's v0 names: numbers, identifiers, references back (RFC 2603)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_DEEPEST: Final = 160  #: nested types; Python's own stack is the limit behind it
_LONGEST: Final = 64 << 10  #: characters; back references can double a name again and again


class BrokenName(Exception):
    """The name does not follow the grammar."""


class Terms:
    """A position in a name, and what can be read there; all methods raise `BrokenName`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.quiet = False  #: whether what is parsed is not shown
        self.depth = 0  #: of nested symbols
        self.lifetimes = 0  #: that binders around have introduced
        self._made = 0

    def next(self) -> str:
        """Take one character; raise `BrokenName` at the end."""
        if self.at >= len(self.text):
            raise BrokenName
        self.at += 1
        return self.text[self.at - 1]

    def eat(self, character: str) -> bool:
        """Take ``character`` if it is next."""
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def base_62(self) -> int:
        """Parse ``_`` as 0, ``0_`` as 1 and so on."""
        if self.eat("_"):
            return 0
        value = 0
        while not self.eat("_"):
            digit = self.next()
            if not digit.isascii() or not digit.isalnum():
                raise BrokenName
            place = int(digit, 36) + (26 if digit.isupper() else 0)
            value = value * 62 + place
            if value >> 64:
                raise BrokenName
        return value + 1

    def optional_62(self, tag: str) -> int:
        """Parse a base-62 number after ``tag``; 0 without it."""
        return self.base_62() + 1 if self.eat(tag) else 0

    def identifier(self) -> tuple[int, str]:
        """Parse disambiguator and name."""
        disambiguator = self.optional_62("s")
        return disambiguator, self.undisambiguated()

    def undisambiguated(self) -> str:
        """Parse length and bytes; Punycode when ``u`` comes first (RFC 3492)."""
        punycode = self.eat("u")
        first = self.next()
        if not ("0" <= first <= "9"):
            raise BrokenName
        digits = first
        while first != "0" and self.at < len(self.text) and "0" <= self.text[self.at] <= "9":
            digits += self.next()
            if len(digits) > 6:
                raise BrokenName
        self.eat("_")
        end = self.at + int(digits)
        if end > len(self.text):
            raise BrokenName
        name, self.at = self.text[self.at : end], end
        return _punycode(name) if punycode else name

    def back_reference(self, parse: Callable[[], str]) -> str:
        """Parse again what stands earlier; the position is of the ``B``."""
        start = self.at - 1
        target = self.base_62()
        if target >= start:
            raise BrokenName
        if self.quiet:
            return ""
        here, self.at = self.at, target
        text = self.grown(parse())
        self.at = here
        return text

    def enter(self) -> None:
        """Go one level deeper; who returns subtracts it again."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise BrokenName

    def grown(self, text: str) -> str:
        """Return ``text``, having counted it: names have a longest size."""
        self._made += len(text) + 1
        if self._made > _LONGEST:
            raise BrokenName
        return text


def _punycode(name: str) -> str:
    head, bar, tail = name.rpartition("_")
    try:
        return (f"{head}-{tail}" if bar else tail).encode().decode("punycode")
    except (UnicodeError, ValueError) as error:
        raise BrokenName from error
