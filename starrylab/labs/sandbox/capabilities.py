"""Capabilities: what root may do beyond other users is given up, for good (capabilities(7)).

For hosts where grading runs as root and cannot become somebody else.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Final

_VERSION_3: Final = 0x2008_0522  #: 64 capabilities
_HEADER: Final = struct.pack("<Ii", _VERSION_3, 0)  # of the calling thread
_NONE: Final = bytes(24)  #: effective, permitted, inheritable; twice 32 bits each


def drop() -> bool:
    """Give up every capability; return whether the kernel does it."""
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.capset(_HEADER, _NONE)) == 0
