"""Extended attributes of ext4, in an inode and in a block of their own.

Source: the kernel's Documentation/filesystems/ext4, "Extended Attributes"; ACLs: fs/ext4/acl.h and
include/uapi/linux/posix_acl_xattr.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from starrylab.image.errors import ImageFormatError

MAGIC: Final = b"\x00\x00\x02\xea"
XATTR_HEADER: Final = 32  #: bytes in front of the entries of a block
INLINE_DATA: Final = "system.data"
_ENTRY: Final = struct.Struct("<BBHIII")
_PREFIXES: Final = {
    0: "", 1: "user.", 2: "system.posix_acl_access", 3: "system.posix_acl_default", 4: "trusted.",
    6: "security.", 7: "system.", 8: "system.richacl",
}  # fmt: skip
_ACLS: Final = ("system.posix_acl_access", "system.posix_acl_default")


def read_attributes(entries: bytes, values: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield names and values; offsets of values count from the begin of `values`.

    ACLs are left out: nothing here checks them, and their form on disk is another than xattr(7)'s.
    Raises ImageFormatError.
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
        if full not in _ACLS:
            yield full, values[offset : offset + size]
        at += _ENTRY.size + length + 3 & ~3
