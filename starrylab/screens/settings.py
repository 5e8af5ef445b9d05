"""What the console remembers: layout, view, theme, and the user's own keys.

One JSON file that people may edit, in the user's configuration folder.  A file that cannot
be read is not overwritten: the console starts with the defaults and says what is wrong.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from .widgets.split import LEAST, MOST

_FILE: Final = "console.json"


class Settings(msgspec.Struct, omit_defaults=True):
    """All of it; every field has a default, and unknown ones are passed over."""

    theme: str = ""
    view: str = ""  #: name of the view beside the console
    splits: dict[str, tuple[int, int]] = {}  #: name of a split -> percent of its first area
    #: identifier of a binding, as the list of keys shows it -> keys, separated by commas
    keys: dict[str, str] = {}


class SettingsStore:
    """The file, and what was last read from it or written to it."""

    def __init__(self, path: Path | None) -> None:
        """``path`` of ``None`` remembers nothing."""
        self.path = path
        self.problem = ""  #: why the file was not read, in a line
        self._told = False  #: that it cannot be written
        self.settings = self._read()

    @classmethod
    def of_user(cls) -> SettingsStore:
        """Return the store in the user's configuration folder."""
        return cls(platformdirs.user_config_path("starrylab") / _FILE)

    def _read(self) -> Settings:
        if self.path is None:
            return Settings()
        try:
            settings = msgspec.json.decode(self.path.read_bytes(), type=Settings)
        except FileNotFoundError:
            return Settings()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            self.problem = f"{self.path} is not used: {error}; mend it or remove it"
            return Settings()
        settings.splits = {
            name: (_bounded(first), _bounded(second))
            for name, (first, second) in settings.splits.items()
        }
        return settings

    def save(self) -> str:
        """Write the file in one step; return why that failed, in a line, the first time it does.

        A disk that is full or read-only loses nothing else.
        """
        if self.path is None or self.problem:
            return ""
        try:
            self._write(self.path)
        except OSError as error:
            told, self._told = self._told, True
            return "" if told else f"the layout is not remembered: {self.path}: {error.strerror}"
        self._told = False
        return ""

    def _write(self, path: Path) -> None:
        text = msgspec.json.format(msgspec.json.encode(self.settings), indent=2)
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{_FILE}.")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(text + b"\n")
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


def _bounded(percent: int) -> int:
    return max(LEAST, min(MOST, percent))
