"""Landlock (<linux/landlock.h>, landlock(7)): rights, scopes, structures, as of version 7."""

from __future__ import annotations

from struct import Struct
from typing import Final

from . import stat

ABI_VERSION: Final = 7
#: bits of what was wrong in Linux once, and is right here
ERRATA: Final = 0b111

LANDLOCK_CREATE_RULESET_VERSION: Final = 1
LANDLOCK_CREATE_RULESET_ERRATA: Final = 2

LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF: Final = 1
LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON: Final = 2
LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF: Final = 4

LANDLOCK_RULE_PATH_BENEATH: Final = 1
LANDLOCK_RULE_NET_PORT: Final = 2

LANDLOCK_ACCESS_FS_EXECUTE: Final = 1 << 0
LANDLOCK_ACCESS_FS_WRITE_FILE: Final = 1 << 1
LANDLOCK_ACCESS_FS_READ_FILE: Final = 1 << 2
LANDLOCK_ACCESS_FS_READ_DIR: Final = 1 << 3
LANDLOCK_ACCESS_FS_REMOVE_DIR: Final = 1 << 4
LANDLOCK_ACCESS_FS_REMOVE_FILE: Final = 1 << 5
LANDLOCK_ACCESS_FS_MAKE_CHAR: Final = 1 << 6
LANDLOCK_ACCESS_FS_MAKE_DIR: Final = 1 << 7
LANDLOCK_ACCESS_FS_MAKE_REG: Final = 1 << 8
LANDLOCK_ACCESS_FS_MAKE_SOCK: Final = 1 << 9
LANDLOCK_ACCESS_FS_MAKE_FIFO: Final = 1 << 10
LANDLOCK_ACCESS_FS_MAKE_BLOCK: Final = 1 << 11
LANDLOCK_ACCESS_FS_MAKE_SYM: Final = 1 << 12
LANDLOCK_ACCESS_FS_REFER: Final = 1 << 13
LANDLOCK_ACCESS_FS_TRUNCATE: Final = 1 << 14
LANDLOCK_ACCESS_FS_IOCTL_DEV: Final = 1 << 15

LANDLOCK_ACCESS_NET_BIND_TCP: Final = 1 << 0
LANDLOCK_ACCESS_NET_CONNECT_TCP: Final = 1 << 1

LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET: Final = 1 << 0
LANDLOCK_SCOPE_SIGNAL: Final = 1 << 1

ACCESS_FS: Final = (1 << 16) - 1  #: every right
ACCESS_NET: Final = 3
SCOPES: Final = 3
#: rights that a rule may give to what is not a directory
ACCESS_FILE: Final = (
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE
    | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV
)  # fmt: skip

#: the right to make a node of a type
MAKE: Final = {
    stat.S_IFLNK: LANDLOCK_ACCESS_FS_MAKE_SYM,
    stat.S_IFREG: LANDLOCK_ACCESS_FS_MAKE_REG,
    stat.S_IFDIR: LANDLOCK_ACCESS_FS_MAKE_DIR,
    stat.S_IFCHR: LANDLOCK_ACCESS_FS_MAKE_CHAR,
    stat.S_IFBLK: LANDLOCK_ACCESS_FS_MAKE_BLOCK,
    stat.S_IFIFO: LANDLOCK_ACCESS_FS_MAKE_FIFO,
    stat.S_IFSOCK: LANDLOCK_ACCESS_FS_MAKE_SOCK,
}

RULESET_ATTR: Final = Struct("<QQQ")  #: handled rights of files, of networks, scopes
RULESET_ATTR_SIZE_1: Final = 8  #: bytes of it in version 1
PATH_BENEATH_ATTR: Final = Struct("<Qi")  #: rights, descriptor
NET_PORT_ATTR: Final = Struct("<QQ")  #: rights, port
