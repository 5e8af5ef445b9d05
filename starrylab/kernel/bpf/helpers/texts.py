"""Helpers for text: bpf_trace_printk(), bpf_snprintf(), bpf_strncmp() and the like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ....abi.errno import EFAULT, EINVAL, LinuxError
from ..memory import BadAddress
from .declare import FILTER, Arg, helper
from .errors import failing

if TYPE_CHECKING:
    from ..interpreter import Run

_LINE: Final = 1024  #: bytes that are printed at most
_FORMAT: Final = re.compile(
    rb"%(%|([-0+ #]*)(\d*)(p[ku]s|ps|pS|pB|p|s|c|(?:ll|l)?[dixu]|llX|lX|X))"
)
_TEXT: Final = 512


def formatted(run: Run, pattern: bytes, values: Sequence[int]) -> bytes:
    """Return the text of a format and its arguments; raise ``EINVAL`` for what is not known."""
    pattern = pattern.split(b"\0")[0]
    left = list(values)

    def one(match: re.Match[bytes]) -> bytes:
        if match[1] == b"%":
            return b"%"
        if not left:
            raise EINVAL
        return _conversion(run, match[4], match[2], match[3], left.pop(0))

    if b"%" in _FORMAT.sub(b"", pattern):
        raise EINVAL
    return _FORMAT.sub(one, pattern)


def _conversion(run: Run, kind: bytes, flags: bytes, width: bytes, value: int) -> bytes:
    if kind in (b"s", b"pks", b"pus"):
        text = _string(run, value, user=kind == b"pus")
    elif kind == b"c":
        text = bytes([value & 0xFF])
    elif kind.startswith(b"p"):
        text = b"%016x" % value
    else:
        long = b"l" in kind
        value &= 0xFFFF_FFFF_FFFF_FFFF if long else 0xFFFF_FFFF
        top = 1 << (63 if long else 31)
        if kind[-1:] in b"di":
            value = (value ^ top) - top
        letter = kind[-1:].replace(b"i", b"d").replace(b"u", b"d")
        return (b"%" + flags + width + letter) % value
    return text.ljust(int(width or 0)) if b"-" in flags else text.rjust(int(width or 0))


def _string(run: Run, addr: int, *, user: bool) -> bytes:
    try:
        if user:
            return run.services.read_user_text(addr, _TEXT)
        store, offset = run.memory.find(addr, 1)
        return bytes(store[offset : offset + _TEXT]).split(b"\0")[0]
    except (LinuxError, BadAddress):
        return b""


@helper(
    "trace_printk", Arg.MEMORY, Arg.SIZE, Arg.WHATEVER, Arg.WHATEVER, Arg.WHATEVER, gpl=True,
    perfmon=True,
)  # fmt: skip
@failing
def trace_printk(run: Run, addr: int, size: int, one: int, two: int, three: int) -> int:
    """bpf_trace_printk()."""
    text = formatted(run, run.memory.read(addr, size), (one, two, three))[:_LINE]
    run.services.trace(text)
    return len(text)


@helper(
    "trace_vprintk", Arg.MEMORY, Arg.SIZE, Arg.MEMORY_OR_NULL, Arg.SIZE_OR_ZERO, gpl=True,
    perfmon=True,
)  # fmt: skip
@failing
def trace_vprintk(run: Run, addr: int, size: int, values: int, count: int) -> int:
    """bpf_trace_vprintk()."""
    text = formatted(run, run.memory.read(addr, size), _numbers(run, values, count))[:_LINE]
    run.services.trace(text)
    return len(text)


def _numbers(run: Run, addr: int, size: int) -> list[int]:
    if size % 8 or size > 8 * 12:
        raise EINVAL
    return [run.memory.load(addr + offset, 8) for offset in range(0, size, 8)]


@helper(
    "snprintf", Arg.OUT_MEMORY, Arg.SIZE_OR_ZERO, Arg.TEXT, Arg.MEMORY_OR_NULL, Arg.SIZE_OR_ZERO
)
@failing
def snprintf(run: Run, to: int, size: int, pattern: int, values: int, count: int) -> int:
    """bpf_snprintf(): the length of the whole text, with the zero at its end."""
    store, offset = run.memory.find(pattern, 1)
    text = formatted(run, bytes(store[offset:]), _numbers(run, values, count)) + b"\0"
    if size:
        run.memory.write(to, text[: size - 1] + b"\0" if len(text) > size else text)
    return len(text)


@helper("strncmp", Arg.MEMORY, Arg.SIZE, Arg.TEXT)
def strncmp(run: Run, one: int, size: int, other: int) -> int:
    """bpf_strncmp()."""
    left = run.memory.read(one, size)
    store, offset = run.memory.find(other, 1)
    right = bytes(store[offset : offset + size]).ljust(size, b"\0")
    for a, c in zip(left, right, strict=True):
        if a != c:
            return a - c
        if not a:
            break
    return 0


@helper("skb_load_bytes", Arg.CONTEXT, Arg.ANYTHING, Arg.OUT_MEMORY, Arg.SIZE, types=FILTER)
def skb_load_bytes(run: Run, context: int, offset: int, to: int, size: int) -> int:
    """bpf_skb_load_bytes()."""
    offset &= 0xFFFF_FFFF
    if offset > 0x7FFF_FFFF or offset + size > len(run.packet):
        run.memory.write(to, bytes(size))
        return -EFAULT.errno
    run.memory.write(to, run.packet[offset : offset + size])
    return 0
