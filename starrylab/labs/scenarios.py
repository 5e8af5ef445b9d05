"""What of a `check.py` runs beside a student's code: its scenarios, and what they use.

Goals stay out of that process.  Code that found them there could run them with a `Run` of its
own and learn from their comparisons what they want to hear.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

_MARK: Final = "scenario"  #: the decorator
_FUTURE: Final = "__future__"


def load_scenarios(path: Path) -> ModuleType:
    """Execute a lab's `check.py` without its goals and what only they use.

    Raises ``SyntaxError``, and whatever the rest of the file raises.
    """
    tree = ast.parse(path.read_bytes(), str(path))
    tree.body = list(_needed(tree.body))
    module = ModuleType(f"lab_scenarios_{path.parent.name[:2]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look for it there
    exec(compile(tree, str(path), "exec"), module.__dict__)
    return module


def _needed(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the scenarios and all that they lead to, in the file's order."""
    binds: dict[str, list[ast.stmt]] = {}
    for statement in body:
        for name in _bound(statement):
            binds.setdefault(name, []).append(statement)
    kept: set[int] = set()
    waiting = [statement for statement in body if _is_root(statement)]
    while waiting:
        statement = waiting.pop()
        if id(statement) in kept:
            continue
        kept.add(id(statement))
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                waiting += binds.get(node.id, ())
    return (statement for statement in body if id(statement) in kept)


def _is_root(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef):
        return any(isinstance(d, ast.Name) and d.id == _MARK for d in statement.decorator_list)
    return isinstance(statement, ast.ImportFrom) and statement.module == _FUTURE


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                yield (alias.asname or alias.name).partition(".")[0]
        case _:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id
