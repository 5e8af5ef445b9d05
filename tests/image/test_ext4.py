import stat
from uuid import UUID

import pytest

from starrylab.image.errors import ImageFormatError
from starrylab.image.ext4 import make_ext4, room_for
from starrylab.rootfs import Entry, Tree
from tests.image.host import run

TIME = 1_700_000_000


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "host file").write_bytes(b"h" * 10_000)
    tree = Tree()
    tree.file("bin/sh", b"x" * 100_000, 0o755)
    tree.add(Entry("bin/ash", stat.S_IFREG | 0o755, hardlink="bin/sh"))
    tree.add(Entry("bin/dash", stat.S_IFREG | 0o755, hardlink="bin/sh"))
    tree.symlink("bin/ls", "sh")
    tree.symlink("far", "y" * 100)
    tree.add(Entry("dev/null", stat.S_IFCHR | 0o666, major=1, minor=3))
    tree.add(Entry("home/u", stat.S_IFDIR | 0o2750, 1000, 100, TIME * 10**9))
    tree.file('home/u/a "b" ü', b"")
    tree.file("from the host", tmp_path / "host file")
    tree.add(Entry("pipe", stat.S_IFIFO | 0o600))
    return tree


def make(tree, path):
    make_ext4(tree, path, room_for(tree), uuid=UUID(int=5), label="root", time=TIME)
    return path


def shown(disk, request):
    return run("debugfs", "-R", request, disk)


def test_every_kind_of_file_is_there(tree, tmp_path):
    disk = make(tree, tmp_path / "disk")
    assert "clean" in run("e2fsck", "-n", disk)
    run("e2fsck", "-fn", disk)
    assert '"' not in shown(disk, "ls -l /dev")
    null, home, sh = (shown(disk, f"stat {path}") for path in ("/dev/null", "/home/u", "/bin/ash"))
    assert "Type: character special    Mode:  0666" in null
    assert "(New-style) 01:03" in null or "01:03" in null
    assert "Mode:  02750" in home
    assert "User:  1000   Group:   100" in home
    assert "mtime: 0x6553f100" in home
    assert "Links: 3" in sh
    assert 'Fast link dest: "sh"' in shown(disk, "stat /bin/ls")
    assert "y" * 100 in shown(disk, "cat /far")
    run("debugfs", "-R", f"dump /bin/sh {tmp_path / 'out'}", disk)
    assert (tmp_path / "out").read_bytes() == b"x" * 100_000
    assert "h" * 10_000 in shown(disk, 'cat "/from the host"')
    assert 'a "b"' in shown(disk, "ls -l /home/u")


def test_the_same_tree_gives_the_same_bytes(tree, tmp_path):
    one, two = make(tree, tmp_path / "one"), make(tree, tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()


def test_a_name_that_debugfs_cannot_take_is_refused(tmp_path):
    tree = Tree()
    tree.file("a\nb", b"")
    with pytest.raises(ImageFormatError, match="cannot make a file that is called"):
        make(tree, tmp_path / "disk")


def test_a_tree_without_room_is_refused(tree, tmp_path):
    tree.file("big", bytes(range(256)) * (1 << 17))
    with pytest.raises(ImageFormatError, match="could not fill the root partition"):
        make_ext4(tree, tmp_path / "d", 16 << 20, uuid=UUID(int=5), label="root", time=TIME)


def test_without_e2fsprogs_it_says_what_to_install(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("starrylab.image.ext4._PATH", str(tmp_path))
    with pytest.raises(ImageFormatError, match="mke2fs is missing: apt install e2fsprogs"):
        make(tree, tmp_path / "disk")
