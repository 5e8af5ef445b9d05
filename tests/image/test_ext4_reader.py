"""Reading ext2, ext3 and ext4: what mke2fs and debugfs make, and what is broken."""

from __future__ import annotations

import os
import random
import stat
import struct
import subprocess
from pathlib import Path

import pytest

from starrylab.image.errors import ImageFormatError
from starrylab.image.ext4_blocks import mapped
from starrylab.image.ext4_reader import Ext4Reader, Node, is_ext4

KINDS = {
    "ext4": ["-t", "ext4"],
    "ext4 with inline data": ["-t", "ext4", "-O", "inline_data", "-I", "512"],
    "ext4 of 1 KiB blocks": ["-t", "ext4", "-b", "1024", "-O", "^64bit,^metadata_csum"],
    "ext3": ["-t", "ext3"],
    "ext2": ["-t", "ext2", "-b", "1024", "-I", "128"],
}
ENVIRONMENT = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


def reader(data: bytes, at: int = 0, patch: bytes = b"") -> Ext4Reader:
    """Read an image, as if `patch` stood at `at`."""

    def read(offset: int, size: int) -> bytes:
        found = data[offset : offset + size]
        if not offset - len(patch) < at < offset + size:
            return found
        changed = bytearray(found)
        for index, byte in enumerate(patch, at - offset):
            if 0 <= index < len(found):
                changed[index] = byte
        return bytes(changed)

    return Ext4Reader(read)


