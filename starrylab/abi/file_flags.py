"""Flags of inodes (ioctl_iflags(2)), and as FS_IOC_FSGETXATTR has them (<linux/fs.h>)."""

from __future__ import annotations

from struct import Struct
from typing import Final

FS_SYNC_FL: Final = 0x8
FS_IMMUTABLE_FL: Final = 0x10
FS_APPEND_FL: Final = 0x20
FS_NODUMP_FL: Final = 0x40
FS_NOATIME_FL: Final = 0x80
FS_DAX_FL: Final = 0x0200_0000
FS_PROJINHERIT_FL: Final = 0x2000_0000

FS_XFLAG_PREALLOC: Final = 0x2
FS_XFLAG_IMMUTABLE: Final = 0x8
FS_XFLAG_APPEND: Final = 0x10
FS_XFLAG_SYNC: Final = 0x20
FS_XFLAG_NOATIME: Final = 0x40
FS_XFLAG_NODUMP: Final = 0x80
FS_XFLAG_PROJINHERIT: Final = 0x200
FS_XFLAG_EXTSIZE: Final = 0x800
FS_XFLAG_EXTSZINHERIT: Final = 0x1000
FS_XFLAG_DAX: Final = 0x8000
FS_XFLAG_COWEXTSIZE: Final = 0x1_0000
FS_XFLAG_HASATTR: Final = 0x8000_0000

#: all that may be set somewhere: also for real-time devices, quota, defragmentation
FS_XFLAGS: Final = 0x8001_FFFB

#: each flag of FS_IOC_SETFLAGS that FS_IOC_FSSETXATTR has too
XFLAGS: Final = {
    FS_SYNC_FL: FS_XFLAG_SYNC,
    FS_IMMUTABLE_FL: FS_XFLAG_IMMUTABLE,
    FS_APPEND_FL: FS_XFLAG_APPEND,
    FS_NODUMP_FL: FS_XFLAG_NODUMP,
    FS_NOATIME_FL: FS_XFLAG_NOATIME,
    FS_DAX_FL: FS_XFLAG_DAX,
    FS_PROJINHERIT_FL: FS_XFLAG_PROJINHERIT,
}

FSXATTR: Final = Struct("<IIIII8x")  #: flags, extent size, extents, project, size of copies
FILE_ATTR: Final = Struct("<QIIII")  #: of file_getattr(2): the same, in 24 bytes
