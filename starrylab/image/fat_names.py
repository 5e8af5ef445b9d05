"""Names in a FAT directory: short ones of 8+3 characters, and long ones in entries before them.

Source: Microsoft FAT specification (2005), sections 6 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .errors import ImageFormatError

ENTRY: Final = 32  #: bytes of a directory entry
LONG_NAME: Final = 0x0F  #: attributes of an entry that holds a part of a long name
_UNITS: Final = 13  # UTF-16 units in one such entry
_LAST: Final = 0x40
_LOWER_BASE, _LOWER_TAIL = 0x08, 0x10  # Windows NT's marks in byte 12
_SHORT: Final = re.compile(r"[A-Z0-9!#$%&'()\-@^_`{}~]{1,8}(\.[A-Z0-9!#$%&'()\-@^_`{}~]{1,3})?$")
_NOT_SHORT: Final = re.compile(r"[^A-Z0-9!#$%&'()\-@^_`{}~]")
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f"*/:<>?\\|]')


def check(name: str) -> None:
    """Raise ImageFormatError for a name that no FAT file system can hold."""
    units = len(name.encode("utf-16-le", "surrogatepass")) // 2
    if not 0 < units <= 255 or _FORBIDDEN.search(name) or name[-1] in " .":
        raise ImageFormatError(f"{name!r} is no name for a file on a FAT file system")


def short_name(name: str, taken: set[bytes]) -> bytes:
    """Return 11 bytes for `name` that are not in `taken`, to which they are added."""
    base, dot, extension = name.rpartition(".")
    if not dot:
        base, extension = name, ""
    basis = _NOT_SHORT.sub("_", base.upper()) or "_"
    tail = _NOT_SHORT.sub("_", extension.upper())[:3].ljust(3)
    if is_short(name) and (exact := basis.ljust(8).encode() + tail.encode()) not in taken:
        taken.add(exact)
        return exact
    for number in range(1, 1_000_000):
        mark = f"~{number}"
        tried = (basis[: 8 - len(mark)] + mark).ljust(8).encode() + tail.encode()
        if tried not in taken:
            taken.add(tried)
            return tried
    raise ImageFormatError(f"no short name is left for {name!r}")


def is_short(name: str) -> bool:
    """Whether `name` needs no long name beside it."""
    return _SHORT.match(name) is not None


def long_entries(name: str, short: bytes) -> bytes:
    """Return the entries that hold a long name, in the order in which they lie on disk."""
    units = name.encode("utf-16-le", "surrogatepass")
    if len(units) % (2 * _UNITS):
        units += b"\0\0"
    units = units.ljust(-(-len(units) // (2 * _UNITS)) * 2 * _UNITS, b"\xff")
    parts = [units[at : at + 2 * _UNITS] for at in range(0, len(units), 2 * _UNITS)]
    check_sum = bytes([checksum(short)])
    rows = []
    for number, part in enumerate(parts, 1):
        order = number | (_LAST if number == len(parts) else 0)
        head = bytes([order]) + part[:10] + bytes([LONG_NAME, 0]) + check_sum
        rows.append(head + part[10:22] + b"\0\0" + part[22:])
    return b"".join(reversed(rows))


def checksum(short: bytes) -> int:
    """Return what ties a long name to its short one."""
    value = 0
    for byte in short:
        value = ((value >> 1) | (value & 1) << 7) + byte & 0xFF
    return value


def read_directory(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the 32 bytes of each file and folder; not of labels, `.` and `..`."""
    parts: list[bytes] = []
    for at in range(0, len(data) - ENTRY + 1, ENTRY):
        row = data[at : at + ENTRY]
        if row[0] == 0:
            return
        if row[11] == LONG_NAME and row[0] != 0xE5:
            parts.insert(0, row[1:11] + row[14:26] + row[28:32])
            continue
        if row[0] not in (0xE5, ord(".")) and not row[11] & 0x08:
            yield _long(parts) or _short(row), row
        parts = []


def _long(parts: list[bytes]) -> str:
    return b"".join(parts).decode("utf-16-le", "replace").split("\0")[0].rstrip("\uffff")


def _short(row: bytes) -> str:
    base, tail = (row[a:b].decode("latin-1").rstrip() for a, b in ((0, 8), (8, 11)))
    base = base.lower() if row[12] & _LOWER_BASE else base
    tail = tail.lower() if row[12] & _LOWER_TAIL else tail
    return f"{base}.{tail}" if tail else base
