"""Texts in the languages of the course: English and Simplified Chinese."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LANGUAGES: Final = ("en", "zh")
_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")  #: the first that is set counts (locale(7))


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """Return the text in ``language`` ("en" or "zh")."""
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        return self.en


class Hint(str):
    """The message of a failed assertion: an English string that knows its Chinese."""

    __slots__ = ("text",)

    def __new__(cls, en: str, zh: str) -> Hint:
        """Make the message of an ``assert`` in a goal."""
        hint = super().__new__(cls, en)
        hint.text = Text(en, zh)
        return hint

    text: Text


def choose_language(wanted: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """Return ``wanted``, or what the locale asks for, as "en" or "zh"."""
    if wanted in LANGUAGES:
        return wanted
    locale = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    return "zh" if locale.startswith("zh") else "en"
