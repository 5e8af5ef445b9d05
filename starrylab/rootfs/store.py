"""Root file systems by name: one TAR file each, in the user's data folder.

A TAR keeps owners, modes, devices and hard links without any right on the host.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from . import acl_text
from .archive import XATTR, read_archive
from .content import Content, Part, size_of
from .layers import read_layer
from .locks import Lock
from .tree import Entry, RootfsError, Tree

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TYPES: Final = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}


def store_folder() -> Path:
    """Return where named roots are kept; it need not exist."""
    import platformdirs

    return platformdirs.user_data_path("starrylab") / "rootfs"


def is_name(text: str) -> bool:
    """Tell whether a root may be called so."""
    return _NAME.fullmatch(text) is not None


def root_path(name: str) -> Path:
    """Return the TAR of a name, whether it exists or not; raise RootfsError for a bad name."""
    if not is_name(name):
        raise RootfsError(f"{name!r} is no name for a root: use letters, digits, '.', '_' and '-'")
    return store_folder() / f"{name}.tar"


def find_root(name: str) -> Path:
    """Return the TAR of a root that exists; raise RootfsError."""
    path = root_path(name)
    if not path.is_file():
        raise RootfsError(f"there is no root {name}; `starrylab rootfs list` shows what there is")
    return path


def list_roots() -> list[Path]:
    """Return the TAR files of all roots, by name."""
    return sorted(path for path in store_folder().glob("*.tar") if is_name(path.stem))


def layer_path(name: str) -> Path:
    """Return where the changes of a root are kept, if there are any."""
    return root_path(name).with_name(f"{name}.layer")


def lock_root(name: str) -> Lock:
    """Return the right to change a root, until it is released; raise RootfsError."""
    path = root_path(name).parent / ".locks" / name
    return Lock(path, f"another process changes the root {name}{{who}}; wait for its end")


@contextmanager
def making(name: str) -> Iterator[Path]:
    """Give a folder of its own to who makes a root, and take it away; raise RootfsError.

    One at a time; what one that was killed has left is removed first.
    """
    target = root_path(name)
    folder = target.parent / ".making" / name
    with lock_root(name):
        if target.exists():
            raise RootfsError(f"there is a root {name} already; remove it first")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            layer_path(name).unlink(missing_ok=True)  # of one that was removed half
            folder.mkdir(parents=True)
            yield folder
        except OSError as error:
            raise RootfsError(f"cannot write {folder}: {error.strerror}") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def publish(name: str, path: Path) -> None:
    """Make a TAR file, written in the folder of `making`, the root; raise RootfsError."""
    try:
        os.replace(path, root_path(name))
    except OSError as error:
        raise RootfsError(f"cannot write {root_path(name)}: {error.strerror}") from None


def clear_parts(name: str) -> None:
    """Remove what a lab that was killed while it wrote the layer has left; under the lock."""
    path = layer_path(name)
    for part in path.parent.glob(f".{path.name}.*"):
        part.unlink(missing_ok=True)


def read_root(name: str) -> tuple[Tree, list[Entry]]:
    """Return a root's tree as it was made, and the changes that were kept; raise RootfsError."""
    base = read_archive(find_root(name))
    return base, read_layer(layer_path(name), base)


def write_layer(name: str, changes: Sequence[Entry]) -> None:
    """Keep a root's changes instead of those before; raise RootfsError, and those stay."""
    path = layer_path(name)
    if changes:
        write_entries(changes, path)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise RootfsError(f"cannot remove {path}: {error.strerror}") from None


def reset_root(name: str) -> None:
    """Throw the kept changes of a root away; raise RootfsError."""
    find_root(name)
    with lock_root(name):
        layer_path(name).unlink(missing_ok=True)


def remove_root(name: str) -> None:
    """Delete a root; raise RootfsError."""
    path = find_root(name)
    with lock_root(name):
        path.unlink(missing_ok=True)  # the layer is nothing without it, and goes last
        layer_path(name).unlink(missing_ok=True)


def write_tree(tree: Tree, path: Path) -> None:
    """Write a tree as a TAR file that is there as a whole or not at all; raise RootfsError."""
    write_entries(_targets_first(tree), path)


def write_entries(entries: Iterable[Entry], path: Path) -> None:
    """Write entries as a TAR file that is there as a whole or not at all; raise RootfsError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            with tarfile.open(
                fileobj=file, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8",
                errors="surrogateescape",
            ) as archive:  # fmt: skip
                for entry in entries:
                    _write(archive, entry)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise RootfsError(f"cannot write {path}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            part.unlink()


def _targets_first(tree: Tree) -> list[Entry]:
    return sorted(tree, key=lambda entry: bool(entry.hardlink))


def _headers(attributes: dict[str, bytes]) -> dict[str, str]:
    """Return what an archive keeps extended attributes in; tar takes lists as text only."""
    headers = {}
    for header, name in acl_text.HEADERS.items():
        text = acl_text.to_text(attributes.get(name, b""))
        if text and acl_text.from_text(text) == attributes[name]:
            headers[header] = text
            del attributes[name]
    for name, value in attributes.items():
        headers[XATTR + name] = value.decode("utf-8", "surrogateescape")
    return headers


def _write(archive: tarfile.TarFile, entry: Entry) -> None:
    kind = _TYPES.get(stat.S_IFMT(entry.mode))
    if kind is None:
        return  # a socket: who binds it makes it
    info = tarfile.TarInfo(entry.path)
    info.mode, info.uid, info.gid = entry.mode & 0o7777, entry.uid, entry.gid
    info.mtime, part = divmod(entry.mtime_ns, 1_000_000_000)
    headers = _headers(dict(entry.xattrs))
    info.pax_headers = headers | ({"mtime": f"{info.mtime}.{part:09}"} if part else {})
    info.devmajor, info.devminor = entry.major, entry.minor
    info.type = tarfile.LNKTYPE if entry.hardlink else kind
    info.linkname = entry.hardlink or entry.target
    if not info.isreg():
        archive.addfile(info)
        return
    with _opened(entry.content) as content:
        info.size = size_of(entry.content)
        archive.addfile(info, content)


def _opened(content: Content) -> IO[bytes]:
    if isinstance(content, Path):
        return content.open("rb")
    return io.BytesIO(content) if isinstance(content, bytes) else _Chunks(content)  # type: ignore[return-value]


class _Chunks(io.RawIOBase):
    """A slice as a file object, for who reads it from its begin to its end."""

    def __init__(self, content: Part) -> None:
        self._chunks = content.chunks()
        self._data = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes."""
        parts = [self._data]
        have = len(self._data)
        while have < size:
            data = next(self._chunks, b"")
            if not data:
                break
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self._data = whole[size:]
        return whole[:size]