def content(data: bytes, node: Node) -> bytes:
    if isinstance(node.content, bytes):
        return node.content
    return b"".join(
        bytes(length) if at < 0 else data[at : at + length] for at, length in node.content
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind of file that mke2fs -d takes along."""
    folder = tmp_path_factory.mktemp("source")
    dice = random.Random(1)
    (folder / "big").write_bytes(dice.randbytes(700_000))
    (folder / "small").write_bytes(b"inline?\n" * 9)
    (folder / "empty").write_bytes(b"")
    with (folder / "sparse").open("wb") as file:
        for at in (0, 300_000, 5_000_000):
            file.seek(at)
            file.write(b"data")
        file.truncate(6_000_000)
    (folder / "many").mkdir(mode=0o1777)
    for number in range(300):
        (folder / "many" / f"{number:040}").touch()
    (folder / "short").symlink_to("many")
    (folder / "long").symlink_to("x" * 150)
    os.link(folder / "small", folder / "many/again")
    os.mkfifo(folder / "fifo")
    os.setxattr(folder / "small", "user.a", b"1" * 30)
    os.setxattr(folder / "big", "user.b", b"2" * 900)
    os.utime(folder / "small", ns=(0, 1_234_567_890_987_654_321))
    (folder / "caf\udce9").touch(mode=0o4711)
    (folder / "caf\udce9").chmod(0o4711)
    return folder


@pytest.fixture(scope="module", params=list(KINDS))
def image(source: Path, tmp_path_factory: pytest.TempPathFactory, request) -> bytes:
    path = tmp_path_factory.mktemp("image") / "image"
    options = KINDS[request.param]
    command = ["mke2fs", "-q", "-F", "-d", str(source), *options, str(path), "24M"]
    subprocess.run(command, check=True, env=ENVIRONMENT)
    commands = "cd many\nmknod console c 5 1\nmknod big c 300 3000\nsif small uid 70000\n"
    debugfs = ["debugfs", "-w", "-f", "-", str(path)]
    subprocess.run(debugfs, input=commands.encode(), check=True, env=ENVIRONMENT,
                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
    return path.read_bytes()


def test_access_control_lists(tmp_path: Path) -> None:
    everybody = 0xFFFFFFFF
    lines = ((1, 7, everybody), (2, 6, 1000), (4, 5, everybody), (8, 4, 50), (16, 7, everybody),
             (32, 0, everybody))  # fmt: skip
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *line) for line in lines)
    path, list_file = tmp_path / "image", tmp_path / "list"
    list_file.write_bytes(value)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", str(path), "8M"], check=True,
                   env=ENVIRONMENT)  # fmt: skip
    commands = f"mkdir folder\nea_set -f {list_file} folder system.posix_acl_default\n"
    subprocess.run(["debugfs", "-w", "-f", "-", str(path)], input=commands.encode(), check=True,
                   env=ENVIRONMENT, capture_output=True)  # fmt: skip
    data = path.read_bytes()
    nodes = {node.path: node for node in reader(data).nodes()}
    assert dict(nodes["folder"].xattrs) == {"system.posix_acl_default": value}
    disk = struct.pack("<IHHHHI", 1, 1, 7, 2, 6, 1000)
    assert data.count(disk) == 1
    with pytest.raises(ImageFormatError, match="access control list is damaged"):
        list(reader(data, data.index(disk), b"\2").nodes())


def test_everything_is_read_as_it_was_written(image: bytes, source: Path) -> None:
    assert is_ext4(lambda offset, size: image[offset : offset + size])
    nodes = {node.path: node for node in reader(image).nodes()}
    for above, folders, files in os.walk(source):
        for name in [*folders, *files]:
            path = Path(above, name)
            info = path.lstat()
            node = nodes.pop(path.relative_to(source).as_posix())
            first = nodes.get(node.hardlink, node) if node.hardlink else node
            assert (node.mode, node.gid) == (info.st_mode, info.st_gid)
            if stat.S_ISREG(info.st_mode) and not node.hardlink:
                found, wanted = content(image, first), path.read_bytes()
                if name == "sparse":  # whose end mke2fs 1.47.0 cuts where it has inline data
                    assert len(found) >= 5_000_004
                    wanted = wanted[: len(found)]
                assert found == wanted
            if stat.S_ISLNK(info.st_mode):
                assert node.target == os.readlink(path)
            if name in ("big", "sparse"):
                assert node.mtime_ns // 10**9 == info.st_mtime_ns // 10**9
    assert {node.path: node.rdev for node in nodes.values()} == {
        "many/console": (5, 1), "many/big": (300, 3000)
    }  # fmt: skip


def test_links_attributes_and_owners(image: bytes) -> None:
    nodes = {node.path: node for node in reader(image).nodes()}
    again, small = nodes["many/again"], nodes["small"]
    one, other = (again, small) if small.hardlink else (small, again)
    assert (other.hardlink, other.content) == (one.path, b"")
    assert dict(nodes["big"].xattrs) == {"user.b": b"2" * 900}
    assert dict(one.xattrs) == {"user.a": b"1" * 30}
    assert one.mtime_ns in (1_234_567_890_987_654_321, 1_234_567_890_000_000_000)
    assert isinstance(nodes["sparse"].content, tuple)
    assert any(at == -1 for at, _ in nodes["sparse"].content)


def test_what_is_broken_is_said_and_nothing_hangs(image: bytes) -> None:
    whole = len(list(reader(image).nodes()))
    dice = random.Random(2)
    used = [at for at in range(0, len(image), 1024) if image[at : at + 1024].strip(b"\0")]
    used = [at for at in used if at < 300_000]  # beyond are contents
    messages = []
    for _ in range(40):
        try:
            at = dice.choice(used) + dice.randrange(1024)
            found = len(list(reader(image, at, dice.randbytes(4)).nodes()))
        except ImageFormatError as error:
            messages.append(str(error))
        else:
            assert found <= whole + 1
    assert not any("\n" in message for message in messages)
    with pytest.raises(ImageFormatError, match="is cut"):
        list(reader(image[:40000]).nodes())


@pytest.mark.parametrize(
    ("at", "patch", "message"),
    [
        (96 + 1, b"\xff", "features unknown here"),
        (96, b"\x06", "was not unmounted; replay its journal first: e2fsck"),
        (88, b"\x81", "impossible numbers"),
        (24, b"\x09", "impossible numbers"),
        (40, bytes(4), "impossible numbers"),
    ],
)
def test_superblocks_that_are_refused(image: bytes, at: int, patch: bytes, message: str) -> None:
    with pytest.raises(ImageFormatError, match=message):
        reader(image, 1024 + at, patch)


def test_a_folder_larger_than_the_disk_and_a_map_in_a_circle(image: bytes) -> None:
    root = reader(image)._place(2, "")
    with pytest.raises(ImageFormatError, match=r"the root is (larger than|cut)"):
        list(reader(image, root + 108, b"\x40").nodes())  # i_size_high
    circle = [3] * 256

    def block(number: int) -> bytes:
        if number != 3 or not left:
            raise ImageFormatError("a circle")
        left.pop()
        return struct.pack("<256I", *circle)

    left = [0] * 50
    with pytest.raises(ImageFormatError, match="a circle"):
        list(mapped(struct.pack("<15I", *[0] * 12, 3, 3, 3), block, 1 << 30, 1024))


def test_no_file_system() -> None:
    for data in (b"", bytes(5000)):
        with pytest.raises(ImageFormatError, match="no ext4 file system"):
            reader(data)
