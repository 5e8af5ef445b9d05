"""Trees that only a descriptor holds go with it, and so does what was never mounted."""

from __future__ import annotations

import gc
import weakref

import pytest

from starrylab.abi.errno import EBUSY, EMFILE, EPERM, EROFS
from starrylab.abi.fcntl import AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE, MS_RDONLY, MS_REMOUNT
from starrylab.abi.mount import FSCONFIG_CMD_CREATE, MOVE_MOUNT_F_EMPTY_PATH, OPEN_TREE_CLONE
from starrylab.kernel.fs.hostfs import HostFs
from starrylab.kernel.fs.hostfs_access import HostFolder
from tests.kernel.vfs.vfs_world import World

O_WRONLY, O_CREAT, AT_REMOVEDIR = 1, 0o100, 0o1000


@pytest.fixture
def world() -> World:
    world = World()
    t = world.thread()
    for path in (b"/a", b"/b"):
        t.call("mkdirat", AT_FDCWD, path, 0o755)
    return world


@pytest.fixture
def t(world: World):
    return world.thread()


def made(t) -> int:
    """Make a tmpfs and mount it nowhere."""
    context = t.call("fsopen", b"tmpfs", 0)
    t.call("fsconfig", context, FSCONFIG_CMD_CREATE, 0, 0, 0)
    fd = t.call("fsmount", context, 0, 0)
    t.call("close", context)
    return fd


def test_a_tree_goes_with_its_last_descriptor(world, t) -> None:
    tree = made(t)
    again = t.call("dup", tree)
    mount = t.fds[tree].place.mount
    fs = weakref.ref(mount.fs)
    namespace = mount.namespace
    assert len(list(namespace)) == 1
    t.call("close", tree)
    assert len(list(namespace)) == 1
    t.call("close", again)
    assert not list(namespace)
    del mount
    gc.collect()
    assert fs() is None


def test_a_tree_that_was_put_somewhere_stays(world, t) -> None:
    tree = made(t)
    t.call("move_mount", tree, b"", AT_FDCWD, b"/a", MOVE_MOUNT_F_EMPTY_PATH)
    with pytest.raises(EBUSY):
        t.call("umount2", b"/a", 0)
    t.call("close", tree)
    assert [m.root_location.path() for m in world.mounts] == [b"/", b"/a"]
    t.call("umount2", b"/a", 0)


def test_what_was_never_mounted_goes(world, t) -> None:
    context = t.call("fsopen", b"tmpfs", 0)
    t.call("fsconfig", context, FSCONFIG_CMD_CREATE, 0, 0, 0)
    fs = weakref.ref(t.fds[context].fs)
    t.call("close", context)
    gc.collect()
    assert fs() is None
    assert len(world.mounts.table.shown) == 1


def test_a_copied_tree_goes_as_a_whole(world, t) -> None:
    t.call("mount", b"one", b"/a", b"tmpfs", 0, 0)
    t.call("mkdirat", AT_FDCWD, b"/a/x", 0o755)
    t.call("mount", b"two", b"/a/x", b"tmpfs", 0, 0)
    tree = t.call("open_tree", AT_FDCWD, b"/a", OPEN_TREE_CLONE | AT_RECURSIVE)
    assert [len(shown) for shown in world.mounts.table.shown.values()] == [1, 2, 2]
    inside = t.call("openat", tree, b"x/f", O_WRONLY | O_CREAT, 0o644)
    t.call("close", tree)
    assert [len(shown) for shown in world.mounts.table.shown.values()] == [1, 1, 1]
    t.call("close", inside)
    assert t.stat(b"/a/x/f").nlink == 1


def test_names_are_resolved_in_a_detached_tree(world, t) -> None:
    tree = made(t)
    t.call("mkdirat", tree, b"d", 0o755)
    assert t.call("openat", tree, b"d/../../d", 0, 0) >= 0  # ".." ends at the top of the tree
    t.call("fchdir", tree)
    assert t.stat(b"d").nlink == 2


def test_a_table_that_is_full_makes_no_tree(world, t) -> None:
    t.process.limits.nofile = len(t.fds)
    with pytest.raises(EMFILE):
        t.call("open_tree", AT_FDCWD, b"/", OPEN_TREE_CLONE)
    assert [len(shown) for shown in world.mounts.table.shown.values()] == [1]


def test_a_writer_keeps_all_of_a_file_system_writable(world, t) -> None:
    t.call("mount", b"one", b"/a", b"tmpfs", 0, 0)
    t.call("mount", b"/a", b"/b", 0, 0x1000, 0)
    fd = t.open(b"/a/f", O_WRONLY | O_CREAT)
    with pytest.raises(EBUSY):
        t.call("mount", 0, b"/b", 0, MS_REMOUNT | MS_RDONLY, 0)
    t.call("mount", 0, b"/b", 0, MS_REMOUNT | 0x1000 | MS_RDONLY, 0)  # the mount only
    t.call("close", fd)
    t.call("mount", 0, b"/b", 0, MS_REMOUNT | MS_RDONLY, 0)
    with pytest.raises(EROFS):
        t.open(b"/a/f", O_WRONLY)


def test_a_folder_lent_for_looking_stays_so(world, t, tmp_path) -> None:
    fs = HostFs(world.now, world.pool, HostFolder(tmp_path), read_only=True)
    world.mounts.mount(fs, t.fs.walk(b"/a", t.cred))
    with pytest.raises(EROFS):
        t.call("mount", 0, b"/a", 0, MS_REMOUNT, 0)


def test_flags_that_came_from_another_user_stay(world, t) -> None:
    t.call("mount", b"one", b"/a", b"tmpfs", 1 | 2, 0)
    made = world.mounts.copy(t.fs, owner=object(), slaves=True)
    t.namespaces.mnt.tree = made
    bind = MS_REMOUNT | 0x1000
    with pytest.raises(EPERM):
        t.call("mount", 0, b"/a", 0, bind | 2, 0)
    t.call("mount", 0, b"/a", 0, bind | 1 | 2 | 8, 0)
    data = (0).to_bytes(8, "little") + (2).to_bytes(8, "little") + bytes(16)
    with pytest.raises(EPERM):
        t.call("mount_setattr", AT_FDCWD, b"/a", AT_EMPTY_PATH, data, 32)
