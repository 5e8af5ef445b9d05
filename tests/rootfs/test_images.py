"""Roots out of disk images and container images, made here and by the tools that make them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from backports import zstd

from starrylab.image.ext4 import make_ext4, room_for
from starrylab.rootfs import Entry, HostFolder, RootfsError, Tree, builtin_tree, open_rootfs
from starrylab.rootfs.source import read_source

DIR, FILE, LINK, HARD = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
ENVIRONMENT = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
Member = tuple[str, bytes, str]  #: name, type, content or link


def layer(*members: Member) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, kind, text in members:
            info = tarfile.TarInfo(name)
            info.type, info.uid, info.mode = kind, 7, 0o750
            content = text.encode() if kind == FILE else b""
            info.size, info.linkname = len(content), "" if kind == FILE else text
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


LAYERS = [
    layer(
        ("usr/bin", DIR, ""), ("bin", LINK, "usr/bin"), ("usr/bin/sh", FILE, "sh"),
        ("etc/a", FILE, "a"), ("etc/b", FILE, "b"), ("opt/x/one", FILE, "1"),
        ("opt/y", FILE, "y"), ("was", DIR, ""), ("was/in", FILE, ""),
    ),
    layer(
        ("etc/.wh.a", FILE, ""), ("bin/.wh.none", FILE, ""), ("bin/ls", FILE, "ls"),
        ("opt/x/two", FILE, "2"), ("opt/x/.wh..wh..opq", FILE, ""), ("was", FILE, "file"),
        ("etc/c", HARD, "etc/b"), ("etc/.wh.b", FILE, ""),
    ),
]  # fmt: skip
WANTED = {
    "bin": "usr/bin", "usr/bin/sh": "sh", "usr/bin/ls": "ls", "etc/c": "b", "opt/x/two": "2",
    "opt/y": "y", "was": "file",
}  # fmt: skip


def files(tree: Tree) -> dict[str, str]:
    return {e.path: e.target or e.read().decode() for e in tree if not stat.S_ISDIR(e.mode)}


class Layout:
    """An OCI layout in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data: bytes, **more: object) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data), **more}

    def json(self, value: object, **more: object) -> dict[str, object]:
        return self.blob(json.dumps(value).encode(), **more)

    def image(self, layers: list[bytes], arch: str) -> dict[str, object]:
        manifest = {
            "config": self.json({"architecture": arch}),
            "layers": [self.blob(data) for data in layers],
        }
        return self.json(manifest, platform={"architecture": arch, "os": "linux"})

    def index(self, *manifests: dict[str, object]) -> Path:
        (self.folder / "index.json").write_text(json.dumps({"manifests": manifests}))
        return self.folder


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
def test_layers_are_applied_in_order_with_their_whiteouts(
    layout: Layout, pack: Callable[[bytes], bytes]
) -> None:
    image = layout.image([pack(data) for data in LAYERS], "riscv64")
    other = layout.image([LAYERS[0]], "amd64")
    folder = layout.index(layout.json({"manifests": [other, image]}))
    tree = open_rootfs(folder, "riscv64")
    assert isinstance(tree, Tree)
    assert files(tree) == WANTED
    assert tree.get("opt/x/two").uid == 7  # type: ignore[union-attr]


def test_a_layout_in_an_archive(layout: Layout, tmp_path: Path) -> None:
    layout.index(layout.image(LAYERS, "riscv64"))
    with tarfile.open(tmp_path / "image.tar.gz", "w:gz") as archive:
        archive.add(layout.folder, ".")
    assert files(read_source(str(tmp_path / "image.tar.gz"), "riscv64")) == WANTED


