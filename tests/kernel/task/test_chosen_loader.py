"""Programs that somebody else loads: what the kernel makes of the loader's answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from starrylab.abi.errno import ENOEXEC
from starrylab.kernel.kernel import Kernel
from starrylab.kernel.task.chosen_loader import BadLoader, ChosenLoader, Loading, _extent
from starrylab.labs import find
from starrylab.labs.benches import run_program
from starrylab.labs.student import load_module
from starrylab.userland import compile_c

SOURCE = """\
#include <stdio.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/auxv.h>
int main(int argc, char **argv) {
    char line[200];
    int fd = open("/proc/self/cmdline", O_RDONLY);
    long n = read(fd, line, sizeof line);
    for (int i = 0; i < n; i++) putchar(line[i] ? line[i] : ' ');
    printf("%d %lu %lu\\n", argc, getauxval(AT_PAGESZ), getauxval(AT_SECURE));
    if (argc > 1) execv(argv[0], (char *[]) { argv[0], 0 });
    return 7;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    source = tmp_path_factory.mktemp("c") / "tell.c"
    source.write_text(SOURCE)
    return compile_c([source], "riscv64").read_bytes()


@pytest.fixture
def loader() -> Any:
    return load_module(Path(find("8").solution) / "loader.py")


def use(loader: Any) -> Any:
    def prepare(kernel: Kernel) -> None:
        kernel.loader = ChosenLoader(loader)

    return prepare


def test_a_program_and_what_it_executes_are_loaded_by_it(loader: Any, program: bytes) -> None:
    asked = []
    parse = loader.parse

    def parse_noted(data: bytes) -> Any:
        asked.append(len(data))
        return parse(data)

    loader.parse = parse_noted
    outcome = run_program(program, ["one", "two"], prepare=use(loader))
    assert outcome.output == b"/bin/program one two 3 4096 0\r\n/bin/program 1 4096 0\r\n"
    assert outcome.status == 7
    assert asked == [len(program)] * 2


@pytest.mark.parametrize("change", [8, 4096, -16])
def test_a_wrong_stack_pointer_is_named(loader: Any, program: bytes, change: int) -> None:
    build = loader.build_stack

    def build_wrong(*args: Any) -> tuple[int, bytes]:
        sp, block = build(*args)
        return sp + change, block

    loader.build_stack = build_wrong
    with pytest.raises(BadLoader, match=r"build_stack\(\) answered 0x"):
        run_program(program, prepare=use(loader))


def test_a_loader_that_maps_nothing_is_named(loader: Any, program: bytes) -> None:
    loader.load = lambda *_: None
    with pytest.raises(BadLoader, match=r"load\(\) mapped nothing"):
        run_program(program, prepare=use(loader))


def test_what_it_refuses_is_refused(loader: Any, program: bytes) -> None:
    def refuse(_: bytes) -> Any:
        raise ENOEXEC

    loader.parse = refuse
    assert run_program(program, prepare=use(loader)).status == 126


def test_dynamic_programs_stay_the_kernels() -> None:
    chosen = ChosenLoader(SimpleNamespace())
    for movable, interpreter, serves in (
        (False, None, True),
        (True, None, False),
        (False, b"/lib/ld.so", False),
    ):
        image: Any = SimpleNamespace(movable=movable, interpreter=interpreter)
        assert chosen.serves(image) is serves


def test_where_strings_lie() -> None:
    assert _extent(100, b"ab\0cd\0", [100, 103]) == (100, 106)
    assert _extent(100, b"ab\0cd", [100, 103]) == (100, 103)
    assert _extent(100, b"ab\0", [100, 500]) == (0, 0)
    assert _extent(100, b"ab\0", []) == (0, 0)
    assert Loading.__doc__
