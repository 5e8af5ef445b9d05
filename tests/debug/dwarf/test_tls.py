"""Thread-local variables of a library, where the program itself says that they are."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.debug.dwarf.errors import Unavailable
from starrylab.debug.dwarf.format import PLAIN, show
from starrylab.debug.inspect import InspectedThread
from starrylab.debug.language import Evaluator
from starrylab.kernel.kernel import Kernel
from starrylab.userland import build, compiler_environment
from tests.oracle import debian
from tests.oracle.fixtures import _or_missing as or_missing

from .stopped import PROGRAMS, run

GLIBC = "riscv64-linux-gnu.2.36"
MUSL = "riscv64-linux-musl"
PACKAGES = {GLIBC: ("libc6",), MUSL: ("musl",)}


def built(folder: Path, target: str, model: str) -> None:
    """Put the program and its library into ``folder``, built once."""
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", target, "-g", "-O1"]
    environment = compiler_environment()
    for source, output, flags in (
        ("tls_library.c", "library.so", ["-shared", "-fPIC", f"-ftls-model={model}"]),
        ("tls_threads.c", "program", ["-dynamic"]),
    ):
        command = [*compiler, *flags, str(PROGRAMS / source)]
        seed = "\0".join([build.compiler_version(), *command]).encode()
        seed += (PROGRAMS / source).read_bytes()
        kept = build.cache_folder() / "programs" / f"tls-{hashlib.sha256(seed).hexdigest()[:16]}"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            scratch = kept.with_suffix(f".{os.getpid()}")
            subprocess.run([*command, "-o", str(scratch)], env=environment, check=True)
            scratch.replace(kept)
        (folder / output).write_bytes(kept.read_bytes())
        (folder / output).chmod(0o755)


class Looked:
    """What the debugger shows of each thread, by its number in the program's table."""

    def __init__(self) -> None:
        self.values: dict[int, list[str]] = {}

    def __call__(self, stopped: InspectedThread, kernel: Kernel) -> None:
        main = Evaluator(stopped.scope(1))
        for index in range(3):
            tid = int(show(main.evaluate(f"seen[{index}].tid"), PLAIN))
            thread = stopped.inspector.thread(kernel.threads[tid])
            near = Evaluator(thread.scope(0))
            self.values[index] = [
                self.agrees(near, name, show(main.evaluate(f"(long)seen[{index}].{name}"), PLAIN))
                for name in ("own", "lib_own", "lib_hidden")
            ]

    @staticmethod
    def agrees(near: Evaluator, name: str, truth: str) -> str:
        """Return a variable's value; its address must be the program's own."""
        try:
            found = show(near.evaluate(name), PLAIN)
        except Unavailable as error:
            assert truth == "0"  # the program has not looked either
            return str(error)
        if truth != "0":
            assert show(near.evaluate(f"(long)&{name}"), PLAIN) == truth
        return found


@pytest.mark.parametrize(
    ("target", "model"),
    [(GLIBC, "global-dynamic"), (GLIBC, "initial-exec"), (MUSL, "global-dynamic")],
)
def test_variables_of_a_library(target: str, model: str, tmp_path: Path) -> None:
    root = or_missing(lambda: debian.tree(f"tls-{PACKAGES[target][0]}", PACKAGES[target]))
    built(tmp_path, target, model)
    looked = Looked()
    run(tmp_path / "program", looked, root=root, argv=(b"/prog/library.so",))
    assert looked.values[0] == ["6", "42", '"Hidden"']
    assert looked.values[1][:2] == ["105", "141"]
    untouched = looked.values[2]
    assert untouched[0] == "5"
    if target == GLIBC and model == "global-dynamic":  # which makes blocks when they are used
        assert "not used this library's thread-local storage" in untouched[1]
    else:
        assert untouched[1] == "41"
