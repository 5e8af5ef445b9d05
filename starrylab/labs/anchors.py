"""Anchors: how a lab's text leads to the source that it explains.

An anchor is a Markdown code span ``starrylab/kernel/mm/frames.py#FrameAllocator.alloc``: a file of
the package, and the name of a class, function or method in it.  Names outlive line numbers.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ANCHOR: Final = re.compile(r"`(starrylab/[\w/]+\.(?:py|c|h))#([\w.]+)`")
_ROOT: Final = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Place:
    """Where an anchor leads."""

    path: Path
    line: int  #: from 1


def anchors(text: str) -> list[str]:
    """Return the anchors in a lab's text, as ``file#name``."""
    return [f"{file}#{name}" for file, name in _ANCHOR.findall(text)]


def resolve(anchor: str) -> Place | None:
    """Return where ``anchor`` leads, or ``None`` where nothing has that name."""
    file, _, name = anchor.partition("#")
    path = _ROOT / file
    try:
        text = path.read_text()
    except OSError:
        return None
    line = _python(text, name) if path.suffix == ".py" else _c(text, name)
    return None if line is None else Place(path, line)


def _python(text: str, name: str) -> int | None:
    body: list[ast.stmt] = ast.parse(text).body
    line = None
    for part in name.split("."):
        found = next((node for node in body if _defines(node, part)), None)
        if found is None:
            return None
        line = found.lineno
        body = getattr(found, "body", [])
    return line


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and node.target.id == name
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return False


def _c(text: str, name: str) -> int | None:
    pattern = re.compile(rf"^\S.*\b{re.escape(name)}\b")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if pattern.search(line)), None)
