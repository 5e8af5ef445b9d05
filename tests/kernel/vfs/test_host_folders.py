"""System calls on folders of the host: bound, read only, below an overlay."""

from __future__ import annotations

import os

import pytest

from starrylab.abi import errno as e
from starrylab.kernel.fs.hostfs import HostFs
from starrylab.kernel.fs.hostfs_access import HostFolder
from starrylab.kernel.fs.overlay import OverlayFs
from tests.kernel.vfs.vfs_world import World

CWD = -100
O_WRONLY, O_RDWR = 1, 2


def test_a_guest_does_not_leave_a_host_folder(tmp_path) -> None:
    (tmp_path / "outside").write_text("secret")
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "rel").symlink_to("../outside")
    (inside / "abs").symlink_to(tmp_path / "outside")
    (inside / "dir").symlink_to("..")
    for make in (HostFs, OverlayFs):
        t = World(root=lambda w, make=make: make(w.now, w.pool, HostFolder(inside))).thread()
        for path in (b"/rel", b"/abs", b"/dir/outside", b"/../outside"):
            with pytest.raises(e.ENOENT):
                t.open(path)


def test_a_bind_sees_changes_from_outside_and_writes_through(tmp_path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    world = World(root=lambda w: HostFs(w.now, w.pool, HostFolder(tmp_path)))
    t = world.thread()
    fd = t.open(b"/f", O_RDWR)
    assert t.read(fd) == b"old"
    (tmp_path / "f").write_bytes(b"longer now")
    os.utime(tmp_path / "f", ns=(1, 1))
    assert t.read(fd) == b"ger now"
    assert t.stat(b"/f").size == 10
    t.mm.write(t.base, b"GER")
    t.call("pwrite64", fd, t.base, 3, 0)
    assert (tmp_path / "f").read_bytes() == b"GERger now"
    addr = t.mm.map(0, 4096, 3, 1, source=t.fds[fd].mappable(3, 1))
    t.mm.write(addr, b"MAP")
    t.call("fsync", fd)
    assert (tmp_path / "f").read_bytes() == b"MAPger now"
    (tmp_path / "new").write_text("n")
    (tmp_path / "f").unlink()
    assert t.listing(b"/") == [b"new"]
    with pytest.raises(e.ENOENT):
        t.stat(b"/f")
    assert t.fstat(fd).size == 10


def test_a_read_only_folder_refuses_every_change(tmp_path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    world = World(root=lambda w: HostFs(w.now, w.pool, HostFolder(tmp_path), read_only=True))
    t = world.thread()
    assert t.get(b"/f") == b"x"
    for name, *args in (("openat", CWD, b"/f", O_WRONLY), ("unlinkat", CWD, b"/f", 0),
                        ("mkdirat", CWD, b"/d", 0o755), ("fchmodat", CWD, b"/f", 0o600),
                        ("truncate", b"/f", 0), ("symlinkat", b"x", CWD, b"/s")):  # fmt: skip
        with pytest.raises(e.EROFS):
            t.call(name, *args)


def test_a_lower_directory_moves_without_being_copied(tmp_path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/f").write_bytes(b"deep" * 3000)
    t = World(root=lambda w: OverlayFs(w.now, w.pool, HostFolder(tmp_path))).thread()
    ino = t.stat(b"/a/b/f").ino
    assert ino == os.stat(tmp_path / "a/b/f").st_ino
    t.call("renameat2", CWD, b"/a", CWD, b"/z", 0)
    assert t.get(b"/z/b/f") == b"deep" * 3000
    assert t.stat(b"/z/b/f").ino == ino
    t.call("unlinkat", CWD, b"/z/b/f", 0)
    t.put(b"/z/b/f", b"mine")
    assert t.get(b"/z/b/f") == b"mine"
    assert (tmp_path / "a/b/f").read_bytes() == b"deep" * 3000
