"""Access control lists as extended attributes carry them (<linux/posix_acl_xattr.h>, acl(5))."""

from __future__ import annotations

from struct import Struct
from typing import Final

ACCESS_NAME: Final = b"system.posix_acl_access"
DEFAULT_NAME: Final = b"system.posix_acl_default"

ACL_USER_OBJ: Final = 0x01
ACL_USER: Final = 0x02
ACL_GROUP_OBJ: Final = 0x04
ACL_GROUP: Final = 0x08
ACL_MASK: Final = 0x10
ACL_OTHER: Final = 0x20

ACL_UNDEFINED_ID: Final = 0xFFFF_FFFF  #: the id of entries that are not about one user or group
ACL_VERSION: Final = 2

HEADER: Final = Struct("<I")  #: the version
ENTRY: Final = Struct("<HHI")  #: tag, permissions, id
