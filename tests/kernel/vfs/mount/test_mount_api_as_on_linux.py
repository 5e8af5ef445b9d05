"""The mount API, call by call: what the host's own kernel answers, this one answers."""

from __future__ import annotations

from typing import Any

import pytest

from starrylab.abi.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_RECURSIVE,
    MS_BIND,
    MS_NOSYMFOLLOW,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REMOUNT,
    MS_SHARED,
)
from starrylab.abi.mount import (
    FSCONFIG_CMD_CREATE,
    FSCONFIG_CMD_CREATE_EXCL,
    FSCONFIG_CMD_RECONFIGURE,
    FSCONFIG_SET_BINARY,
    FSCONFIG_SET_FD,
    FSCONFIG_SET_FLAG,
    FSCONFIG_SET_PATH,
    FSCONFIG_SET_PATH_EMPTY,
    FSCONFIG_SET_STRING,
    MNT_DETACH,
    MNT_EXPIRE,
    MNT_FORCE,
    MOUNT_ATTR__ATIME,
    MOUNT_ATTR_IDMAP,
    MOUNT_ATTR_NOATIME,
    MOUNT_ATTR_NODIRATIME,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSYMFOLLOW,
    MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_STRICTATIME,
    MOVE_MOUNT_F_EMPTY_PATH,
    OPEN_TREE_CLONE,
)
from tests.kernel.vfs.mount.mount_pair import Call, Linux, check

CWD = AT_FDCWD
INFO: Call = ["mountinfo"]
START: list[Call] = [
    ["mkdir", "/a"],
    ["mkdir", "/b"],
    ["mkdir", "/c"],
    ["mkdir", "/b/x"],
    ["write_file", "/f"],
    ["mount", "one", "/a", "tmpfs", 0, 0],
    ["mkdir", "/a/x"],
    ["mkdir", "/a/y"],
    ["mount", "two", "/a/x", "tmpfs", MS_RDONLY, 0],
]
N = len(START)  #: number of the first call after it


def result(index: int) -> str:
    """What the call after START with this number returned."""
    return f"${N + index}"


FIRST, SECOND, THIRD = result(0), result(1), result(2)


def to(fd: str, path: str) -> Call:
    return ["move_mount", fd, "", CWD, path, MOVE_MOUNT_F_EMPTY_PATH]


def option(command: int, key: Any, value: Any = 0, aux: int = 0, fd: Any = FIRST) -> Call:
    return ["fsconfig", fd, command, key, value, aux]


def text(key: str, value: str) -> Call:
    return option(FSCONFIG_SET_STRING, key, value)


def command(number: int, fd: str = FIRST) -> Call:
    return ["fsconfig", fd, number, 0, 0, 0]


CREATE, CHANGE = command(FSCONFIG_CMD_CREATE), command(FSCONFIG_CMD_RECONFIGURE)
READ: Call = ["read", FIRST]
CLONE: Call = ["open_tree", CWD, "/a", OPEN_TREE_CLONE]
CLONE_ALL: Call = ["open_tree", CWD, "/a", OPEN_TREE_CLONE | AT_RECURSIVE]
SHARE_A: Call = ["mount", 0, "/a", 0, MS_SHARED, 0]

