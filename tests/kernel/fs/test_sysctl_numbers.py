"""What a number may look like that is written below /proc/sys: as Linux 6.18 takes it."""

from __future__ import annotations

import pytest

from starrylab.abi.errno import EINVAL
from starrylab.kernel.fs.proc._numbers import INT_MAX, number


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"7", 7), (b" 7\n", 7), (b"0x10\n", 16), (b"010", 8), (b"0", 0), (b"5 6", 5), (b"4\t1\0", 4)],
)
def test_numbers(text: bytes, value: int) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", [b"\n", b"8x", b"1_0", b"+3", b"-1", b"08", b"0x", b"2147483648"])
def test_what_is_none(text: bytes) -> None:
    with pytest.raises(EINVAL):
        number(text)


def test_bounds() -> None:
    assert number(b"-1", low=-1) == -1
    assert number(b"2147483647") == INT_MAX
    with pytest.raises(EINVAL):
        number(b"3", high=2)
