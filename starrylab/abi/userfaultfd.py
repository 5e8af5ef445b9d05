"""Page faults served by a program (<linux/userfaultfd.h>, ioctl_userfaultfd(2))."""

from __future__ import annotations

from struct import Struct
from typing import Final

UFFD_API: Final = 0xAA
UFFD_USER_MODE_ONLY: Final = 1  #: a flag of userfaultfd(2)

# Numbers of the requests: bits in the sets that UFFDIO_API and UFFDIO_REGISTER tell.
REGISTER, UNREGISTER, WAKE, COPY, ZEROPAGE, MOVE, WRITEPROTECT, CONTINUE, POISON, API = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 0x3F,
)  # fmt: skip

USERFAULTFD_IOC_NEW: Final = 0xAA00  #: of /dev/userfaultfd
UFFDIO_API: Final = 0xC018AA3F
UFFDIO_REGISTER: Final = 0xC020AA00
UFFDIO_UNREGISTER: Final = 0x8010AA01
UFFDIO_WAKE: Final = 0x8010AA02
UFFDIO_COPY: Final = 0xC028AA03
UFFDIO_ZEROPAGE: Final = 0xC020AA04
UFFDIO_MOVE: Final = 0xC028AA05
UFFDIO_WRITEPROTECT: Final = 0xC018AA06
UFFDIO_CONTINUE: Final = 0xC020AA07
UFFDIO_POISON: Final = 0xC020AA08

API_IOCTLS: Final = 1 << REGISTER | 1 << UNREGISTER | 1 << API
RANGE_IOCTLS: Final = (
    1 << WAKE | 1 << COPY | 1 << ZEROPAGE | 1 << MOVE | 1 << WRITEPROTECT | 1 << CONTINUE
    | 1 << POISON
)  # fmt: skip

UFFDIO_REGISTER_MODE_MISSING: Final = 1
UFFDIO_REGISTER_MODE_WP: Final = 2
UFFDIO_REGISTER_MODE_MINOR: Final = 4

UFFDIO_MODE_DONTWAKE: Final = 1  #: of COPY, ZEROPAGE, CONTINUE, POISON and MOVE
UFFDIO_COPY_MODE_WP: Final = 2
UFFDIO_CONTINUE_MODE_WP: Final = 2
UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES: Final = 2
UFFDIO_WRITEPROTECT_MODE_WP: Final = 1
UFFDIO_WRITEPROTECT_MODE_DONTWAKE: Final = 2

UFFD_FEATURE_PAGEFAULT_FLAG_WP: Final = 1 << 0
UFFD_FEATURE_EVENT_FORK: Final = 1 << 1
UFFD_FEATURE_EVENT_REMAP: Final = 1 << 2
UFFD_FEATURE_EVENT_REMOVE: Final = 1 << 3
UFFD_FEATURE_MISSING_SHMEM: Final = 1 << 5
UFFD_FEATURE_EVENT_UNMAP: Final = 1 << 6
UFFD_FEATURE_SIGBUS: Final = 1 << 7
UFFD_FEATURE_THREAD_ID: Final = 1 << 8
UFFD_FEATURE_MINOR_SHMEM: Final = 1 << 10
UFFD_FEATURE_EXACT_ADDRESS: Final = 1 << 11
UFFD_FEATURE_WP_HUGETLBFS_SHMEM: Final = 1 << 12
UFFD_FEATURE_WP_UNPOPULATED: Final = 1 << 13
UFFD_FEATURE_POISON: Final = 1 << 14
UFFD_FEATURE_WP_ASYNC: Final = 1 << 15
UFFD_FEATURE_MOVE: Final = 1 << 16
#: What this kernel has: all but the two that need huge pages (bits 4 and 9).
FEATURES: Final = 0x1FFFF & ~(1 << 4 | 1 << 9)

UFFD_EVENT_PAGEFAULT: Final = 0x12
UFFD_EVENT_FORK: Final = 0x13
UFFD_EVENT_REMAP: Final = 0x14
UFFD_EVENT_REMOVE: Final = 0x15
UFFD_EVENT_UNMAP: Final = 0x16

UFFD_PAGEFAULT_FLAG_WRITE: Final = 1
UFFD_PAGEFAULT_FLAG_WP: Final = 2
UFFD_PAGEFAULT_FLAG_MINOR: Final = 4

MSG: Final = Struct("<B7xQQQ")  #: struct uffd_msg: event, and three words of its own
RANGE: Final = Struct("<QQ")  #: start, length
API_STRUCT: Final = Struct("<QQQ")  #: api, features, ioctls
REGISTER_STRUCT: Final = Struct("<QQQQ")  #: range, mode, ioctls
COPY_STRUCT: Final = Struct("<QQQQ")  #: dst, src, length, mode; the result follows
MODE_STRUCT: Final = Struct("<QQQ")  #: range, mode; of most requests a result follows