SCENARIOS: dict[str, list[Call]] = {
    "a context and its log": [
        ["fsopen", "tmpfs", 0], READ, text("foo", "bar"), text("size", "bar"),
        option(FSCONFIG_SET_FLAG, "size"), text("ro", "x"), option(FSCONFIG_SET_FLAG, "ro"),
        text("source", "x"), text("source", "y"), option(FSCONFIG_SET_FLAG, "source"),
        *[READ] * 7, ["fsmount", FIRST, 0, 0], CREATE, CREATE, text("size", "1m"),
        ["fsmount", FIRST, 0, 0], ["fsmount", FIRST, 0, 0], text("size", "1m"), CHANGE,
        to(result(21), "/b"), to(result(21), "/b"), INFO,
        command(FSCONFIG_CMD_CREATE_EXCL), READ,
    ],
    "the log keeps eight lines": [
        ["fsopen", "tmpfs", 0], *(text(f"k{i}", "x") for i in range(10)), *[READ] * 9,
    ],
    "flags of a change that failed or was made": [
        ["fsopen", "tmpfs", 0], option(FSCONFIG_SET_FLAG, "ro"), option(FSCONFIG_SET_FLAG, "sync"),
        CREATE, ["fsmount", FIRST, 0, 0], to(result(4), "/b"), INFO, text("size", "1m"), CHANGE,
        INFO, option(FSCONFIG_SET_FLAG, "sync"), CHANGE, INFO, CHANGE, INFO,
        option(FSCONFIG_SET_FLAG, "dirsync"), CHANGE, READ, CHANGE,
    ],
    "types and flags of fsopen": [
        ["fsopen", "nope", 0], ["fsopen", "tmpfs", 2], ["fsopen", 0, 0], ["fsopen", "a" * 5000, 0],
        ["fsopen", "", 0],
    ],
    "arguments of fsconfig": [
        ["fsopen", "tmpfs", 1], CREATE,
        ["fsconfig", -1, FSCONFIG_CMD_CREATE, 0, 0, 0], option(99, 0),
        option(FSCONFIG_SET_FLAG, 0), option(FSCONFIG_SET_FLAG, "ro", "x"),
        option(FSCONFIG_SET_FLAG, "ro", 0, 1), option(FSCONFIG_SET_STRING, "size"),
        option(FSCONFIG_SET_STRING, 0, "1m"), option(FSCONFIG_SET_STRING, "size", "1m", 1),
        option(FSCONFIG_SET_BINARY, "size", "1m", 0), option(FSCONFIG_SET_BINARY, "size", "1m", 2),
        option(FSCONFIG_SET_PATH, "size", "1m", CWD), option(FSCONFIG_SET_PATH, "size", "1m", -1),
        option(FSCONFIG_SET_PATH_EMPTY, "size", "", CWD), option(FSCONFIG_SET_FD, "size", 0, 99),
        option(FSCONFIG_SET_FD, "size", 0, -1), option(FSCONFIG_CMD_CREATE, "x"),
        ["fsconfig", 99, FSCONFIG_CMD_CREATE, 0, 0, 0], ["open", "/", 0],
        command(FSCONFIG_CMD_CREATE, result(19)),
    ],
    "keys and values of tmpfs": [
        ["fsopen", "tmpfs", 0], text("a" * 255, "x"), text("a" * 256, "x"), text("size", "1" * 256),
        option(FSCONFIG_SET_FLAG, ""), text("huge", "never"), text("huge", "xx"),
        text("mode", "999"), text("mode", "0777"), text("uid", "-1"), text("gid", "4294967295"),
        *[READ] * 8, text("nr_inodes", "10k"), text("noswap", "1"),
        option(FSCONFIG_SET_FLAG, "inode64"), text("size", "50%"), text("size", "5x"),
        text("mpol", "default"), option(FSCONFIG_SET_FLAG, "quota"), text("uid", "0x10"),
        *[READ] * 8,
    ],
    **{
        f"options of {kind}": [
            ["fsopen", kind, 0], text("foo", "x"), text("mode", "x"), text("gid", "x"), *[READ] * 4,
            text("hidepid", "9"), text("subset", "x"), text("max", "x"),
            option(FSCONFIG_SET_FLAG, "newinstance"), text("newinstance", "1"), *[READ] * 6,
        ]
        for kind in ("proc", "sysfs", "mqueue", "devpts", "devtmpfs")
    },
    "flags of fsmount": [
        ["fsopen", "tmpfs", 0], ["fsmount", FIRST, 0, 0], CREATE,
        ["fsmount", FIRST, 2, 0], ["fsmount", FIRST, 0, 0x30], ["fsmount", FIRST, 0, 0x100],
        ["fsmount", 99, 0, 0], ["open", "/", 0], ["fsmount", result(7), 0, 0],
        ["fsmount", FIRST, 0, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_STRICTATIME],
        ["fsmount", result(9), 0, 0], to(result(9), "/b"), INFO,
    ],
    "a picked file system": [
        ["fspick", CWD, "/a", 0], text("size", "2m"), option(FSCONFIG_SET_FLAG, "ro"), CREATE,
        CHANGE, INFO, ["fspick", CWD, "/a/y", 0], ["fspick", CWD, "/a", 16],
        ["fspick", CWD, "/nope", 0], ["fspick", CWD, "", 8], ["fspick", CWD, "", 0],
        ["fsmount", FIRST, 0, 0], text("size", "bad"), READ, text("size", "1m"), CHANGE,
        option(FSCONFIG_SET_FLAG, "rw"), CHANGE, INFO,
    ],
    "a tree that is copied and put down": [
        CLONE_ALL, INFO, to(FIRST, "/b"), INFO, ["umount2", "/b", 0], ["umount2", "/b", MNT_DETACH],
        INFO, to(FIRST, "/c"),
    ],
    "a tree that is moved by its descriptor": [
        ["open_tree", CWD, "/a", 0], to(FIRST, "/b"), INFO, ["open_tree", CWD, "/b/x", 0],
        to(result(3), "/c"), INFO, ["open_tree", CWD, "/c", AT_RECURSIVE],
        ["open_tree", CWD, "/c", 2], ["open_tree", CWD, "/nope", 0], ["open_tree", CWD, "", 0],
    ],
    "a detached tree on a detached tree": [
        CLONE, CLONE, ["move_mount", FIRST, "", SECOND, "x", MOVE_MOUNT_F_EMPTY_PATH],
        to(SECOND, "/b"), INFO, ["open_tree", FIRST, "", OPEN_TREE_CLONE | AT_EMPTY_PATH],
        ["open_tree", CWD, "/f", OPEN_TREE_CLONE], to(result(6), "/b/x"), to(result(6), "/f"), INFO,
    ],
    "a detached tree hears nothing": [
        CLONE_ALL, ["move_mount", FIRST, "x", CWD, "/b", 0], ["umount2", "/b", 0], SHARE_A,
        CLONE_ALL, ["mount", "t", "/a/y", "tmpfs", 0, 0], INFO, to(result(4), "/b"), INFO,
        ["mkdir", "/b/y/z"], ["mount", "u", "/b/y/z", "tmpfs", 0, 0], INFO,
    ],
    "a detached tree hears what goes": [
        SHARE_A, ["umount2", "/a/x", 0], ["mount", "t", "/a/x", "tmpfs", 0, 0], CLONE_ALL,
        ["umount2", "/a/x", 0], to(result(3), "/b"), INFO,
    ],
    "a new tree in a shared mount": [
        ["fsopen", "tmpfs", 0], CREATE, ["fsmount", FIRST, 0, 0], SHARE_A,
        ["mount", "/a", "/b", 0, MS_BIND, 0], to(THIRD, "/a/y"), INFO,
    ],
    "flags of move_mount": [
        CLONE, ["move_mount", FIRST, "", CWD, "/b", 8 | 4], ["move_mount", FIRST, "", CWD, "/b", 0],
        ["move_mount", FIRST, "", CWD, "/b", 0x300], ["move_mount", 99, "", CWD, "/b", 4],
        ["move_mount", FIRST, "", CWD, "/nope", 4], ["move_mount", FIRST, "", CWD, "/f", 4],
        ["move_mount", CWD, "/b", CWD, "/c", 0], ["move_mount", CWD, "/", CWD, "/c", 0],
    ],
    "a mount that expires": [
        ["umount2", "/a/x", MNT_EXPIRE | MNT_DETACH], ["umount2", "/a/x", MNT_EXPIRE | MNT_FORCE],
        ["umount2", "/", MNT_EXPIRE], ["umount2", "/a", MNT_EXPIRE], ["umount2", "/a/x", 16],
        ["umount2", "/a/x", MNT_EXPIRE], ["mkdir", "/a/x/y"], ["umount2", "/a/x", MNT_EXPIRE],
        ["umount2", "/a/x", MNT_EXPIRE], ["umount2", "/a/x", MNT_EXPIRE], INFO,
    ],
    "flags of remounts": [
        ["mount", 0, "/a", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0], INFO,
        ["mount", 0, "/a", 0, MS_REMOUNT | 2 | 4 | 8, "size=1m"], INFO,
        ["mount", 0, "/a", 0, MS_REMOUNT | 1024 | 2048, 0], INFO,
        ["mount", 0, "/a", 0, MS_REMOUNT | MS_NOSYMFOLLOW, 0], INFO,
        ["mount", 0, "/a", 0, MS_REMOUNT | (1 << 24), "bad"], INFO,
        ["mount", 0, "/a", 0, MS_REMOUNT | (1 << 24), 0], INFO,
        ["mount", 0, "/a", 0, MS_REMOUNT | (1 << 21), 0], INFO,
        ["mount", 0, "/a/y", 0, MS_REMOUNT, 0], ["mount", 0, "/a", 0, MS_REMOUNT | 16, 0], INFO,
    ],
    "links where none are followed": [
        ["symlink", "/b", "/a/l"], ["mkdir", "/a/l/ok"],
        ["mount", 0, "/a", 0, MS_REMOUNT | MS_NOSYMFOLLOW, 0], ["mkdir", "/a/l/no"],
        ["open", "/a/l", 0], INFO,
    ],
    "in what order mount complains": [
        ["mount", "x", "/nope", "tmpfs", 0, 0], ["mount", "x", "/f", "tmpfs", 0, 0],
        ["mount", "x", "/f", "nope", 0, 0], ["mount", "x", "/f", 0, 0, 0],
        ["mount", "x", "/f", "tmpfs", 0, "bad"], ["mount", 0, "/b", 0, MS_BIND, 0],
        ["mount", "", "/b", 0, MS_BIND, 0], ["mount", "/nope", "/b", 0, MS_BIND, 0],
        ["mount", "/f", "/b", 0, MS_BIND, 0], ["mount", "/b", "/f", 0, MS_BIND, 0],
        ["mount", 0, "/b", 0, MS_SHARED, 0], ["mount", 0, "/a", 0, MS_SHARED | MS_PRIVATE, 0],
        ["mount", 0, "/a", 0, MS_SHARED | MS_RDONLY, 0],
        ["mount", "x", "/a", "tmpfs", -(1 << 31), 0],
        ["umount2", "/nope", 0], ["umount2", "/b", 0], ["umount2", "/f", 0], ["umount2", "/a", 0],
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_as_on_linux(linux: Linux, name: str) -> None:
    check(linux, name, START + SCENARIOS[name])


def attributes(*fields: int) -> list[Any]:
    return ["<QQQQ", *fields, *[0] * (4 - len(fields))]


CHANGES = [
    (MOUNT_ATTR_RDONLY, 0), (0, MOUNT_ATTR_RDONLY), (MOUNT_ATTR_NOATIME, 0),
    (MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME), (MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME),
    (0x30, MOUNT_ATTR__ATIME), (0, MOUNT_ATTR__ATIME), (0, MOUNT_ATTR_NOATIME),
    (MOUNT_ATTR_NODIRATIME, 0), (2 | 4 | 8, 0), (MOUNT_ATTR_NOSYMFOLLOW, 0), (1 << 30, 0),
    (0, 0, MS_SHARED), (0, 0, MS_SHARED | MS_PRIVATE), (0, 0, 1), (MOUNT_ATTR_IDMAP, 0, 0, 99),
    (MOUNT_ATTR_IDMAP, 0, 0, 1 << 40), (0, 0),
]  # fmt: skip


@pytest.mark.parametrize("fields", CHANGES, ids=str)
def test_changes_of_attributes(linux: Linux, fields: tuple[int, ...]) -> None:
    data = attributes(*fields)
    calls = [
        ["mount_setattr", CWD, "/a", 0, data, 32],
        INFO,
        ["mount_setattr", CWD, "/a", AT_RECURSIVE, data, 32],
        INFO,
        ["mount_setattr", CWD, "/a/y", AT_RECURSIVE, data, 32],
        ["mount_setattr", CWD, "/a", 1, data, 32],
        ["mount_setattr", CWD, "/nope", 0, data, 32],
        ["open_tree_attr", CWD, "/a", OPEN_TREE_CLONE | AT_RECURSIVE, data, 32],
        to(result(7), "/b"),
        INFO,
    ]
    check(linux, f"attributes {fields}", START + calls)


def test_sizes_of_attributes(linux: Linux) -> None:
    data = attributes(MOUNT_ATTR_RDONLY)
    longer = [["<QQQQB", *data[1:], last] for last in (0, 1)]
    calls = [
        *(["mount_setattr", CWD, "/a", 0, data, size] for size in (0, 31, 4097)),
        ["mount_setattr", CWD, "/a", 0, longer[1], 33],
        INFO,
        ["mount_setattr", CWD, "/a", 0, longer[0], 33],
        INFO,
        ["mount_setattr", CWD, "/a", 0, 0, 32],
        ["mount_setattr", CWD, "/nope", 0, 0, 31],
        ["mount_setattr", 99, "nope", 0, data, 32],
        ["open_tree_attr", CWD, "/a", OPEN_TREE_CLONE, 0, 0],
        ["open_tree_attr", CWD, "/a", OPEN_TREE_CLONE, 0, 32],
        ["open_tree_attr", CWD, "/a", AT_RECURSIVE, data, 32],
    ]
    check(linux, "sizes of attributes", START + calls)
