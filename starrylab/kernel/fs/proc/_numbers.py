"""Numbers that are written to files below /proc/sys (``proc_dointvec_minmax()``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ....abi.capability import CAP_SYS_ADMIN
from ....abi.errno import EINVAL, EPERM

if TYPE_CHECKING:
    from ...thread import Thread

INT_MAX: Final = (1 << 31) - 1
#: as C writes them; what comes after white space is passed over
_NUMBER: Final = re.compile(rb"\s*(-?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9]\d*))(?=[\s\0]|\Z)")


def number(data: bytes, low: int = 0, high: int = INT_MAX) -> int:
    """Return the number that was written; ``EINVAL``."""
    found = _NUMBER.match(data)
    if found is None:
        raise EINVAL
    sign, hexadecimal, octal, decimal = found.groups()
    value = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    value = -value if sign else value
    if not low <= value <= high:
        raise EINVAL
    return value


def setting(thread: Thread | None, data: bytes, low: int = 0, high: int = INT_MAX) -> int:
    """Return what an administrator sets; ``EPERM`` for others, ``EINVAL``."""
    if thread is not None and not thread.cred.capable(CAP_SYS_ADMIN):
        raise EPERM
    return number(data, low, high)
