"""Whatever a guest does to its root, the next lab finds it so: random calls, saved and read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.abi import acl
from starrylab.abi.errno import LinuxError
from starrylab.rootfs import Entry, Tree
from starrylab.rootfs.store import root_path, write_tree
from starrylab.session.keeping import Keeper, live_entries
from tests.kernel.vfs.vfs_world import AT_FDCWD, Thread, World

_PATH = st.sampled_from(
    [b"/a", b"/b", b"/d", b"/d/a", b"/d/e", b"/d/e/a", b"/f", b"/f/b", b"/\xff", b"/.wh.a"]
)
_SIZE = st.sampled_from([0, 1, 4095, 4096, 9000])
_AT = AT_FDCWD


def _write(t: Thread, path: bytes, size: int, offset: int) -> None:
    fd = t.open(path, 0o102)
    t.call("lseek", fd, offset, 0)
    t.write(fd, b"\xa5" * size)
    t.call("close", fd)


#: for its owner, user 1000, its group, at most, and others
_LIST = acl.HEADER.pack(acl.ACL_VERSION) + b"".join(
    acl.ENTRY.pack(*entry)
    for entry in ((1, 7, 0xFFFFFFFF), (2, 6, 1000), (4, 5, 0xFFFFFFFF), (16, 7, 0xFFFFFFFF),
                  (32, 1, 0xFFFFFFFF))
)  # fmt: skip

#: what may happen: a strategy for the arguments, and who does it
_CALLS = {
    "write": (st.tuples(_PATH, _SIZE, _SIZE), _write),
    "truncate": (st.tuples(_PATH, _SIZE), lambda t, p, n: t.call("truncate", p, n)),
    "unlink": (st.tuples(_PATH), lambda t, p: t.call("unlinkat", _AT, p, 0)),
    "rmdir": (st.tuples(_PATH), lambda t, p: t.call("unlinkat", _AT, p, 0x200)),
    "mkdir": (st.tuples(_PATH), lambda t, p: t.call("mkdirat", _AT, p, 0o750)),
    "link": (st.tuples(_PATH, _PATH), lambda t, p, q: t.call("linkat", _AT, p, _AT, q, 0)),
    "symlink": (st.tuples(_PATH, _PATH), lambda t, p, q: t.call("symlinkat", p, _AT, q)),
    "mknod": (st.tuples(_PATH), lambda t, p: t.call("mknodat", _AT, p, 0o20640, 0x12345)),
    "mkfifo": (st.tuples(_PATH), lambda t, p: t.call("mknodat", _AT, p, 0o10600, 0)),
    "rename": (
        st.tuples(_PATH, _PATH, st.sampled_from([0, 2])),
        lambda t, p, q, flags: t.call("renameat2", _AT, p, _AT, q, flags),
    ),
    "chmod": (st.tuples(_PATH), lambda t, p: t.call("fchmodat", _AT, p, 0o4711)),
    "chown": (st.tuples(_PATH), lambda t, p: t.call("fchownat", _AT, p, 7, 1 << 30, 0x100)),
    "setxattr": (
        st.tuples(_PATH),
        lambda t, p: t.call("lsetxattr", p, b"trusted.x", b"\xff=\n", 3, 0),
    ),
    "setfacl": (
        st.tuples(_PATH, st.sampled_from([acl.ACCESS_NAME, acl.DEFAULT_NAME])),
        lambda t, p, name: t.call("setxattr", p, name, _LIST, len(_LIST), 0),
    ),
}
_STEPS = st.lists(
    st.one_of(
        st.just(("save", ())),
        *(st.tuples(st.just(name), arguments) for name, (arguments, _) in _CALLS.items()),
    ),
    min_size=5,
    max_size=40,
)


def base() -> Tree:
    tree = Tree()
    tree.folder("d", 0o711)
    tree.file("d/a", b"content" * 1000, 0o600)
    tree.add(Entry("b", 0o100600, hardlink="d/a"))
    tree.file("f/b", b"b")
    tree.symlink("d/e", "nothing")
    return tree


def shown(entries: Iterator[Entry]) -> dict[str, tuple[object, ...]]:
    """What can be told from outside, with all names of a file beside each."""
    found = list(entries)
    by_path = {entry.path: entry for entry in found}
    names: dict[str, set[str]] = {}
    for entry in found:
        names.setdefault(entry.hardlink or entry.path, set()).add(entry.path)
    result = {}
    for entry in found:
        first = by_path[entry.hardlink or entry.path]
        result[entry.path] = (
            first.mode, first.uid, first.gid, first.mtime_ns, first.read(), first.target,
            (first.major, first.minor), first.xattrs, frozenset(names[first.path]),
        )  # fmt: skip
    return result


class Machine:
    """A lab without a CPU whose root is kept."""

    def __init__(self) -> None:
        self.keeper = Keeper("mine")
        self.world = World(root=lambda world: self.keeper.mount(lambda: 10**18 + 5, world.pool))
        self.thread = self.world.thread()

    def state(self) -> dict[str, tuple[object, ...]]:
        fs = self.world.fs
        return shown(live_entries(fs))

    def again(self) -> Machine:
        """Save, and boot another one."""
        before = self.state()
        self.keeper.save()
        self.keeper.close()
        other = Machine()
        assert other.state() == before
        return other


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=_STEPS)
def test_what_was_saved_is_found(steps: list[tuple[str, tuple[object, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(Path(folder)))
        write_tree(base(), root_path("mine"))
        machine = Machine()
        for name, arguments in steps:
            if name == "save":
                machine = machine.again()
                continue
            try:
                _CALLS[name][1](machine.thread, *arguments)
            except LinuxError:
                continue
        machine.again().keeper.close()
