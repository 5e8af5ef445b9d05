"""What the console remembers: layout, view, theme, and the user's own keys.

One JSON file that people may edit, in the user's configuration folder.  A file that cannot
be read is not overwritten: the console starts with the defaults and says what is wrong.
"""

from __future__ import annotations

import contextlib
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

    def save(self) -> None:
        """Write the file, in one step; a disk that is full or read-only loses nothing else."""
        if self.path is None or self.problem:
            return
        text = msgspec.json.format(msgspec.json.encode(self.settings), indent=2)
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{_FILE}.")
            with os.fdopen(number, "wb") as file:
                file.write(text + b"\n")
            Path(name).replace(self.path)


def _bounded(percent: int) -> int:
    return max(LEAST, min(MOST, percent))
