"""The house rules that no tool checks: sizes, where waiting is allowed, what modules may hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "starrylab"
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
KERNEL: Final = [p for p in MODULES if p.is_relative_to(PACKAGE / "kernel")]
#: Tables of the ABI, a few lines an entry: their length is Linux's.
TABLES: Final = {"starrylab/abi/errno.py"}
LONGEST: Final = 400  #: lines of a module
LONGEST_TEST: Final = 600
LONGEST_FUNCTION: Final = 80  #: lines; most have ten, the few long ones are the hottest paths

#: Kernel modules that may contain `await` and `async`, next to all of `syscalls/`.
WAITING: Final = {"thread.py", "traps.py", "core/sched.py", "core/poll.py"}
#: Modules that turn any exception into something else: a panic, or a message to another process.
CATCHES_ALL: Final = {
    "starrylab/kernel/traps.py",
    "starrylab/kernel/thread.py",
    "starrylab/session/lab.py",
    "starrylab/session/assemble.py",
    "starrylab/machine/unicorn/hart.py",  # an exception cannot cross the emulator's C frames:
    "starrylab/machine/unicorn/tlb.py",  # it is kept, and raised again behind them
}
#: Calls whose value cannot be changed afterwards, or is a declaration.
CONSTANT: Final = {
    "TypeVar", "struct.Struct", "Struct", "frozenset", "tuple", "range", "bytes", "memoryview",
    "ctypes.CFUNCTYPE", "re.compile", "sum", "struct.pack", "MappingProxyType",
}  # fmt: skip
DISPLAYS: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    source = path.read_text()
    doc = ast.get_docstring(ast.parse(source))
    assert doc, "no docstring"
    assert doc.split("\n", 1)[0].rstrip().endswith((".", "?", "!", ")")), doc
    if short(path) not in TABLES:
        assert source.count("\n") <= LONGEST


def test_tests_are_short_as_well() -> None:
    paths = (ROOT / "tests").rglob("*.py")
    assert {short(p): n for p in paths if (n := p.read_text().count("\n")) > LONGEST_TEST} == {}


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", KERNEL, ids=short)
def test_the_kernel_waits_in_system_calls_only(path: Path) -> None:
    name = path.relative_to(PACKAGE / "kernel").as_posix()
    if name in WAITING or name.startswith("syscalls/"):
        return
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert [node.lineno for node in ast.walk(tree(path)) if isinstance(node, waits)] == []


def mutable_state(module: ast.Module) -> Iterator[str]:
    """Yield the module-level names bound to something that code could change later."""
    for node in module.body:
        if isinstance(node, ast.Assign):
            names = [ast.unparse(target) for target in node.targets]
            value, constant = node.value, False
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            names = [ast.unparse(node.target)]
            value, constant = node.value, ast.unparse(node.annotation).startswith("Final")
        else:
            continue
        if constant or names == ["__all__"]:
            continue
        called = isinstance(value, ast.Call) and ast.unparse(value.func) not in CONSTANT
        if isinstance(value, DISPLAYS) or called:
            yield from names


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_module_holds_no_state(path: Path) -> None:
    module = tree(path)
    assert list(mutable_state(module)) == []
    assert not any(isinstance(node, ast.Global) for node in ast.walk(module))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("X = []", ["X"]),
        ("X: dict[str, int] = {}", ["X"]),
        ("X = WeakValueDictionary()", ["X"]),
        ("X: Final = {1: 2}", []),
        ("X = struct.Struct('<I')", []),
        ("X = 1", []),
        ("__all__ = ['a']", []),
    ],
)
def test_the_search_for_state_finds_it(source: str, found: list[str]) -> None:
    assert list(mutable_state(ast.parse(source))) == found


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_nothing_is_swallowed(path: Path) -> None:
    """A handler of every exception cleans up and raises again, but for the few that panic."""
    if short(path) in CATCHES_ALL:
        return
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = "" if node.type is None else ast.unparse(node.type)
        if caught in ("", "Exception", "BaseException"):
            last = node.body[-1]
            assert isinstance(last, ast.Raise), f"line {node.lineno}: except {caught}"
            assert last.exc is None, f"line {node.lineno}: raises something else"


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_only_commands_print(path: Path) -> None:
    if path.is_relative_to(PACKAGE / "cli"):
        return
    calls = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    assert [c.lineno for c in calls if ast.unparse(c.func) == "print"] == []


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_the_instruction_set_is_known_in_tables_and_engines_only(path: Path) -> None:
    """No ``if arch == "riscv64"`` outside `abi` and `machine`."""
    if path.relative_to(PACKAGE).parts[0] in ("abi", "machine"):
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            texts = {p.value for p in parts if isinstance(p, ast.Constant)}
            assert not texts & {"riscv64", "aarch64", "loongarch64"}, f"line {node.lineno}"
