"""Mount calls do the same here as on the host's own kernel: results, errors and mountinfo."""

from __future__ import annotations

import struct

from hypothesis import HealthCheck, given, settings
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
    MOVE_MOUNT_SET_GROUP,
)
from tests.kernel.vfs.mount.mount_pair import Call, Native, check

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
              st.sampled_from([0, MOVE_MOUNT_SET_GROUP, MOVE_MOUNT_BENEATH])),
    st.builds(lambda p, q: ["pivot_root", p, q], paths, paths),
)  # fmt: skip
#: a start with something in it, so that few calls are in vain
START: list[Call] = [
    *(["mkdir", path] for path in ("/a", "/b", "/c", "/a/x", "/b/x", "/c/x")),
    ["mount", "one", "/a", "tmpfs", 0, 0],
    ["mkdir", "/a/x"],
    ["mount", 0, "/a", 0, MS_SHARED, 0],
    ["mount", "/a", "/b", 0, MS_BIND, 0],
]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(changes, min_size=3, max_size=14))
def test_any_calls_leave_the_same_mounts(native: Native, calls: list[Call]) -> None:
    check(native, [step for call in START + calls for step in (call, ["mountinfo"])])
