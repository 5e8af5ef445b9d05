"""The tests that are known to fail, each with its cause: `cpython_known.toml`."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Known:
    """Tests that fail for one reason."""

    tests: tuple[str, ...]  #: names as unittest writes them, without "test."; * and ? are patterns
    cause: str
    on: tuple[str, ...] = ("lab",)  #: where they fail: "lab", "qemu"
    sometimes: bool = False  #: they may pass as well
    hang: bool = False  #: they would wait for ever, and are not run
    says: tuple[str, ...] = ("*",)  #: patterns of what the failure's last line says

    def covers(self, test: str, why: str) -> bool:
        """Tell whether a test that failed so is among these."""
        name = test.removeprefix("test.")
        if not any(fnmatch.fnmatchcase(why, pattern) for pattern in self.says):
            return False
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.tests)

    def passing(self, module: str, failed: Collection[str]) -> list[str]:
        """Return the names of a module's tests here, none of which is in `failed`."""
        names = {test.removeprefix("test.") for test in failed}
        if self.sometimes or self.hang:
            return []
        own = [pattern for pattern in self.tests if pattern.split(".")[0] == module]
        return [pattern for pattern in own if not fnmatch.filter(names, pattern)]


def read_known(engine: str, file: Path = FILE) -> list[Known]:
    """Return what is known to fail on an engine."""
    entries = tomllib.loads(file.read_text())["known"]
    read = [Known(**{k: tuple(v) if isinstance(v, list) else v for k, v in e.items()})
            for e in entries]  # fmt: skip
    return [known for known in read if engine in known.on]
