"""The house rules that no tool checks: sizes, where waiting is allowed, what modules may hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import pytest

from starrylab.abi.numbers import ARCHES

N = TypeVar("N", bound=ast.AST)

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "starrylab"
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
KERNEL: Final = PACKAGE / "kernel"
#: Tables of the ABI, a few lines an entry: their length is Linux's.
TABLES: Final = {"starrylab/abi/errno.py"}
LONGEST: Final = 400  #: lines of a module
LONGEST_TEST: Final = 600
LONGEST_FUNCTION: Final = 80  #: lines; most have ten, the few long ones are the hottest paths

#: Kernel modules that may contain `await` and `async`, next to all of `syscalls/`.
WAITING: Final = {"thread.py", "traps.py", "core/sched.py", "core/poll.py", "uring/request.py"}
#: Modules that turn any exception into something else: a panic, or a message to another process.
CATCHES_ALL: Final = {
    "starrylab/kernel/traps.py",
    "starrylab/kernel/thread.py",
    "starrylab/session/assemble.py",  # a bug in the kernel is its panic, which can be looked at
    "starrylab/session/lab.py",
    "starrylab/cli/run.py",
    "starrylab/labs/checking.py",  # a student's code may raise anything, and is told
    "starrylab/labs/live.py",
    "starrylab/labs/recording/python_calls.py",
    "starrylab/labs/worker.py",
    "starrylab/machine/unicorn/hart.py",  # an exception cannot cross the emulator's C frames:
    "starrylab/machine/unicorn/counter.py",
    "starrylab/machine/unicorn/tlb.py",  # it is kept, and raised again behind them
}
#: Calls whose value cannot be changed afterwards, or is a declaration.
CONSTANT: Final = {
    "TypeVar", "struct.Struct", "Struct", "frozenset", "tuple", "range", "bytes", "memoryview",
    "ctypes.CFUNCTYPE", "uuid.UUID", "re.compile", "sum", "struct.pack", "MappingProxyType",
}  # fmt: skip
DISPLAYS: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


@cache
def trees() -> dict[Path, ast.Module]:
    """Return the syntax tree of each module."""
    return {path: ast.parse(path.read_text(), str(path)) for path in MODULES}


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    """Let go of some million nodes: they would slow down all garbage collection after this."""
    yield
    trees.cache_clear()


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def at(path: Path, node: ast.AST) -> str:
    return f"{short(path)}:{getattr(node, 'lineno', 0)}"


def nodes(*kinds: type[N]) -> Iterator[tuple[Path, N]]:
    """Yield every node of these kinds, with its module."""
    for path, module in trees().items():
        for node in ast.walk(module):
            if isinstance(node, kinds):
                yield path, node


def test_every_module_says_what_it_is_for() -> None:
    silent = []
    for path, module in trees().items():
        first = (ast.get_docstring(module) or "").split("\n", 1)[0].rstrip()
        if not first.endswith((".", "?", "!", ")")):
            silent.append(short(path))
    assert silent == []


def test_modules_are_short() -> None:
    sizes = {short(path): path.read_text().count("\n") for path in MODULES}
    assert {name: n for name, n in sizes.items() if n > LONGEST and name not in TABLES} == {}


def test_tests_are_short_as_well() -> None:
    paths = (ROOT / "tests").rglob("*.py")
    assert {short(p): n for p in paths if (n := p.read_text().count("\n")) > LONGEST_TEST} == {}


def test_a_function_fits_on_a_screen() -> None:
    found = []
    for path, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        lines = (node.end_lineno or 0) - node.lineno + 1
        if lines > LONGEST_FUNCTION:
            found.append(f"{at(path, node)}: {node.name} has {lines} lines")
    assert found == []


def test_the_kernel_waits_in_system_calls_only() -> None:
    found = []
    for path, node in nodes(ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith):
        if path.is_relative_to(KERNEL):
            name = path.relative_to(KERNEL).as_posix()
            if name not in WAITING and not name.startswith("syscalls/"):
                found.append(at(path, node))
    assert found == []


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


def test_a_module_holds_no_state() -> None:
    found = [f"{short(path)}: {name}" for path in MODULES for name in mutable_state(trees()[path])]
    found += [f"{at(path, node)}: global" for path, node in nodes(ast.Global)]
    assert found == []


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


def test_nothing_is_swallowed() -> None:
    """A handler of every exception cleans up and raises again, but for the few that panic."""
    found = []
    for path, node in nodes(ast.ExceptHandler):
        caught = "" if node.type is None else ast.unparse(node.type)
        if short(path) in CATCHES_ALL or caught not in ("", "Exception", "BaseException"):
            continue
        last = node.body[-1]
        if not isinstance(last, ast.Raise) or last.exc is not None:
            found.append(f"{at(path, node)}: except {caught}")
    assert found == []


def test_only_commands_print() -> None:
    found = [
        at(path, node)
        for path, node in nodes(ast.Call)
        if ast.unparse(node.func) == "print" and not path.is_relative_to(PACKAGE / "cli")
    ]
    assert found == []


def test_the_instruction_set_is_known_in_tables_and_engines_only() -> None:
    """No ``if arch == "riscv64"`` outside `abi` and `machine`."""
    found = []
    for path, node in nodes(ast.Compare):
        if path.relative_to(PACKAGE).parts[0] in ("abi", "machine"):
            continue
        texts = {p.value for p in (node.left, *node.comparators) if isinstance(p, ast.Constant)}
        if texts & set(ARCHES):
            found.append(at(path, node))
    assert found == []
