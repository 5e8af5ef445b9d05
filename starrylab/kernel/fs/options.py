"""Mount options as mount(8) passes them: ``size=1m,mode=755``, and one by one (fsconfig(2))."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from ...abi.errno import EINVAL

_SUFFIXES: Final = {b"k": 1 << 10, b"m": 1 << 20, b"g": 1 << 30}


def parse_options(options: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (key, value) of each option; the value of a flag is b""."""
    for option in options.split(b","):
        if option:
            key, _, value = option.partition(b"=")
            yield key, value


def parse_size(value: bytes, total: int) -> int:
    """Return a size with its suffix k, m, g, or % of ``total``; raise ``EINVAL``."""
    unit = _SUFFIXES.get(value[-1:].lower(), 1)
    digits = value if unit == 1 else value[:-1]
    if value[-1:] == b"%":
        digits = value[:-1]
    if not digits.isdigit():
        raise EINVAL(f"{value!r} is not a size")
    if value[-1:] == b"%":
        return total * int(digits) // 100
    return int(digits) * unit


# -- options one by one ---------------------------------------------------------------------

Check = Callable[[bytes], bool]  #: tells whether a value may be the option's
Parameters = Mapping[bytes, Check | None]  #: ``None``: the option has no value


def _is_number(value: bytes) -> bool:
    return value.isdigit() and int(value) < 1 << 32


def _is_octal(value: bytes) -> bool:
    return value.isdigit() and not set(value) & set(b"89") and int(value, 8) < 1 << 32


def _is_size(value: bytes) -> bool:
    try:
        parse_size(value, 0)
    except EINVAL:
        return False
    return True


def _one_of(*values: bytes) -> Check:
    return lambda value: value in values


_TMPFS: Final[Parameters] = {
    b"gid": _is_number,
    b"huge": _one_of(b"never", b"always", b"within_size", b"advise"),
    b"inode32": None,
    b"inode64": None,
    b"mode": _is_octal,
    b"nr_blocks": _is_size,
    b"nr_inodes": _is_size,
    b"noswap": None,
    b"size": _is_size,
    b"uid": _is_number,
}
#: type of file system -> its options; a type that is not here says itself what it takes
PARAMETERS: Final[Mapping[bytes, Parameters]] = MappingProxyType(
    {
        b"tmpfs": _TMPFS,
        b"devtmpfs": _TMPFS,
        b"mqueue": {},
        b"sysfs": {},
        b"proc": {
            b"gid": _is_number,
            b"hidepid": _one_of(
                b"0", b"1", b"2", b"4", b"off", b"noaccess", b"invisible", b"ptraceable"
            ),
            b"subset": _one_of(b"pid"),
        },
        b"devpts": {
            b"gid": _is_number,
            b"max": _is_number,
            b"mode": _is_octal,
            b"newinstance": None,
            b"ptmxmode": _is_octal,
            b"uid": _is_number,
        },
    }
)


def check_parameter(kind: bytes, key: bytes, value: bytes | None) -> None:
    """Check one option of a type of file system; the message of ``EINVAL`` is Linux's."""
    parameters = PARAMETERS.get(kind)
    if parameters is None:
        return
    name, option = kind.decode("ascii", "replace"), key.decode("utf-8", "replace")
    if key not in parameters:
        raise EINVAL(f"{name}: Unknown parameter '{option}'")
    check = parameters[key]
    if check is None and value is not None:
        raise EINVAL(f"{name}: Unexpected value for '{option}'")
    if check is not None and (value is None or not check(value)):
        raise EINVAL(f"{name}: Bad value for '{option}'")
