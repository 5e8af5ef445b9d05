"""Mount calls do the same here as on the host's own kernel: results, errors and mountinfo."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from starrylab.abi.fcntl import (
    AT_FDCWD,
    AT_RECURSIVE,
    MS_BIND,
    MS_MOVE,
    MS_PRIVATE,
    MS_REC,
    MS_SHARED,
    MS_SLAVE,
    MS_UNBINDABLE,
)
from starrylab.abi.mount import (
    MNT_DETACH,
    MNT_EXPIRE,
    MOVE_MOUNT_BENEATH,
    MOVE_MOUNT_F_EMPTY_PATH,
    MOVE_MOUNT_SET_GROUP,
    OPEN_TREE_CLONE,
)
from tests.kernel.vfs.mount.mount_pair import Call, Linux, Native, digest_of, perform

MOVES = [0, MOVE_MOUNT_SET_GROUP, MOVE_MOUNT_BENEATH]
KINDS = [MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE]
PATHS = ["/", "/a", "/b", "/c", "/a/x", "/b/x", "/c/x", "/a/x/x", "/b/x/x"]


def setattr_(path: str, wanted: int, unwanted: int, kind: int, flags: int) -> Call:
    data = struct.pack("<QQQQ", wanted, unwanted, kind, 0).decode("latin-1")
    return ["mount_setattr", AT_FDCWD, path, flags, data, 32]


# -- any calls in any order ----------------------------------------------------------------------

paths = st.sampled_from(PATHS)
changes = st.one_of(
    st.builds(lambda p: ["mkdir", p], paths),
    st.builds(lambda p: ["mount", "t", p, "tmpfs", 0, 0], paths),
    st.builds(lambda p, q, r: ["mount", p, q, 0, MS_BIND | r, 0], paths, paths,
              st.sampled_from([0, MS_REC])),
    st.builds(lambda p, q: ["mount", p, q, 0, MS_MOVE, 0], paths, paths),
    st.builds(lambda p, k, r: ["mount", 0, p, 0, k | r, 0], paths, st.sampled_from(KINDS),
              st.sampled_from([0, MS_REC])),
    st.builds(lambda p, k: setattr_(p, 2, 0, k, AT_RECURSIVE), paths, st.sampled_from(KINDS)),
    st.builds(lambda p, f: ["umount2", p, f], paths.filter(lambda p: p != "/"),
              st.sampled_from([0, 0, MNT_DETACH, MNT_EXPIRE])),
    st.builds(lambda p, q, f: ["move_mount", AT_FDCWD, p, AT_FDCWD, q, f], paths, paths,
              st.sampled_from(MOVES)),
    st.builds(lambda p, q: ["pivot_root", p, q], paths, paths),
    st.just(["unshare"]),
    st.builds(lambda p, r: ["open_tree", AT_FDCWD, p, r], paths,
              st.sampled_from([0, OPEN_TREE_CLONE, OPEN_TREE_CLONE | AT_RECURSIVE])),
    st.builds(lambda n, p, f: ["put", n, AT_FDCWD, p, f | MOVE_MOUNT_F_EMPTY_PATH],
              st.integers(0, 3), paths, st.sampled_from(MOVES)),
    st.builds(lambda n, m, p: ["put", n, f"tree {m}", p, MOVE_MOUNT_F_EMPTY_PATH],
              st.integers(0, 3), st.integers(0, 3), st.sampled_from(["x", "a", "x/x"])),
)  # fmt: skip
#: a start with something in it, so that few calls are in vain
START: list[Call] = [
    *(["mkdir", path] for path in ("/a", "/b", "/c", "/a/x", "/b/x", "/c/x")),
    ["mount", "one", "/a", "tmpfs", 0, 0],
    ["mkdir", "/a/x"],
    ["mount", 0, "/a", 0, MS_SHARED, 0],
    ["mount", "/a", "/b", 0, MS_BIND, 0],
]


def with_looks(calls: list[Call]) -> list[Call]:
    """Return the calls with a look after each; "put" becomes a move of a tree opened before."""
    steps: list[Call] = []
    trees: list[str] = []

    def tree(number: int) -> str:
        return trees[number % len(trees)]

    for call in START + calls:
        if call[0] == "open_tree":
            trees.append(f"${len(steps)}")
        if call[0] == "put" and not trees:
            continue
        if call[0] == "put":
            where = call[2] if isinstance(call[2], int) else tree(int(call[2].split()[1]))
            call = ["move_mount", tree(call[1]), "", where, call[3], call[4]]
        steps += [call, ["mountinfo"]]
    return steps


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(changes, min_size=3, max_size=14))
@example([["open_tree", -100, "/", 1], ["open_tree", -100, "/", 1], ["unshare"],
          ["put", 0, "tree 1", "a", 4]])  # fmt: skip
def test_any_calls_leave_the_same_mounts(native: Native | None, calls: list[Call]) -> None:
    if native is None:
        pytest.skip("this host is no Linux 6.18 on which we may mount")
    steps = with_looks(calls)
    ours, theirs = perform(steps), native.perform(steps)
    for done, (call, mine, other) in enumerate(zip(steps, ours, theirs, strict=True)):
        assert mine == other, f"after {steps[:done:2]}: {call}"


def chosen(seed: int) -> list[Call]:
    """Return calls that are the same for a seed on every Python."""
    random = Random(seed)

    def one(values: Sequence[Any]) -> Any:
        return values[int(random.random() * len(values))]

    def some() -> Call:
        path, other, kind = one(PATHS), one(PATHS), one(KINDS)
        return one(
            [
                ["mkdir", path],
                ["mount", "t", path, "tmpfs", 0, 0],
                ["mount", path, other, 0, MS_BIND | one([0, MS_REC]), 0],
                ["mount", path, other, 0, MS_MOVE, 0],
                ["mount", 0, path, 0, kind | one([0, MS_REC]), 0],
                setattr_(path, 2, 0, kind, AT_RECURSIVE),
                ["umount2", path if path != "/" else other + "/x", one([0, 0, MNT_DETACH])],
                ["move_mount", AT_FDCWD, path, AT_FDCWD, other, one(MOVES)],
                ["pivot_root", path, other],
            ]
        )

    return [some() for _ in range(14)]


@pytest.mark.parametrize("seed", range(60))
def test_chosen_calls_leave_the_recorded_mounts(linux: Linux, seed: int) -> None:
    calls = with_looks(chosen(seed))
    recorded = linux.answers(f"calls {seed}", calls, digest=True)
    assert digest_of(json.loads(json.dumps(perform(calls)))) == recorded
