"""Loading a described tree into tmpfs, and mounting file systems by name."""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from starrylab.abi.errno import EINVAL, ENOENT
from tests.kernel.vfs.vfs_world import World

_NO_ID = 0xFFFFFFFF  #: in entries that are not about one user or group


@dataclass(frozen=True)
class Named:
    path: str
    mode: int
    content: bytes | Path = b""
    target: str = ""
    hardlink: str = ""
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    major: int = 0
    minor: int = 0
    xattrs: tuple[tuple[str, bytes], ...] = ()


def test_populate_makes_every_kind_and_reads_host_files_when_they_are_used(tmp_path) -> None:
    source = tmp_path / "big"
    source.write_bytes(b"host" * 10000)
    world = World()
    world.fs.populate([
        Named("bin", stat.S_IFDIR | 0o755),
        Named("bin/tool", stat.S_IFREG | 0o755, b"#!tool", uid=3, gid=4, mtime_ns=7),
        Named("bin/alias", stat.S_IFREG | 0o755, hardlink="bin/tool"),
        Named("bin/link", stat.S_IFLNK | 0o777, target="tool"),
        Named("big", stat.S_IFREG | 0o600, source),
        Named("null", stat.S_IFCHR | 0o666, major=1, minor=3),
        Named("caf\udce9", stat.S_IFIFO | 0o600),
    ])  # fmt: skip
    t = world.thread()
    s = t.stat(b"/bin/link")
    assert (s.size, s.mode, s.uid, s.gid, s.nlink, s.mtime) == (6, 0o100755, 3, 4, 2, 7)
    assert t.stat(b"/bin/alias").ino == s.ino
    assert (t.stat(b"/null").rdev, t.stat(b"/null").mode) == (0x103, stat.S_IFCHR | 0o666)
    assert t.stat(b"/caf\xe9").mode == stat.S_IFIFO | 0o600
    assert t.stat(b"/big").size == 40000
    assert world.pool.evictable == 0
    assert t.get(b"/big") == b"host" * 10000
    t.put(b"/bin/tool", b"mine")
    assert t.get(b"/bin/alias") == b"mine"
    assert source.read_bytes() == b"host" * 10000


def test_folders_keep_their_times_and_attributes_come_along() -> None:
    world = World()
    world.fs.populate([
        Named("a", stat.S_IFDIR | 0o700, mtime_ns=5, xattrs=(("user.x", b"1"),)),
        Named("a/b", stat.S_IFDIR | 0o755, mtime_ns=6),
        Named("a/b/c", stat.S_IFREG | 0o644),
    ])  # fmt: skip
    t = world.thread()
    assert t.stat(b"/").mode == stat.S_IFDIR | 0o755
    assert (t.stat(b"/a").mtime, t.stat(b"/a/b").mtime) == (5, 6)
    assert world.fs.root.lookup(b"a").get_xattr(b"user.x") == b"1"


def test_lists_come_along_and_a_damaged_one_is_refused() -> None:
    name, given = "system.posix_acl_access", struct.pack(
        "<IHHIHHIHHIHHIHHI", 2, 1, 6, _NO_ID, 2, 4, 1000, 4, 4, _NO_ID, 16, 6, _NO_ID, 32, 0, _NO_ID
    )  # fmt: skip
    world = World()
    world.fs.populate([Named("a", stat.S_IFREG | 0o660, xattrs=((name, given),))])
    t = world.thread()
    assert t.out(t.call("getxattr", b"/a", name.encode(), t.base, 99)) == given
    assert t.call("listxattr", b"/a", t.base, 99) == len(name) + 1
    for damaged in (given[:-8], given[:-1], given[1:], b"\x02"):
        with pytest.raises(EINVAL, match="a: its access control list is damaged"):
            World().fs.populate([Named("a", stat.S_IFREG | 0o660, xattrs=((name, damaged),))])


def test_an_entry_without_its_directory_is_refused() -> None:
    with pytest.raises(EINVAL):
        World().fs.populate([Named("a/b", stat.S_IFREG | 0o644)])


def test_a_content_that_is_not_there_is_an_error_at_load(tmp_path) -> None:
    with pytest.raises(ENOENT):
        World().fs.populate([Named("a", stat.S_IFREG | 0o644, tmp_path / "none")])


def test_what_lies_in_the_image_counts_as_used_and_takes_no_room() -> None:
    fs = World().fs
    before = fs.statfs()
    fs.populate([Named("a", stat.S_IFREG | 0o644, b"x" * 5000), Named("b", stat.S_IFREG | 0o644)])
    after = fs.statfs()
    assert after.blocks == before.blocks + 2
    assert (after.blocks_free, after.blocks_available) == (before.blocks_free,) * 2


@pytest.mark.parametrize("options", [b"size=1x", b"mode=9", b"bogus", b"size="])
def test_a_wrong_tmpfs_option_is_einval(options) -> None:
    t = World().thread()
    t.call("mkdirat", -100, b"/m", 0o755)
    with pytest.raises(EINVAL):
        t.call("mount", b"none", b"/m", b"tmpfs", 0, options)


def test_tmpfs_options_take_effect() -> None:
    t = World().thread()
    t.call("mkdirat", -100, b"/m", 0o755)
    t.call("mount", b"none", b"/m", b"tmpfs", 0, b"size=64k,nr_inodes=3,mode=711,uid=5")
    s = t.stat(b"/m")
    assert (s.mode & 0o7777, s.uid) == (0o711, 5)
    t.call("statfs", b"/m", t.base)
    fields = [int.from_bytes(t.out(56)[i : i + 8], "little") for i in range(0, 56, 8)]
    assert fields == [0x1021994, 4096, 16, 16, 16, 3, 2]
