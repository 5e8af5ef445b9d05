"""Make an ext4 file system with a tree of files, by e2fsprogs: no root, no mounting.

mke2fs makes an empty one, and debugfs puts every file, folder, link and device into it with its
owner and times, so the same tree gives the same bytes. Features that small kernels do not have
(64bit, flex_bg, metadata_csum) are off.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from ..base.tree import TreeName
from .errors import ImageFormatError

_FEATURES: Final = (
    "none,has_journal,ext_attr,dir_index,filetype,extent,sparse_super,large_file,huge_file,"
    "extra_isize"
)
_BLOCK: Final = 4096
_SPARE: Final = 24 << 20  #: bytes for the journal, tables, and what is written later
_STEP: Final = 16 << 20
_PATH: Final = "/usr/sbin:/sbin"
_DEVICES: Final = {stat.S_IFCHR: "c", stat.S_IFBLK: "b", stat.S_IFIFO: "p"}


class Part(Protocol):
    """A content that is read when it is used."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def read(self) -> bytes:
        """Return all of it."""
        ...


class Item(TreeName, Protocol):
    """A name in the tree; a folder comes before what it holds."""

    @property
    def content(self) -> bytes | Path | Part:
        """A regular file's bytes, or the host file, or part of one, that has them."""
        ...


def has_tools() -> bool:
    """Whether mke2fs and debugfs are there."""
    return all(_tool(name) for name in ("mke2fs", "debugfs"))


def room_for(items: Iterable[Item]) -> int:
    """Return bytes that a file system for `items` should have, a multiple of 16 MiB."""
    used = 0
    for item in items:
        size = _size(item.content)
        used += -(-size // _BLOCK) * _BLOCK + 512
    return -(-(used + used // 8 + _SPARE) // _STEP) * _STEP


def make_ext4(
    items: Iterable[Item], output: Path, size: int, *, uuid: UUID, label: str, time: int
) -> None:
    """Write a file system of `size` bytes to the file `output`, which is sparse.

    Raises:
        ImageFormatError: e2fsprogs is missing or fails, or a name that it cannot take.

    """
    options = f"hash_seed={uuid},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0"
    _run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-O", _FEATURES, "-b", str(_BLOCK), "-I", "256",
         "-m", "0", "-L", label, "-U", str(uuid), "-E", options, str(output), f"{size >> 10}k"],
        time,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="starrylab-root-") as folder:
        script = Path(folder) / "script"
        lines = _commands(items, Path(folder))
        text = "".join(line + "\n" for line in lines)
        script.write_text(text, encoding="utf-8", errors="surrogateescape")
        said = _run(["debugfs", "-w", "-f", str(script), str(output)], time)
    if complaint := _complaint(said):
        raise ImageFormatError(f"debugfs could not fill the root partition: {complaint}")


def _commands(items: Iterable[Item], folder: Path) -> Iterator[str]:
    """Yield debugfs's commands; contents that are only in memory are put into `folder`."""
    links: Counter[str] = Counter()
    for number, item in enumerate(items):
        path = _quoted("/" + item.path)
        if item.hardlink:
            first = "/" + item.hardlink
            links[first] += 1
            yield f"ln {_quoted(first)} {path}"
            yield f"sif {_quoted(first)} links_count {links[first] + 1}"
        elif stat.S_IFMT(item.mode) != stat.S_IFSOCK:  # a socket is made by who binds it
            yield from _made(item, path, folder / str(number))
            yield from _inode(item, path)


def _made(item: Item, path: str, staged: Path) -> Iterator[str]:
    """Yield what makes `item`; of the root nothing, it is there."""
    kind = stat.S_IFMT(item.mode)
    if kind == stat.S_IFDIR and item.path:
        yield f"mkdir {path}"
    elif kind == stat.S_IFLNK:
        yield f"symlink {path} {_quoted(item.target)}"
    elif kind == stat.S_IFREG:
        yield f"write {_quoted(str(_host_file(item, staged)))} {path}"
    elif kind in _DEVICES:
        # mknod takes no path, only a name in the current folder.
        above, _, name = item.path.rpartition("/")
        numbers = "" if kind == stat.S_IFIFO else f" {item.major} {item.minor}"
        yield f"cd {_quoted('/' + above)}"
        yield f"mknod {_quoted(name)} {_DEVICES[kind]}{numbers}"
        yield "cd /"  # else names right below the root go wrong


def _inode(item: Item, path: str) -> Iterator[str]:
    seconds = item.mtime_ns // 10**9
    yield f"sif {path} mode 0{item.mode:o}"
    yield f"sif {path} uid {item.uid}"
    yield f"sif {path} gid {item.gid}"
    for field in ("atime", "ctime", "mtime"):
        yield f"sif {path} {field} @{seconds}"


def _host_file(item: Item, staged: Path) -> Path:
    if isinstance(item.content, Path):
        return item.content.absolute()
    staged.write_bytes(item.content if isinstance(item.content, bytes) else item.content.read())
    return staged


def _size(content: bytes | Path | Part) -> int:
    if isinstance(content, bytes):
        return len(content)
    if not isinstance(content, Path):
        return content.size
    try:
        return content.stat().st_size
    except OSError as error:
        raise ImageFormatError(f"cannot read {content}: {error.strerror}") from error


def _quoted(name: str) -> str:
    if "\n" in name or "\0" in name:
        raise ImageFormatError(f"debugfs cannot make a file that is called {name!r}")
    return '"' + name.replace('"', '""') + '"'


def _complaint(said: str) -> str:
    """Return the first line of debugfs's output that is neither an echo nor its version."""
    for line in said.splitlines():
        if line and not line.startswith(("debugfs", "Allocated inode:")):
            return line
    return ""


def _run(command: list[str], time: int) -> str:
    tool = _tool(command[0])
    if tool is None:
        raise ImageFormatError(f"{command[0]} is missing: apt install e2fsprogs")
    environment = {**os.environ, "E2FSPROGS_FAKE_TIME": str(time), "SOURCE_DATE_EPOCH": str(time)}
    done = subprocess.run(
        [tool, *command[1:]], env=environment | {"LC_ALL": "C.UTF-8", "TZ": "UTC"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        last = (said.strip().splitlines() or ["no message"])[-1]
        raise ImageFormatError(f"{command[0]} failed: {last}")
    return said


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_PATH}")
