"""Read a root tree out of a container image: an OCI layout, or what ``docker save`` writes.

Source: OCI Image Format Specification 1.1 (image-layout.md, manifest.md, layer.md), and Docker
Image Specification 1.2 for ``manifest.json``. Layers are applied in order, with their whiteouts.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from dataclasses import replace
from typing import Any, Final

from .archive import read_entries
from .compressed import broken, copy_plain, one_line
from .content import OpenFile, chunks_of
from .errors import RootfsError
from .layers import put_entry
from .tree import Entry, Tree

_INDEX_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_GOARCH: Final = {"loongarch64": "loong64", "aarch64": "arm64"}  #: what images call it
_DEEPEST: Final = 4  #: indexes in indexes
_LARGEST: Final = 16 << 20  #: bytes of a JSON document


def is_image(tree: Tree) -> bool:
    """Tell whether a folder or archive holds a container image rather than a system."""
    marked = any(tree.get(name) is not None for name in ("oci-layout", "manifest.json"))
    return marked and not any(tree.get(name) is not None for name in ("bin", "etc", "usr"))


def read_image(tree: Tree, name: str, arch: str) -> Tree:
    """Return the root of the image in `tree`, of several the one for `arch`.

    Raises RootfsError: nothing for that architecture, a wrong digest, a damaged layer.
    """
    arch = _GOARCH.get(arch, arch)
    image = _Image(tree, name)
    layers = image.oci_layers(arch) if tree.get("oci-layout") else image.docker_layers()
    root = Tree()
    for path, digest in layers:
        _apply(root, image.open_layer(path, digest), f"{name}, layer {path}")
    if not len(root):
        raise RootfsError(f"{name} is a container image without files")
    return root


class _Image:
    def __init__(self, tree: Tree, name: str) -> None:
        self._tree = tree
        self._name = name

    def oci_layers(self, arch: str) -> list[tuple[str, str]]:
        """Return path and digest of each layer."""
        manifest = self._manifest(self._json("index.json"), arch, _DEEPEST)
        return [self._blob(layer) for layer in _dicts(manifest.get("layers"))]

    def docker_layers(self) -> list[tuple[str, str]]:
        """Return the path of each layer, and no digest."""
        images = _dicts(self._json("manifest.json"))
        if len(images) != 1:
            raise RootfsError(f"{self._name} holds {len(images)} images; save one alone")
        layers = images[0].get("Layers")
        if not isinstance(layers, list) or not all(isinstance(path, str) for path in layers):
            raise RootfsError(f"{self._name} has a damaged manifest.json")
        return [(path, "") for path in layers]

    def _manifest(self, index: Any, arch: str, left: int) -> dict[str, Any]:
        found = [
            entry
            for entry in _dicts(index.get("manifests") if isinstance(index, dict) else None)
            if _platform(entry) in ("", arch)
        ]
        if not found or not left:
            raise RootfsError(f"{self._name} has no image for {arch}")
        if len(found) > 1:
            raise RootfsError(f"{self._name} holds {len(found)} images for {arch}; save one alone")
        document = self._json(*self._blob(found[0]))
        if not isinstance(document, dict):
            raise RootfsError(f"{self._name} has a damaged manifest")
        if "manifests" in document or found[0].get("mediaType") in _INDEX_TYPES:
            return self._manifest(document, arch, left - 1)
        self._check_config(document, arch)
        return document

    def _check_config(self, manifest: dict[str, Any], arch: str) -> None:
        """Refuse an image that says that it is for another architecture."""
        config = manifest.get("config")
        if isinstance(config, dict) and "digest" in config:
            document = self._json(*self._blob(config))
            found = document.get("architecture", "") if isinstance(document, dict) else ""
            if found not in ("", "unknown", arch):
                raise RootfsError(f"{self._name} is an image for {found}, not for {arch}")

    def _blob(self, descriptor: dict[str, Any]) -> tuple[str, str]:
        found = _DIGEST.fullmatch(str(descriptor.get("digest")))
        if found is None:
            raise RootfsError(f"{self._name} has a digest that is no SHA-256")
        return f"blobs/sha256/{found[1]}", found[1]

    def _entry(self, path: str) -> Entry:
        entry = self._tree.resolve(path)
        if entry is None:
            raise RootfsError(f"{self._name} has no {path}; save the image again")
        return entry

    def _json(self, path: str, digest: str = "") -> Any:
        data = self._entry(path).read()
        if digest and hashlib.sha256(data).hexdigest() != digest:
            raise RootfsError(f"{self._name}: {path} has the wrong digest; save the image again")
        try:
            return json.loads(data[:_LARGEST])
        except ValueError:
            raise RootfsError(f"{self._name} has a damaged {path}") from None

    def open_layer(self, path: str, digest: str) -> OpenFile:
        """Return a layer's archive without its compression."""
        content = self._entry(path).content
        with tempfile.TemporaryFile() as packed, tempfile.TemporaryFile() as plain:
            hasher = hashlib.sha256()
            for chunk in chunks_of(content):
                packed.write(chunk)
                hasher.update(chunk)
            if digest and hasher.hexdigest() != digest:
                raise RootfsError(
                    f"{self._name}: {path} has the wrong digest; save the image again"
                )
            packed.seek(0)
            try:
                copy_plain(packed, plain)
            except broken() as error:
                raise RootfsError(f"{self._name}: {path} is damaged: {one_line(error)}") from None
            plain.flush()
            return OpenFile(plain)


def _platform(entry: dict[str, Any]) -> str:
    platform = entry.get("platform")
    return str(platform.get("architecture", "")) if isinstance(platform, dict) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _apply(root: Tree, layer: OpenFile, name: str) -> None:
    """Put a layer above `root`: whiteouts mean what was below, never the layer's own."""
    own: set[str] = set()
    for entry in read_entries(layer, name, root):
        folder = _folder(root, entry.parent)
        if entry.name == _OPAQUE:
            _empty(root, folder, own)
        elif entry.name.startswith(_WHITEOUT):
            hidden = folder + entry.name.removeprefix(_WHITEOUT)
            if hidden not in own:
                root.remove(hidden)
        else:
            put_entry(root, replace(entry, path=folder + entry.name))
            own.add(folder + entry.name)


def _folder(root: Tree, path: str) -> str:
    """Return what a folder's real path begins names with: "", or one that ends in a slash."""
    folder = root.resolve(path) if path else None
    return f"{path if folder is None else folder.path}/" if path else ""


def _empty(root: Tree, folder: str, own: set[str]) -> None:
    for path in [entry.path for entry in root if entry.path.startswith(folder)]:
        if path not in own and not any(mine.startswith(path + "/") for mine in own):
            root.remove(path)
