"""One Debian tree for all tests in this folder, and labs that run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.debian import root as debian
from tests.debian.labs import MEMORY, PATIENCE_S, SCRIPTS, SERVER, Batch, Shells
from tests.host_pty import HostTerminal, lab


@pytest.fixture(scope="session")
def trixie() -> Path:
    """The folder of a Debian tree; where it cannot be made, a failure in CI."""
    try:
        return debian.tree()
    except debian.Unavailable as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def batch(trixie: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """Return a lab for scripts."""
    share = tmp_path_factory.mktemp("share")
    command = [sys.executable, "-m", "starrylab", "run", *MEMORY, "--rootfs", str(trixie),
               "--bind", f"{share}:/share:rw", "--bind", f"{SCRIPTS}:/scripts",
               "--env", "HOME=/tmp",
               "--", "/bin/bash", "-c", SERVER]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Batch(process, share)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0


@pytest.fixture(scope="session")
def _shells(trixie: Path) -> Iterator[Shells]:
    options = [*MEMORY, "--env", "PS1=$ ", "--env", "HOME=/root", "--env", "LC_ALL=C.UTF-8"]
    with ExitStack() as stack:

        def start() -> HostTerminal:
            opened = lab("bash", "--norc", root=trixie, options=options, patience=PATIENCE_S)
            return stack.enter_context(opened)

        yield Shells(start)


@pytest.fixture
def bash(_shells: Shells, request: pytest.FixtureRequest) -> Iterator[HostTerminal]:
    """Debian's bash on a terminal."""
    terminal = _shells.lend()
    failed = request.session.testsfailed
    yield terminal
    if request.session.testsfailed == failed:
        _shells.give_back(terminal)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the making of the tree take longer than a test may."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(300, func_only=True))
