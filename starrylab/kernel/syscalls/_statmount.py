"""``struct statmount``: what is known of one mount, as far as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ...abi import mount as abi
from ..fs.superblock import flags_of, path_inside
from ..vfs.mount import Location, Mountpoint
from ..vfs.mount.propagation import kind_of, visible_master

#: the fields of `abi.STATMOUNT`, in order
_FIELDS: Final = (
    "size", "mnt_opts", "mask", "sb_dev_major", "sb_dev_minor", "sb_magic", "sb_flags", "fs_type",
    "mnt_id", "mnt_parent_id", "mnt_id_old", "mnt_parent_id_old", "mnt_attr", "mnt_propagation",
    "mnt_peer_group", "mnt_master", "propagate_from", "mnt_root", "mnt_point", "mnt_ns_id",
    "fs_subtype", "sb_source", "opt_num", "opt_array", "opt_sec_num", "opt_sec_array",
    "supported_mask", "mnt_uidmap_num", "mnt_uidmap", "mnt_gidmap_num", "mnt_gidmap",
)  # fmt: skip
#: what of the mask asks for text
_TEXTS: Final = (
    abi.STATMOUNT_MNT_ROOT | abi.STATMOUNT_MNT_POINT | abi.STATMOUNT_FS_TYPE
    | abi.STATMOUNT_MNT_OPTS | abi.STATMOUNT_FS_SUBTYPE | abi.STATMOUNT_SB_SOURCE
    | abi.STATMOUNT_OPT_ARRAY | abi.STATMOUNT_OPT_SEC_ARRAY | abi.STATMOUNT_MNT_UIDMAP
    | abi.STATMOUNT_MNT_GIDMAP
)  # fmt: skip


def describe(mount: Mountpoint, mask: int, root: Location) -> tuple[bytes, bool]:
    """Return the structure with its strings, and whether strings were asked for.

    Paths are those that ``root`` sees.
    """
    values = _numbers(mount, mask, root)
    got = 0
    for bit, fields in _GROUPS.items():
        if mask & bit:
            got |= bit
        else:
            for field in fields:
                values[field] = 0
    texts = bytearray(b"\0" if mask & _TEXTS else b"")
    for bit, field, text in _texts(mount, root):
        if mask & bit and text:
            got |= bit
            values[field] = len(texts)
            texts += text + b"\0"
    if got & abi.STATMOUNT_OPT_ARRAY:
        values["opt_num"] = len(mount.fs.options.split(b","))
    values["mask"] = got
    values["size"] = abi.STATMOUNT.size + len(texts)
    fixed = abi.STATMOUNT.pack(*(values.get(field, 0) for field in _FIELDS))
    return fixed + bytes(texts), bool(texts)


#: bit of the mask -> the numbers that it asks for
_GROUPS: Final[Mapping[int, tuple[str, ...]]] = MappingProxyType({
    abi.STATMOUNT_SB_BASIC: ("sb_dev_major", "sb_dev_minor", "sb_magic", "sb_flags"),
    abi.STATMOUNT_MNT_BASIC: (
        "mnt_id", "mnt_parent_id", "mnt_id_old", "mnt_parent_id_old", "mnt_attr",
        "mnt_propagation", "mnt_peer_group", "mnt_master",
    ),
    abi.STATMOUNT_PROPAGATE_FROM: ("propagate_from",),
    abi.STATMOUNT_MNT_NS_ID: ("mnt_ns_id",),
    abi.STATMOUNT_SUPPORTED_MASK: ("supported_mask",),
})  # fmt: skip


def _numbers(mount: Mountpoint, mask: int, root: Location) -> dict[str, int]:
    fs = mount.fs
    parent = mount if mount.parent is None else mount.parent
    nearest = visible_master(mount, root) if mask & abi.STATMOUNT_PROPAGATE_FROM else None
    return {
        "sb_dev_major": fs.dev >> 8 & 0xFFF,
        "sb_dev_minor": fs.dev & 0xFF | fs.dev >> 12 & 0xFFF00,
        "sb_magic": fs.magic,
        "sb_flags": flags_of(fs),
        "mnt_id": mount.unique_id,
        "mnt_parent_id": parent.unique_id,
        "mnt_id_old": mount.id,
        "mnt_parent_id_old": parent.id,
        "mnt_attr": abi.to_attributes(mount.flags),
        "mnt_propagation": kind_of(mount),
        "mnt_peer_group": 0 if mount.group is None else mount.group.id,
        "mnt_master": 0 if mount.master is None else mount.master.id,
        "propagate_from": 0 if nearest is None else nearest.id,
        "mnt_ns_id": mount.namespace.id,
        "supported_mask": abi.STATMOUNT_SUPPORTED,
    }


def _texts(mount: Mountpoint, root: Location) -> list[tuple[int, str, bytes]]:
    """Return bit, field and text of each string, in the order of Linux."""
    fs = mount.fs
    options = fs.options
    return [
        (abi.STATMOUNT_FS_TYPE, "fs_type", fs.name.encode()),
        (abi.STATMOUNT_MNT_ROOT, "mnt_root", path_inside(mount.root)),
        (abi.STATMOUNT_MNT_POINT, "mnt_point", mount.root_location.path(root)),
        (abi.STATMOUNT_MNT_OPTS, "mnt_opts", options),
        (abi.STATMOUNT_OPT_ARRAY, "opt_array", options.replace(b",", b"\0")),
        (abi.STATMOUNT_SB_SOURCE, "sb_source", mount.source),
    ]
