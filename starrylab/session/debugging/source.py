"""Source text: lines of the files that debug information names, read from the host."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...debug.control.api import ControlError
from ...debug.control.locations import parse, resolve
from ...userland import SOURCE_PREFIX, SOURCES
from . import model

if TYPE_CHECKING:
    from ...debug.control.looking import Look
    from ...kernel.thread import Thread

_LARGEST: Final = 16 << 20  #: bytes of a source file
_MOST: Final = 1000  #: lines of an answer
_KERNEL: Final = Path(__file__).parents[2] / "kernel"
_AROUND: Final = 5  #: lines before the one that a location names


class SourceFiles:
    """Finds and reads source files."""

    def __init__(self, look: Look, own: Path | None = None) -> None:
        self._look = look
        self._own = own  #: a student's files, which are changed while they are looked at

    def answer(self, thread: Thread, command: model.GetSource) -> model.Source:
        """Return the lines that are asked for; raise `ControlError`."""
        file, first = command.file, command.first
        if command.location:
            file, line = self._place(thread, command)
            first = max(1, line - _AROUND)
        path = self._find(thread, file)
        lines = self._own_lines(path) or _lines(_on_this_host(path, command.folders))
        if not 0 < first <= len(lines):
            raise ControlError(f"line number {first} out of range; {file} has {len(lines)} lines")
        count = min(max(1, command.count), _MOST)
        return model.Source(path, first, tuple(lines[first - 1 : first - 1 + count]))

    def _place(self, thread: Thread, command: model.GetSource) -> tuple[str, int]:
        location = parse(command.location, file=command.file, line=command.first)
        if location.line:
            return location.within, location.line
        code = self._look.code
        for addr in resolve(location, code, thread.mm):
            found = code.locations(thread.mm, addr)
            if found and found[0].line:
                return found[0].file, found[0].line
        raise ControlError(f"no source for {command.location}")

    def _find(self, thread: Thread, file: str) -> str:
        """Return a source file's path by the end of it."""
        if not file:
            raise ControlError("no source file is known here")
        if file.startswith("starrylab/kernel/") or self._is_own(Path(file)):
            return file
        for path in self._look.source_files(thread):
            if path == file or path.endswith("/" + file):
                return path
        raise ControlError(f"no source file named {file}")

    def _is_own(self, path: Path) -> bool:
        return self._own is not None and path.resolve().is_relative_to(self._own)

    def _own_lines(self, path: str) -> tuple[str, ...]:
        """Return a student's file as it is now; nothing for other files."""
        found = Path(path)
        if self._own is not None and path.startswith(f"{SOURCE_PREFIX}/"):
            found = self._own / path.removeprefix(f"{SOURCE_PREFIX}/")
        return _read(found) if self._is_own(found) and found.is_file() else ()


def _on_this_host(path: str, folders: tuple[str, ...]) -> str:
    """Return where a source file is: where it was built, in one of ``folders``, or with ours."""
    if path.startswith("starrylab/"):
        return str(_KERNEL.parents[1] / path)
    if not Path(path).is_file():
        parts = Path(path).parts
        for folder in folders:
            for start in range(1, len(parts)):
                if (found := Path(folder, *parts[start:])).is_file():
                    return str(found)
        ours = SOURCES / path.removeprefix(f"{SOURCE_PREFIX}/")
        if ours.is_file():  # the built-in programs are built to say so
            return str(ours)
    return path


@lru_cache(maxsize=32)
def _lines(path: str) -> tuple[str, ...]:
    return _read(Path(path))


def _read(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST)
    except OSError as error:
        raise ControlError(f"{path}: {error.strerror}") from None
    return tuple(data.decode(errors="replace").splitlines())
