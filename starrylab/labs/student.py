"""The student's files, as a scenario meets them: modules, classes, components.

It lives in the confined process, beside the code that it loads.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, MappingProxyType, ModuleType
from typing import Any, Final

from .description import Description
from .texts import Text

NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_INTERRUPTER: Final = str(Path(__file__).with_name("stuck.py"))
_INNERMOST: Final = 6  #: frames shown where none is the student's


class StudentError(Exception):
    """The student's files cannot be used: the reason in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class KernelPanic(Exception):
    """The kernel ended: the text has the reason in its first line, then the one stack."""


class Student:
    """The files of one submission."""

    def __init__(
        self, folder: Path, description: Description, given: Mapping[str, object] = NOTHING
    ) -> None:
        self.folder = folder
        self.description = description
        self._given = given  #: names that every file finds besides Python's
        self._modules: dict[str, ModuleType] = {}

    def module(self, file: str = "") -> ModuleType:
        """Return a Python file as a module (default: the first that the lab names).

        Raises `StudentError`, and whatever the file raises while it is loaded.
        """
        file = file or next(name for name in self.description.files if name.endswith(".py"))
        if file not in self._modules:
            self._modules[file] = load_module(self.folder / file, self._given)
        return self._modules[file]

    def component(self, name: str) -> Any:
        """Return the class (or the module) that stands for component ``name``."""
        found = next(r for r in self.description.replaces if r.component == name)
        module = self.module(found.file)
        return named(module, found.name) if found.name else module

    def get(self, name: str, file: str = "") -> Any:
        """Return what ``file`` calls ``name``; raise `StudentError` where there is no such."""
        return named(self.module(file), name)

    def text(self, file: str) -> str:
        """Return a file's text; raise `StudentError`."""
        return read_text(self.folder / file)


def read_text(path: Path) -> str:
    """Return a student's file; raise `StudentError`."""
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin with a mark
    except FileNotFoundError:
        raise StudentError(missing(path.name)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        name = path.name
        raise StudentError(
            Text(f"{name} cannot be read: {reason}", f"无法读取 {name}：{reason}")
        ) from None


def missing(name: str) -> Text:
    """Return what is said of a file that was not taken over: links and large files are not."""
    return Text(
        f"there is no {name}, or it is no regular file of up to 1 MiB",
        f"没有文件 {name}，或者它不是 1 MiB 以内的普通文件",
    )


def load_module(path: Path, given: Mapping[str, object] = NOTHING) -> ModuleType:
    """Execute a Python file as a new module, with the names ``given``; raise `StudentError`."""
    text = read_text(path)
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    module.__dict__.update(given)
    sys.modules[path.stem] = module  # dataclasses and pickling look for it there
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module


def named(module: ModuleType, name: str) -> Any:
    """Return ``module.name``; raise `StudentError`."""
    try:
        return getattr(module, name)
    except AttributeError:
        file = Path(module.__file__ or module.__name__).name
        raise StudentError(Text(f"{file} defines no {name}", f"{file} 中没有定义 {name}")) from None


def explain(error: BaseException, folder: Path) -> str:
    """Return a traceback that begins where the student's own code does."""
    every = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in every if frame.filename != _INTERRUPTER]
    first = next(
        (i for i, frame in enumerate(frames) if frame.filename.startswith(str(folder))), len(frames)
    )
    lines = traceback.format_list(_short(frames[first:], folder))
    text = "".join([*lines, *traceback.format_exception_only(error)]).rstrip()
    return text.replace(f"{folder}/", "")  # a SyntaxError names its file itself


def stopped_at(frame: FrameType | None, folder: Path) -> str:
    """Return the stack at ``frame``, from where the student's own code begins."""
    frames = traceback.StackSummary.extract(traceback.walk_stack(frame))
    frames.reverse()
    first = next(
        (i for i, found in enumerate(frames) if found.filename.startswith(str(folder))), -_INNERMOST
    )
    return "".join(traceback.format_list(_short(frames[first:], folder))).rstrip()


def _short(frames: Sequence[traceback.FrameSummary], folder: Path) -> list[traceback.FrameSummary]:
    prefix = f"{folder}/"
    return [
        traceback.FrameSummary(
            frame.filename.removeprefix(prefix), frame.lineno, frame.name, line=frame.line
        )
        for frame in frames
    ]
