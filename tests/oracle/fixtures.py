"""pytest fixtures that hand out the oracles; conftest.py imports them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from . import debian, gdb, qemu, qemu_system, symbolizers, valgrind

T = TypeVar("T")

_UNAVAILABLE = (
    debian.Unavailable,
    gdb.Unavailable,
    qemu.Unavailable,
    qemu_system.Unavailable,
    symbolizers.Unavailable,
    valgrind.Unavailable,
)


def _missing(reason: str) -> NoReturn:
    """Skip here, but fail where all is expected to be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _or_missing(make: Callable[[], T]) -> T:
    try:
        return make()
    except _UNAVAILABLE as error:
        _missing(str(error))


@pytest.fixture(scope="session")
def busybox() -> Path:
    """A root tree with Debian's static riscv64 busybox and its links."""
    return _or_missing(lambda: debian.tree("busybox", debian.BUSYBOX))


@pytest.fixture(scope="session")
def debian_root() -> Path:
    """A root tree with Debian's riscv64 bash, coreutils and friends, all dynamic."""
    return _or_missing(lambda: debian.tree("system", debian.SYSTEM))


@pytest.fixture(scope="session")
def terminal_root() -> Path:
    """A root tree with Debian's riscv64 bash and script."""
    return _or_missing(lambda: debian.tree("terminal", debian.TERMINAL))


@pytest.fixture(scope="session")
def qemu_user() -> str:
    """The path of qemu-riscv64-static, once it is known that scripts can run under it."""

    def check() -> str:
        qemu.run_tree(None, ["/bin/true"])
        return qemu.interpreter()

    return _or_missing(check)


@pytest.fixture(scope="session")
def gdb_multiarch() -> str:
    """The path of a gdb that knows riscv64."""
    return _or_missing(gdb.program)


@pytest.fixture(scope="session")
def host_valgrind() -> None:
    """Needs valgrind, and a compiler for programs of the host."""
    _or_missing(valgrind.check)
