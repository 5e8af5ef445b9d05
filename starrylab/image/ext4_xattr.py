"""Extended attributes of ext4, in an inode and in a block of their own.

Source: the kernel's Documentation/filesystems/ext4, "Extended Attributes"; ACLs: fs/ext4/acl.h and
include/uapi/linux/posix_acl_xattr.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from ..abi import acl
from .errors import ImageFormatError

MAGIC: Final = b"\x00\x00\x02\xea"
XATTR_HEADER: Final = 32  #: bytes in front of the entries of a block
INLINE_DATA: Final = "system.data"
_ENTRY: Final = struct.Struct("<BBHIII")
_PREFIXES: Final = {
    0: "", 1: "user.", 2: "system.posix_acl_access", 3: "system.posix_acl_default", 4: "trusted.",
    6: "security.", 7: "system.", 8: "system.richacl",
}  # fmt: skip
_ACLS: Final = (acl.ACCESS_NAME.decode(), acl.DEFAULT_NAME.decode())
_DISK_VERSION: Final = 1  #: EXT4_ACL_VERSION
_SHORT: Final = struct.Struct("<HH")  #: tag and permissions of an entry about nobody in particular
_NAMED: Final = (acl.ACL_USER, acl.ACL_GROUP)


def read_attributes(entries: bytes, values: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield names and values; offsets of values count from the begin of `values`.

    ACLs are given the form that xattr(7) knows. Raises ImageFormatError.
    """
    at = 0
    while at + 4 <= len(entries) and entries[at : at + 4] != bytes(4):
        if at + _ENTRY.size > len(entries):
            raise ImageFormatError("an extended attribute is cut")
        length, index, offset, inode, size, _ = _ENTRY.unpack_from(entries, at)
        name = entries[at + _ENTRY.size : at + _ENTRY.size + length]
        if index not in _PREFIXES or inode or offset + size > len(values) or len(name) < length:
            raise ImageFormatError("an extended attribute is damaged")
        full = _PREFIXES[index] + name.decode("utf-8", "surrogateescape")
        value = values[offset : offset + size]
        yield full, _acl(value) if full in _ACLS else value
        at += _ENTRY.size + length + 3 & ~3


def _acl(data: bytes) -> bytes:
    """Return an ACL, whose entries on disk have an id where it has a meaning, with ids in all."""
    if data[: acl.HEADER.size] != acl.HEADER.pack(_DISK_VERSION):
        raise ImageFormatError("an access control list is damaged")
    parts = [acl.HEADER.pack(acl.ACL_VERSION)]
    at = acl.HEADER.size
    while at < len(data):
        entry = acl.ENTRY if data[at] in _NAMED else _SHORT
        if at + entry.size > len(data):
            raise ImageFormatError("an access control list is cut")
        tag, permissions, *ids = entry.unpack_from(data, at)
        parts.append(acl.ENTRY.pack(tag, permissions, *(ids or (acl.ACL_UNDEFINED_ID,))))
        at += entry.size
    return b"".join(parts)
