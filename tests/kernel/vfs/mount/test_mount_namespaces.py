"""Copies of mount namespaces: the same tree, of its own, with everybody in the same places."""

from __future__ import annotations

import pytest

from starrylab.abi.errno import EBUSY, EINVAL, ENOENT
from starrylab.abi.fcntl import MS_SHARED, MS_UNBINDABLE
from starrylab.kernel.fs.tmpfs import Tmpfs
from starrylab.kernel.vfs.mount import MountNamespace, propagation
from tests.kernel.vfs.vfs_world import World

CWD = -100


@pytest.fixture
def world() -> World:
    world = World()
    t = world.thread()
    for path in (b"/a", b"/a/b", b"/mnt"):
        t.call("mkdirat", CWD, path, 0o755)
    t.call("mount", b"outer", b"/a", b"tmpfs", 0, 0)
    t.call("mkdirat", CWD, b"/a/b", 0o755)
    t.call("mount", b"inner", b"/a/b", b"tmpfs", 1, 0)
    return world


def tree(namespace: MountNamespace) -> list[tuple[bytes, bytes, int]]:
    return [(m.source, m.root_location.path(), m.flags) for m in namespace]


def mount(world: World, namespace: MountNamespace, t, path: bytes):
    return namespace.mount(Tmpfs(world.now, world.pool), t.fs.walk(path, t.cred))


def test_a_copy_has_the_same_tree_and_new_mounts(world) -> None:
    made = world.mounts.copy()
    assert tree(made) == tree(world.mounts)
    assert not {m.id for m in made} & {m.id for m in world.mounts}
    assert made.root is not None
    assert made.root.fs is world.fs


def test_who_enters_stands_where_it_stood(world) -> None:
    t = world.thread()
    t.call("chdir", b"/a/b")
    made = world.mounts.copy(t.fs)
    assert t.fs.cwd.mount.namespace is made
    assert t.fs.root.mount is made.root
    assert t.fs.cwd.path() == b"/a/b"
    busy = [m.source for m in world.mounts if m.users]
    assert b"inner" not in busy


def test_a_mount_in_one_is_not_in_the_other(world) -> None:
    inside, outside = world.thread(), world.thread()
    made = world.mounts.copy(inside.fs)
    mount(world, made, inside, b"/mnt")
    assert len(list(made)) == 4
    assert len(list(world.mounts)) == 3
    inside.put(b"/mnt/f", b"x")
    assert outside.call("mkdirat", CWD, b"/mnt/f", 0o755) == 0


def test_shared_mounts_are_peers_across_namespaces(world) -> None:
    inside, outside = world.thread(), world.thread()
    assert world.mounts.root is not None
    propagation.change_type(world.mounts.root, MS_SHARED)
    made = world.mounts.copy(inside.fs)
    mount(world, world.mounts, outside, b"/mnt")
    assert [m.root_location.path() for m in made if m.source == b"none"] == [b"/", b"/mnt"]
    made.unmount(inside.fs.walk(b"/mnt", inside.cred).mount)
    assert len(list(world.mounts)) == 3


def test_a_copy_for_another_user_hears_and_does_not_speak(world) -> None:
    inside, outside = world.thread(), world.thread()
    assert world.mounts.root is not None
    propagation.change_type(world.mounts.root, MS_SHARED)
    made = world.mounts.copy(inside.fs, owner=object(), slaves=True)
    with pytest.raises(EINVAL):
        made.unmount(inside.fs.walk(b"/a/b", inside.cred).mount)
    mount(world, made, inside, b"/mnt")
    assert len(list(world.mounts)) == 3
    mount(world, world.mounts, outside, b"/a/b")
    assert len(list(made)) == 4  # "/a" is private


def test_unbindable_mounts_are_in_the_copy_where_they_may_be_bound(world) -> None:
    t = world.thread()
    propagation.change_type(t.fs.walk(b"/a/b", t.cred).mount, MS_UNBINDABLE)
    made = world.mounts.copy()
    assert [m.unbindable for m in made] == [False] * 3
    assert len(tree(made)) == 3


def test_a_namespace_that_goes_takes_its_mounts_along(world) -> None:
    t = world.thread()
    inner = t.fs.walk(b"/a/b", t.cred).mount
    made = world.mounts.copy()
    assert inner.fs.mounts == 2
    made.dissolve()
    assert (list(made), inner.fs.mounts, len(list(world.mounts))) == ([], 1, 3)


def test_a_name_may_go_though_something_is_mounted_on_it_elsewhere(world) -> None:
    inside, outside = world.thread(), world.thread()
    made = world.mounts.copy(inside.fs)
    mount(world, made, inside, b"/mnt")
    with pytest.raises(EBUSY):
        outside.call("unlinkat", CWD, b"/a", 0o1000)
    with pytest.raises(EBUSY):
        inside.call("unlinkat", CWD, b"/mnt", 0o1000)
    outside.call("unlinkat", CWD, b"/mnt", 0o1000)
    assert len(list(made)) == 3
    with pytest.raises(ENOENT):
        inside.fs.walk(b"/mnt", inside.cred)
