"""File handles (name_to_handle_at(2), <linux/exportfs.h>)."""

from __future__ import annotations

from struct import Struct
from typing import Final

MAX_HANDLE_SZ: Final = 128  #: bytes of the part that the file system makes
FILE_HANDLE: Final = Struct("<Ii")  #: bytes and type of what follows
AT_HANDLE_FID: Final = 0x200  #: only to compare with, not to open
AT_HANDLE_MNT_ID_UNIQUE: Final = 0x001
AT_HANDLE_CONNECTABLE: Final = 0x002

FILEID_INO32_GEN: Final = 1  #: as tmpfs gives: generation, lower and upper half of the number
FILEID_INO64_GEN: Final = 0x81  #: what identifies a file where none can be opened by it
FILEID_INVALID: Final = 0xFF
FILEID_USER_FLAGS_MASK: Final = 0xFFFF0000
INO32: Final = Struct("<III")
INO64: Final = Struct("<QI")
