"""Root trees: the built-in one, folders, archives good and bad."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import tempfile
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.rootfs import (
    Entry,
    HostFolder,
    RootfsError,
    Tree,
    builtin_tree,
    open_rootfs,
    read_archive,
    shell_warning,
)
from starrylab.rootfs.content import HOLE, OpenFile, Slice
from starrylab.rootfs.store import write_tree


def make_tar(path: Path, *members: tuple[str, bytes, str, bytes], mode: str = "w") -> Path:
    """Write members (name, type, link, content)."""
    with tarfile.open(path, mode) as archive:
        for name, kind, link, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size, info.mode = kind, link, len(content), 0o750
            info.uid, info.gid, info.mtime = 7, 8, 1_000_000_000
            archive.addfile(info, io.BytesIO(content))
    return path


DIR, FILE, LINK, HARD = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def test_builtin_tree_is_a_system() -> None:
    tree = builtin_tree("riscv64")
    shell = tree.resolve("bin/sh")
    assert shell is not None
    assert shell.read()[:4] == b"\x7fELF"
    assert tree.resolve("/sbin/init") is shell
    assert tree.get("tmp") == Entry("tmp", stat.S_IFDIR | 0o1777)
    assert b"root:x:0:0" in tree.get("etc/passwd").read()
    assert b"main_ls" in tree.get("usr/src/starrylab/ls.c").read()
    assert shell_warning(tree) is None


def test_parents_come_before_what_they_hold() -> None:
    seen = {""}
    for entry in builtin_tree("riscv64"):
        assert entry.parent in seen
        seen.add(entry.path)


def test_what_ustar_cannot_say_is_kept(tmp_path: Path) -> None:
    tree = Tree()
    attributes = (("security.capability", bytes(range(20))), ("user.x", b"\xff\n="))
    tree.add(
        Entry("f", stat.S_IFREG | 0o644, 1 << 30, 5, 10**18 + 7, b"x" * 5000, xattrs=attributes)
    )
    tree.add(Entry("null", stat.S_IFCHR | 0o666, major=1, minor=3))
    tree.add(Entry("s", stat.S_IFSOCK | 0o666))
    write_tree(tree, tmp_path / "x.tar")
    again = read_archive(tmp_path / "x.tar")
    assert {e.path: (e.mode, e.uid, e.mtime_ns, e.xattrs, e.major, e.minor) for e in again} == {
        "f": (stat.S_IFREG | 0o644, 1 << 30, 10**18 + 7, attributes, 0, 0),
        "null": (stat.S_IFCHR | 0o666, 0, 0, (), 1, 3),
    }
    (tmp_path / "x.tar").unlink()
    assert again.get("f").read() == b"x" * 5000  # the file is open
    write_tree(again, tmp_path / "y.tar")
    assert read_archive(tmp_path / "y.tar").get("f").read() == b"x" * 5000


def test_zstandard(tmp_path: Path) -> None:
    plain = make_tar(tmp_path / "x.tar", ("d/file", FILE, "", b"text" * 9000))
    packed = tmp_path / "x.tar.zst"
    packed.write_bytes(zstd.compress(plain.read_bytes()))
    assert read_archive(packed).get("d/file").read() == b"text" * 9000
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(RootfsError, match="damaged or truncated"):
        read_archive(packed)


def _rich_tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, kind in enumerate([DIR, FILE, FILE, LINK, HARD, tarfile.CHRTYPE]):
            info = tarfile.TarInfo(f"{number}" + "é" * 60)
            info.type, info.size = kind, 700 if kind == FILE else 0
            info.linkname = "1" + "é" * 60 if kind in (LINK, HARD) else ""
            info.mtime = 1.5
            info.pax_headers = {"SCHILY.xattr.user.x": "1" * 30}
            archive.addfile(info, io.BytesIO(bytes(700)))
    return packed.getvalue()


RICH = _rich_tar()


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.integers(0, len(RICH) - 1), st.binary(min_size=1, max_size=8)), max_size=3
    )
)
def test_a_damaged_archive_is_a_tree_or_one_line(
    tmp_path: Path, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(RICH)
    for at, patch in changes:
        data[at : at + len(patch)] = patch
    path = tmp_path / "x.tar"
    path.write_bytes(data)
    try:
        for entry in read_archive(path):
            entry.read()
    except RootfsError as error:
        message = str(error)
        assert "\n" not in message


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(1, 30)), max_size=6),
    st.integers(0, 100),
    st.lists(st.integers(1, 50), min_size=1, max_size=4),
)
def test_slices_are_what_their_pieces_say(
    pieces: list[tuple[bool, int, int]], offset: int, sizes: list[int]
) -> None:
    data = bytes(range(100))
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        part = Slice(
            OpenFile(file), tuple((HOLE if hole else at, size) for hole, at, size in pieces)
        )
    whole = b"".join(bytes(n) if hole else data[at : at + n] for hole, at, n in pieces)
    assert part.read() == whole
    assert part.size == len(whole)
    buffers = [memoryview(bytearray(b"?" * size)) for size in sizes]
    count = part.read_into(buffers, offset)
    found = b"".join(buffers)
    assert found[:count] == whole[offset : offset + sum(sizes)]
    assert found[count:] == b"?" * (len(found) - count)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_archive(tmp_path: Path, mode: str) -> None:
    long = "d/" + "n" * 180
    path = make_tar(
        tmp_path / "x.tar",
        ("./", DIR, "", b""),
        ("d", DIR, "", b""),
        ("d/file", FILE, "", b"text"),
        ("/d/absolute", FILE, "", b"a"),
        ("d/soft", LINK, "../../../etc/passwd", b""),
        ("d/hard", HARD, "d/file", b""),
        (long, FILE, "", b"long"),
        mode=mode,
    )
    tree = open_rootfs(path, "riscv64")
    assert isinstance(tree, Tree)
    file = tree.get("d/file")
    assert (file.read(), file.uid, file.gid, file.mtime_ns) == (b"text", 7, 8, 10**18)
    assert file.mode == stat.S_IFREG | 0o750
    assert tree.get("d/absolute").read() == b"a"
    assert tree.get("d/soft").target == "../../../etc/passwd"
    assert tree.get("d/hard").hardlink == "d/file"
    assert tree.get(long).read() == b"long"
    assert "no /bin/sh" in shell_warning(tree)


def test_entries_below_a_link_go_to_its_folder(tmp_path: Path) -> None:
    path = make_tar(
        tmp_path / "x.tar",
        ("lib", LINK, "usr/lib", b""),
        ("lib/x.so", FILE, "", b"so"),
        ("up", LINK, "../../..", b""),
        ("up/inside", FILE, "", b"in"),
    )
    tree = open_rootfs(path, "riscv64")
    assert tree.get("usr/lib/x.so").read() == b"so"
    assert tree.get("inside").read() == b"in"


BAD_ARCHIVES = {
    "climbs": [("../evil", FILE, "", b"")],
    "climbs inside": [("a/../../evil", FILE, "", b"")],
    "hard link to nothing": [("x", HARD, "nothing", b"")],
    "below a file": [("x", FILE, "", b""), ("x/y", FILE, "", b"")],
    "circle": [("x", LINK, "y", b""), ("y", LINK, "x", b""), ("x/z", FILE, "", b"")],
    "empty": [],
}


@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_bad_archive_is_one_clear_line(tmp_path: Path, name: str) -> None:
    path = make_tar(tmp_path / "x.tar", *BAD_ARCHIVES[name])
    with pytest.raises(RootfsError) as caught:
        open_rootfs(path, "riscv64")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.8])
def test_truncated_archive(tmp_path: Path, mode: str, part: float) -> None:
    data = os.urandom(30000)
    path = make_tar(tmp_path / "x.tar", ("a", FILE, "", data), ("b", FILE, "", data), mode=mode)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(RootfsError, match=r"x\.tar"):
        open_rootfs(path, "riscv64")


def test_an_impossible_size_and_a_name_over_several_lines(tmp_path: Path) -> None:
    data = bytearray(make_tar(tmp_path / "x.tar", ("a\nb", FILE, "", b"x")).read_bytes())
    for size in (b"\x80" + b"\xff" * 11, b"\x80\0\0\0\0" + b"\x7f" * 7, b"77777777777\0"):
        data[124:136] = size
        data[148:156] = b"%06o\0 " % (sum(data[:148]) + 256 + sum(data[156:512]))
        (tmp_path / "x.tar").write_bytes(data)
        with pytest.raises(RootfsError, match="is damaged or truncated") as caught:
            open_rootfs(tmp_path / "x.tar", "riscv64")
        assert "\n" not in str(caught.value)


def test_archive_cut_between_members(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "x.tar", ("a", FILE, "", b"x"), ("b", FILE, "", b"y"))
    path.write_bytes(path.read_bytes()[:1024])
    with pytest.raises(RootfsError, match="truncated"):
        open_rootfs(path, "riscv64")


def test_not_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_text("this is no archive\n" * 100)
    with pytest.raises(RootfsError, match=r"no tar archive.*give a folder, a tar file"):
        open_rootfs(path, "riscv64")
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(600))
    with pytest.raises(RootfsError, match="damaged or truncated"):
        open_rootfs(path, "riscv64")


def test_missing_and_odd_paths(tmp_path: Path) -> None:
    with pytest.raises(RootfsError, match="does not exist"):
        open_rootfs(tmp_path / "nothing", "riscv64")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(RootfsError, match="neither"):
        open_rootfs(tmp_path / "fifo", "riscv64")


def test_host_folder(tmp_path: Path) -> None:
    root = open_rootfs(str(tmp_path), "riscv64")
    assert root == HostFolder(tmp_path.resolve())
    assert "no /bin/sh" in shell_warning(root)
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("/usr/bin")  # of the guest, not of the host
    (tmp_path / "usr/bin/sh").write_text("")
    assert shell_warning(root) is None