def test_what_docker_saves(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    names = ["0/layer.tar", "1/layer.tar"]
    for name, data in zip(names, LAYERS, strict=True):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(data)
    manifest = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": names}]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.add(folder, "")
    assert files(read_source(str(tmp_path / "image.tar"), "riscv64")) == WANTED


def test_container_images_that_are_refused(layout: Layout) -> None:
    image = layout.image(LAYERS, "arm64")
    folder = layout.index(image)
    with pytest.raises(RootfsError, match="has no image for riscv64"):
        open_rootfs(folder, "riscv64")
    del image["platform"]
    layout.index(image)
    with pytest.raises(RootfsError, match="is an image for arm64, not for riscv64"):
        open_rootfs(folder, "riscv64")
    layout.index(image, image)
    with pytest.raises(RootfsError, match="holds 2 images for arm64"):
        open_rootfs(folder, "arm64")
    layout.index(image)
    blob = layout.folder / "blobs/sha256" / hashlib.sha256(LAYERS[1]).hexdigest()
    blob.write_bytes(LAYERS[1] + b"!")
    with pytest.raises(RootfsError, match="has the wrong digest"):
        open_rootfs(folder, "arm64")
    blob.unlink()
    with pytest.raises(RootfsError, match=r"has no blobs/sha256/.*; save the image again"):
        open_rootfs(folder, "arm64")
    layout.index(layout.image([b"\x1f\x8b damaged"], "arm64"))
    with pytest.raises(RootfsError, match="is damaged"):
        open_rootfs(folder, "arm64")
    for text in ("{", "[]", '{"manifests": [{"digest": "md5:1"}]}', '{"manifests": 3}'):
        (folder / "index.json").write_text(text)
        with pytest.raises(RootfsError) as caught:
            open_rootfs(folder, "arm64")
        assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def ext4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system that mke2fs made."""
    folder = tmp_path_factory.mktemp("ext4")
    (folder / "tree/bin").mkdir(parents=True)
    (folder / "tree/bin/sh").write_bytes(b"shell" * 3000)
    command = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", "tree", "image", "8M"]
    subprocess.run(command, check=True, cwd=folder, env=ENVIRONMENT)
    return folder / "image"


TABLES = {
    "gpt": "label: gpt\nstart=2048, size=2048\nstart=4096, size=16384, type=L\n",
    "mbr": "label: dos\nstart=2048, size=2048, type=c\nstart=4096, size=16384, type=83\n",
    "logical": "label: dos\nstart=2048, size=22528, type=5\nstart=4096, size=16384, type=83\n",
}


@pytest.mark.parametrize("table", [None, *TABLES])
def test_disk_images(ext4: Path, tmp_path: Path, table: str | None) -> None:
    disk = tmp_path / "disk.img"
    if table is None:
        disk.write_bytes(gzip.compress(ext4.read_bytes(), 1))
    else:
        with disk.open("wb") as file:
            file.truncate(14 << 20)
        text = TABLES[table].encode()
        command = ["sfdisk", "-q", str(disk)]
        subprocess.run(command, input=text, check=True, env=ENVIRONMENT, capture_output=True)
        with disk.open("r+b") as file:
            file.seek(4096 * 512)
            file.write(ext4.read_bytes())
    tree = read_source(str(disk), "riscv64")
    assert {e.path for e in tree} == {"bin", "bin/sh"}
    assert tree.get("bin/sh").read() == b"shell" * 3000  # type: ignore[union-attr]


def test_disks_that_are_refused(ext4: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(510) + b"\x55\xaa" + bytes(5000))
    with pytest.raises(RootfsError, match="has no ext4 file system, and no partition with one"):
        open_rootfs(disk, "riscv64")
    disk.write_bytes(b"hsqs" + bytes(5000))
    with pytest.raises(RootfsError, match="is a squashfs image, which is not read here"):
        open_rootfs(disk, "riscv64")
    disk.write_bytes(ext4.read_bytes()[:100_000])
    with pytest.raises(RootfsError, match=r"disk\.img: "):
        open_rootfs(disk, "riscv64")


def test_a_folder_is_copied_with_its_links(tmp_path: Path) -> None:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "a").write_text("text")
    os.link(folder / "a", folder / "b")
    assert open_rootfs(folder, "riscv64") == HostFolder(folder)
    tree = read_source(str(folder), "riscv64")
    assert [(e.path, e.hardlink) for e in tree] == [("a", ""), ("b", "a")]


def test_a_lab_runs_in_an_ext4_image(tmp_path: Path) -> None:
    tree = builtin_tree("riscv64")
    tree.add(Entry("etc/secret", stat.S_IFREG | 0o640, 5, 70000, 10**18, b"from ext4\n" * 999))
    tree.add(Entry("etc/again", stat.S_IFREG | 0o640, hardlink="etc/secret"))
    tree.add(Entry("etc/zero", stat.S_IFCHR | 0o666, major=1, minor=5))
    disk = tmp_path / "root.img"
    make_ext4(tree, disk, room_for(tree), uuid=UUID(int=7), label="root", time=1_700_000_000)
    again = read_source(str(disk), "riscv64")
    assert {e.path: (e.mode, e.uid, e.gid, e.target, e.major, e.minor) for e in again} == {
        e.path: (e.mode, f.uid, f.gid, e.target, e.major, e.minor)
        for e in tree
        for f in [tree.get(e.hardlink or e.path) or e]
    }
    script = "cmp etc/secret etc/again && tail -n 1 etc/again && stat etc/again"
    words = [sys.executable, "-m", "starrylab", "run", "--rootfs", str(disk), "--", "sh", "-c"]
    done = subprocess.run(
        [*words, script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.startswith("from ext4\n")
    for text in ("Links: 2", "Uid: (5/5)", "Gid: (70000/70000)", "Modify: 2001-09-09 01:46:40.0"):
        assert text in done.stdout
