"""Access control lists as archives have them."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.rootfs import acl_text
from starrylab.rootfs.archive import read_archive
from starrylab.rootfs.store import write_entries
from starrylab.rootfs.tree import Tree

NO_ID = 0xFFFFFFFF
PERMS = st.integers(0, 7)


def packed(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


@st.composite
def lists(draw: st.DrawFn) -> bytes:
    ids = st.lists(st.integers(0, NO_ID - 1), max_size=3, unique=True).map(sorted)
    named = [(tag, draw(PERMS), i) for tag in (2, 8) for i in draw(ids)]
    fixed = [(tag, draw(PERMS), NO_ID) for tag in (1, 4, 16, 32)]
    return packed(*sorted(named + fixed, key=lambda entry: (entry[0], entry[2])))


@given(lists())
def test_text_and_back(value: bytes) -> None:
    assert acl_text.from_text(acl_text.to_text(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("user::rw-,group::r--,other::---", packed((1, 6, NO_ID), (4, 4, NO_ID), (32, 0, NO_ID))),
        ("user::rwx\nuser:lisa:r-x:502\ngroup::--x\nmask::rwx\nother::--x\n",
         packed((1, 7, NO_ID), (2, 5, 502), (4, 1, NO_ID), (16, 7, NO_ID), (32, 1, NO_ID))),
        ("user::rwx,user:7:rwx\t#effective:r--,group::r--,mask::r--,other::---",
         packed((1, 7, NO_ID), (2, 7, 7), (4, 4, NO_ID), (16, 4, NO_ID), (32, 0, NO_ID))),
        ("user:lisa:rw-,user::rw-,group::r--,mask::rw-,other::---", None),
        ("", None), ("nonsense", None), ("user::rwz", None), ("user:9999999999:rwx", None),
    ],
)  # fmt: skip
def test_what_others_write(text: str, value: bytes | None) -> None:
    assert acl_text.from_text(text) == value


def test_a_damaged_list_has_no_text() -> None:
    assert acl_text.to_text(b"") == acl_text.to_text(packed((3, 0, 0))) == ""
    assert acl_text.to_text(packed((1, 7, NO_ID))[:-1]) == ""


def test_an_archive_keeps_lists_for_itself_and_for_tar(tmp_path: Path) -> None:
    value = packed((1, 6, NO_ID), (2, 6, 1000), (4, 4, NO_ID), (16, 6, NO_ID), (32, 0, NO_ID))
    tree = Tree()
    tree.file("f", b"x")
    tree.folder("d")
    attributes = (("system.posix_acl_access", value), ("user.x", b"\xff\0"))
    odd = packed((2, 6, 1000), (1, 6, NO_ID))
    kept = (("system.posix_acl_access", odd),)  # is not what its text says
    write_entries([_with(next(iter(tree)), kept)], tmp_path / "odd.tar")
    assert [entry.xattrs for entry in read_archive(tmp_path / "odd.tar")] == [kept]
    write_entries([_with(entry, attributes) for entry in tree], tmp_path / "a.tar")
    again = read_archive(tmp_path / "a.tar")
    assert {entry.xattrs for entry in again} == {attributes}
    with tarfile.open(tmp_path / "a.tar") as archive:
        headers = archive.getmember("f").pax_headers
    assert "SCHILY.xattr.system.posix_acl_access" not in headers
    assert headers["SCHILY.acl.access"] == "user::rw-,user:1000:rw-,group::r--,mask::rw-,other::---"


def _with(entry, xattrs):
    from dataclasses import replace

    return replace(entry, xattrs=xattrs)


def test_text_alone_is_enough(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("f")
        info.pax_headers = {"SCHILY.acl.access": "user::rw-,group::r--,other::---"}
        archive.addfile(info, io.BytesIO())
    (entry,) = read_archive(tmp_path / "a.tar")
    assert [name for name, _ in entry.xattrs] == ["system.posix_acl_access"]


@pytest.mark.optional  # it is the file system of the temporary folder that may have no lists
def test_tar_of_this_host(tmp_path: Path) -> None:
    # Of a number that nobody has tar writes no name.
    wanted = packed((1, 6, NO_ID), (2, 6, 54321), (4, 4, NO_ID), (16, 6, NO_ID), (32, 4, NO_ID))
    (tmp_path / "f").touch()
    try:
        os.setxattr(tmp_path / "f", "system.posix_acl_access", wanted)
    except OSError as error:
        pytest.skip(f"{tmp_path}: {error.strerror}")
    tar = ["tar", "--acls", "--numeric-owner", "-C", tmp_path, "-cf", tmp_path / "a.tar", "f"]
    subprocess.run(tar, check=True)
    (entry,) = read_archive(tmp_path / "a.tar")
    assert entry.xattrs == (("system.posix_acl_access", wanted),)
