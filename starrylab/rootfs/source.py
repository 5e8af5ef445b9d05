"""Turn what the user gave as ``--rootfs`` into something that a kernel can mount."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..userland import Progress
from .archive import read_plain
from .compressed import open_plain
from .disk import is_disk, read_disk
from .folder import read_folder
from .layers import apply_layer
from .oci import is_image, read_image
from .store import is_name, read_root, root_path
from .tree import RootfsError, Tree, builtin_tree, resolve


@dataclass(frozen=True, slots=True)
class HostFolder:
    """A folder of the host, to be mounted copy-on-write: its files are never changed."""

    path: Path


def open_rootfs(
    spec: str | Path | None, arch: str, *, progress: Progress | None = None
) -> HostFolder | Tree:
    """Return the root tree that `spec` names.

    None is the built-in one; else a folder, a TAR file, a disk image, a container image, or the
    name of a root that was made.
    Raises RootfsError with one clear line; userland.BuildError for the built-in tree.
    """
    if spec is None:
        return builtin_tree(arch, progress=progress)
    if named(str(spec)):
        return apply_layer(*read_root(str(spec)))
    path = Path(spec).expanduser()
    try:
        _check(path)
    except PermissionError as error:
        raise RootfsError(f"no permission to reach {path}") from error
    if path.is_dir() and not _is_layout(path):
        return HostFolder(path.resolve())
    return _read(path, arch)


def read_source(spec: str, arch: str) -> Tree:
    """Return the whole of what `spec` names as a tree, to be kept elsewhere; raise RootfsError."""
    root = open_rootfs(spec, arch)
    return read_folder(root.path) if isinstance(root, HostFolder) else root


def _check(path: Path) -> None:
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            raise RootfsError(f"no permission to read the folder {path}")
    elif not path.exists():
        raise RootfsError(
            f"{path} does not exist; give a folder, a tar file, or a name of "
            "`starrylab rootfs list`"
        )
    elif not path.is_file():
        raise RootfsError(f"{path} is neither a folder nor a file; give a folder or a tar file")


def _is_layout(folder: Path) -> bool:
    return (folder / "oci-layout").is_file() and (folder / "index.json").is_file()


def _read(path: Path, arch: str) -> Tree:
    if path.is_dir():
        return read_image(read_folder(path), str(path), arch)
    file = open_plain(path)
    if is_disk(file):
        return read_disk(file, str(path))
    tree = read_plain(file, str(path))
    return read_image(tree, str(path), arch) if is_image(tree) else tree


def named(spec: str) -> bool:
    """Tell whether this is the name of a root that was made, and no file here is called so."""
    return is_name(spec) and not os.path.lexists(spec) and root_path(spec).is_file()


def has_program(root: HostFolder | Tree, path: str) -> bool:
    """Tell whether a path of the guest leads to something, following links inside the root."""
    if isinstance(root, Tree):
        return root.resolve(path) is not None

    def target_of(relative: str) -> str | None:
        try:
            return os.readlink(root.path / relative)
        except OSError:
            return None

    real = resolve(path, target_of)
    return real is not None and os.path.lexists(root.path / real)


def shell_warning(root: HostFolder | Tree) -> str | None:
    """Return one line for a root without /bin/sh, None when there is one."""
    if has_program(root, "/bin/sh"):
        return None
    return (
        "the root has no /bin/sh: name a program to run after --, "
        "or put a shell there (a static busybox linked as /bin/sh will do)"
    )
