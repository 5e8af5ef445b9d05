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

_U32: Final = 1 << 32


def parse_number(value: bytes, base: int = 0) -> int:
    """Return a number as C writes it (kstrtouint()): 0x10, 010, 16; raise ``EINVAL``."""
    text = value.lower()
    if base == 0:
        base = 16 if text.startswith(b"0x") else 8 if text.startswith(b"0") else 10
    if text.startswith(b"_") or b"_" in text:
        raise EINVAL
    try:
        number = int(text, base)
    except ValueError:
        raise EINVAL(f"{value!r} is not a number") from None
    if not 0 <= number < _U32:
        raise EINVAL(f"{value!r} is out of range")
    return number


def _fits(parse: Callable[[bytes], object]) -> Check:
    """Return a check that ``parse`` takes a value."""

    def check(value: bytes) -> bool:
        try:
            parse(value)
        except EINVAL:
            return False
        return True

    return check


_is_number: Final = _fits(parse_number)
_is_octal: Final = _fits(lambda value: parse_number(value, 8))
_is_size: Final = _fits(lambda value: parse_size(value, 0))


def _is_id(value: bytes) -> bool:
    """Tell whether a value is a user or group id, or -1, which `check_parameter` refuses."""
    return _is_number(value)


def _one_of(*values: bytes) -> Check:
    return lambda value: value in values


_TMPFS: Final[Parameters] = {
    b"gid": _is_id,
    b"huge": _one_of(b"never", b"always", b"within_size", b"advise"),
    b"inode32": None,
    b"inode64": None,
    b"mode": _is_octal,
    b"mpol": _one_of(b"default", b"local"),
    b"nr_blocks": _is_size,
    b"nr_inodes": _is_size,
    b"noswap": None,
    b"size": _is_size,
    b"uid": _is_id,
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
            b"gid": _is_id,
            b"max": _is_number,
            b"mode": _is_octal,
            b"newinstance": None,
            b"ptmxmode": _is_octal,
            b"uid": _is_id,
        },
    }
)


#: what is said of a bad value, where it is not "Bad value for"
_SAID: Final[Mapping[tuple[bytes, bytes], str]] = MappingProxyType(
    {
        (b"proc", b"hidepid"): "unknown value of hidepid - {}\n",
        (b"proc", b"subset"): "unsupported subset option - {}\n",
    }
)


def check_parameter(kind: bytes, key: bytes, value: bytes | None) -> None:
    """Check one option of a type of file system; the messages of ``EINVAL`` are Linux's."""
    parameters = PARAMETERS.get(kind)
    if parameters is None:
        return
    name, option = kind.decode("ascii", "replace"), key.decode("utf-8", "replace")
    if key not in parameters:
        raise EINVAL(f"{name}: Unknown parameter '{option}'")
    check = parameters[key]
    if check is None and value is not None:
        raise EINVAL(f"{name}: Unexpected value for '{option}'")
    if check is None:
        return
    text = None if value is None else value.decode("utf-8", "replace")
    if value is None or not check(value):
        said = None if text is None else _SAID.get((kind, key))
        line = f"{name}: " + (said.format(text) if said else f"Bad value for '{option}'")
        raise EINVAL(line, line) if check is _is_id else EINVAL(line)
    if check is _is_id and parse_number(value) == _U32 - 1:
        raise EINVAL(f"{name}: Invalid {option} '{text}'")
