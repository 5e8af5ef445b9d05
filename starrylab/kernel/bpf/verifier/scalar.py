"""What the verifier knows of a number: known bits, and ranges, signed and unsigned."""

from __future__ import annotations

from typing import Final, NamedTuple

from . import tnum

M32: Final = (1 << 32) - 1
M64: Final = tnum.M64
S_MIN: Final = -(1 << 63)
S_MAX: Final = (1 << 63) - 1


class Contradiction(Exception):  # it is no error: such a path is never taken
    """Nothing fulfils all that is known."""


def signed(value: int) -> int:
    """Return 64 bits as a signed number."""
    return value - (value >> 63 << 64)


def signed32(value: int) -> int:
    """Return the low 32 bits as a signed number."""
    return (value & M32 ^ 0x8000_0000) - 0x8000_0000


class Scalar(NamedTuple):
    """A set of 64-bit numbers.  Only `known` and `narrowed` make one, so that all parts agree."""

    value: int  #: the known bits
    mask: int  #: the unknown bits
    low: int
    high: int
    slow: int  #: the same range, signed
    shigh: int
    wlow: int  #: range of the low 32 bits, unsigned
    whigh: int

    @property
    def bits(self) -> tnum.Tnum:
        """The known bits."""
        return self.value, self.mask

    @property
    def is_constant(self) -> bool:
        """Whether it is one number."""
        return not self.mask

    def covers(self, other: Scalar) -> bool:
        """Say whether each number of ``other`` is one of these."""
        return (
            self.low <= other.low
            and self.high >= other.high
            and self.slow <= other.slow
            and self.shigh >= other.shigh
            and self.wlow <= other.wlow
            and self.whigh >= other.whigh
            and tnum.contains(self.bits, other.bits)
        )


def narrowed(
    bits: tnum.Tnum = tnum.UNKNOWN,
    low: int = 0,
    high: int = M64,
    slow: int = S_MIN,
    shigh: int = S_MAX,
    wlow: int = 0,
    whigh: int = M32,
) -> Scalar:
    """Return the numbers that fulfil all of these; raise `Contradiction` if there are none.

    Each part is used to narrow the others, until nothing changes any more.
    """
    made = Scalar(*bits, low, high, slow, shigh, wlow, whigh)
    while True:
        before = made
        made = _deduce(made)
        if made == before:
            return made


def _deduce(s: Scalar) -> Scalar:
    value, mask, low, high, slow, shigh, wlow, whigh = s
    low, high = max(low, value), min(high, value | mask)
    sign = mask & 1 << 63
    slow = max(slow, signed(value | sign))
    shigh = min(shigh, signed((value | mask) & ~sign))
    wlow, whigh = max(wlow, value & M32), min(whigh, (value | mask) & M32)
    if slow >= 0 or shigh < 0:  # one sign: both orders are the same
        low, high = max(low, slow & M64), min(high, shigh & M64)
    if low >> 63 == high >> 63:
        slow, shigh = max(slow, signed(low)), min(shigh, signed(high))
    if low >> 32 == high >> 32:
        upper = low >> 32 << 32
        wlow, whigh = max(wlow, low & M32), min(whigh, high & M32)
        low, high = upper | wlow, upper | whigh
    if low > high or slow > shigh or wlow > whigh:
        raise Contradiction
    bits = tnum.intersect((value, mask), tnum.spanning(low, high))
    if bits is not None:
        half = tnum.spanning(wlow, whigh)
        bits = tnum.intersect(bits, (half[0], half[1] | M64 & ~M32))
    if bits is None:
        raise Contradiction
    return Scalar(*bits, low, high, slow, shigh, wlow, whigh)


def known(value: int) -> Scalar:
    """Return one number, taken modulo 2**64."""
    value &= M64
    half = value & M32
    number = signed(value)
    return Scalar(value, 0, value, value, number, number, half, half)


ANY: Final = narrowed()
ZERO: Final = known(0)


def between(low: int, high: int) -> Scalar:
    """Return an unsigned range."""
    return narrowed(low=low, high=high)


def signed_between(low: int, high: int) -> Scalar:
    """Return a signed range."""
    return narrowed(slow=low, shigh=high)


def meet(a: Scalar, c: Scalar) -> Scalar:
    """Return the numbers that are in both; raise `Contradiction`."""
    bits = tnum.intersect(a.bits, c.bits)
    if bits is None:
        raise Contradiction
    return narrowed(
        bits,
        max(a.low, c.low), min(a.high, c.high), max(a.slow, c.slow), min(a.shigh, c.shigh),
        max(a.wlow, c.wlow), min(a.whigh, c.whigh),
    )  # fmt: skip


def low_half(s: Scalar) -> Scalar:
    """Return the low 32 bits, zero-extended."""
    if s.high <= M32:
        return s
    return narrowed((s.value & M32, s.mask & M32), s.wlow, s.whigh, wlow=s.wlow, whigh=s.whigh)


def extended(s: Scalar, size: int) -> Scalar:
    """Return the low ``size`` bytes, sign-extended."""
    bits = 8 * size
    half = 1 << (bits - 1)
    if -half <= s.slow and s.shigh < half:
        return s
    cut = (1 << bits) - 1
    value, mask = s.value & cut, s.mask & cut
    wlow, whigh = (s.wlow, s.whigh) if size == 4 else (0, M32)
    if mask & half:
        upper = M64 & ~cut
        return narrowed((value, mask | upper), 0, M64, -half, half - 1, wlow, whigh)
    if value & half:
        value |= M64 & ~cut
    return narrowed((value, mask), slow=-half, shigh=half - 1)
