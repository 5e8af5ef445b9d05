"""getcwd(2)."""

from __future__ import annotations

import pytest

from starrylab.abi import errno as e
from tests.kernel.vfs.vfs_world import World

CWD = -100


def test_the_name_of_a_working_directory_may_be_too_long() -> None:
    t = World().thread()
    for _ in range(16):
        t.call("mkdirat", CWD, b"n" * 255, 0o755)
        t.call("chdir", b"n" * 255)
    for size in (0, 2, 4096, 10_000):
        with pytest.raises(e.ENAMETOOLONG):
            t.call("getcwd", t.base, size)
    t.call("chdir", b"..")
    with pytest.raises(e.ERANGE):
        t.call("getcwd", t.base, 2)
