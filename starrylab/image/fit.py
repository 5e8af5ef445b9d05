"""U-Boot's FIT, a device tree that holds images, their checksums and configurations.

Source: Flattened Image Tree specification (fitspec.osfw.foundation); U-Boot, boot/image-fit.c.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from .dtb import Node, cell, cells64, pack, string, unpack
from .errors import ImageFormatError

#: our architecture -> its name in a FIT
ARCHES: Final = {"riscv64": "riscv", "loongarch64": "loongarch64", "aarch64": "arm64"}
_KERNEL: Final = "kernel"
_CONFIGURATION: Final = "conf-1"
_HASHES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "crc32": lambda data: cell(zlib.crc32(data)),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a FIT."""

    name: str
    description: str
    kind: str  # "kernel", "flat_dt", "ramdisk" ...
    arch: str  # as a FIT spells it
    load: int | None
    entry: int | None
    data: bytes
    checked: tuple[str, ...]  # hash algorithms that were verified
    compression: str = "none"


@dataclass(frozen=True, slots=True)
class Fit:
    """What a FIT holds; `time` is in seconds since 1970."""

    description: str
    time: int
    images: tuple[Image, ...]
    default: str  # the configuration that is started


def pack_fit(
    data: bytes,
    *,
    title: str,
    arch: str,
    load: int,
    entry: int,
    time: int,
    compression: str = "none",
) -> bytes:
    """Return a FIT with one kernel, hashed by CRC-32 and SHA-256, and a configuration for it.

    `data` is compressed already where `compression` is "gzip".
    """
    kernel = Node(
        {
            "description": string(title),
            "data": data,
            "type": string("kernel"),
            "arch": string(ARCHES[arch]),
            "os": string("linux"),
            "compression": string(compression),
            "load": cells64(load),
            "entry": cells64(entry),
        }
    )
    for number, algorithm in enumerate(("crc32", "sha256"), 1):
        value = _HASHES[algorithm](data)
        kernel.children[f"hash-{number}"] = Node({"algo": string(algorithm), "value": value})
    one = Node({"description": string(title), "kernel": string(_KERNEL)})
    configurations = Node({"default": string(_CONFIGURATION)}, {_CONFIGURATION: one})
    root = Node(
        {"timestamp": cell(time), "description": string(title), "#address-cells": cell(2)},
        {"images": Node({}, {_KERNEL: kernel}), "configurations": configurations},
    )
    return pack(root)


def read_fit(data: bytes) -> Fit:
    """Return what the FIT at the start of `data` holds.

    Raises:
        ImageFormatError: not a device tree, not a FIT, or an image with a wrong checksum.

    """
    root = unpack(data)
    images, configurations = root.child("images"), root.child("configurations")
    if images is None or configurations is None:
        raise ImageFormatError("a device tree that is no FIT: no images and configurations")
    found = tuple(_image(name, node) for name, node in images.children.items())
    default = configurations.text("default")
    time = root.number("timestamp") or 0
    return Fit(root.text("description"), time, found, default)


def _image(name: str, node: Node) -> Image:
    data = node.properties.get("data")
    if data is None:
        raise ImageFormatError(f"the FIT keeps the data of {name} outside, which is not read here")
    return Image(
        name, node.text("description"), node.text("type"), node.text("arch"),
        node.number("load"), node.number("entry"), data, tuple(_verified(name, node, data)),
        node.text("compression") or "none",
    )  # fmt: skip


def _verified(name: str, node: Node, data: bytes) -> Iterator[str]:
    for child, below in node.children.items():
        algorithm = below.text("algo")
        if not child.startswith("hash") or algorithm not in _HASHES:
            continue
        if below.properties.get("value") != _HASHES[algorithm](data):
            raise ImageFormatError(f"the {algorithm} of image {name} in the FIT is wrong")
        yield algorithm
