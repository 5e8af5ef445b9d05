"""Mount calls complain of the same thing first as on the host's own kernel."""

from __future__ import annotations

from typing import Any

import pytest

from starrylab.abi.fcntl import (
    MS_BIND,
)
from starrylab.abi.mount import (
    OPEN_TREE_CLONE,
)
from tests.kernel.vfs.mount.mount_pair import Call, Linux, check

START: list[Call] = [
    *(["mkdir", path] for path in ("/a", "/b")),
    ["write_file", "/f"],
    ["mount", "one", "/a", "tmpfs", 0, 0],
]


def attributes(wanted: int) -> list[Any]:
    return ["<QQQQ", wanted, 0, 0, 0]


def request_of(ident: int) -> list[Any]:
    return ["<IIQQQ", 24, 0, ident, 0, 0]


BAD = 8  #: an address where nothing is
#: each call with nothing right: what it looks at first is what it complains of
WRONG: list[Call] = [
    *(
        call
        for flags in (1 << 30, 0)
        for call in (
            ["open_tree", 99, BAD, flags],
            ["open_tree", 99, BAD, flags | OPEN_TREE_CLONE],
            ["open_tree", 99, "x", flags | OPEN_TREE_CLONE],
            ["move_mount", 99, BAD, 99, BAD, flags],
            ["move_mount", 99, "x", 98, "x", flags],
            ["fsopen", BAD, flags],
            ["fsopen", "nope", flags],
            ["fspick", 99, BAD, flags],
            ["fspick", 99, "x", flags],
            ["fsmount", 99, flags, 0],
            ["fsmount", 99, 0, flags],
            ["fsconfig", 99, flags or 6, 0, 0, 0],
            ["fsconfig", 99, 1, BAD, BAD, 0],
            ["mount_setattr", 99, BAD, flags, BAD, 32],
            ["mount_setattr", 99, BAD, flags, BAD, 3],
            ["mount_setattr", 99, BAD, flags, BAD, 5000],
            ["mount_setattr", 99, BAD, flags, attributes(1), 32],
            ["mount_setattr", 99, BAD, flags, attributes(0), 32],
            ["open_tree_attr", 99, BAD, flags, BAD, 32],
            ["open_tree_attr", 99, BAD, flags, 0, 32],
            ["open_tree_attr", 99, BAD, flags, attributes(1 << 30), 32],
            ["umount2", BAD, flags],
            ["umount2", "/nope", flags],
            ["umount2", "/a", flags],
            ["umount2", "/b", flags],
        )
    ),
    ["pivot_root", BAD, BAD],
    ["pivot_root", "/f", BAD],
    ["pivot_root", "/a", "/f"],
    ["mount", BAD, "/nope", "tmpfs", 0, 0],
    ["mount", 0, "/nope", BAD, 0, 0],
    ["mount", 0, "/nope", "tmpfs", 0, BAD],
    ["mount", 0, BAD, "tmpfs", 0, 0],
    ["mount", 0, "/b", "nope", 0, 0],
    ["mount", 0, "/b", "nope", -(1 << 31), 0],
    ["mount", "/nope", "/b", 0, MS_BIND, 0],
    ["statmount", BAD, BAD, 600, 1],
    ["statmount", request_of(0), BAD, 600, 0],
    ["listmount", BAD, BAD, 600, 2],
    ["listmount", request_of(0), BAD, 600, 0],
]


@pytest.mark.parametrize("user", [0, 1000])
def test_what_is_looked_at_first(linux: Linux, user: int) -> None:
    check(linux, f"wrong calls of user {user}", [*START, *[["setuid", user]] * (user > 0), *WRONG])
