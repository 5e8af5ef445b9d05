"""Filters of tracepoints."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import EINVAL
from starrylab.kernel.perf.filters import Filter
from starrylab.kernel.perf.tracepoints import EXEC, SWITCH, SYS_EXIT

SWITCHED = SWITCH.pack(7, b"make", 7, 120, 0x100, b"cc1", 9, 110)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (b"prev_pid == 7", True),
        (b"prev_pid != 7", False),
        (b"common_pid == 7 && next_pid > 8", True),
        (b"next_pid < 9 || next_prio <= 0x6e", True),
        (b"!(next_pid == 9)", False),
        (b"prev_state & 0x100", True),
        (b"prev_state & 1", False),
        (b'prev_comm == "make"', True),
        (b"prev_comm == 'make'", True),
        (b'prev_comm != "cc1"', True),
        (b'next_comm ~ "cc*"', True),
        (b'next_comm ~ "*d"', False),
        (b"(prev_pid == 1 || prev_pid == 7) && next_pid == 9", True),
        (b"prev_pid == 1 || prev_pid == 7 && next_pid == 10", False),
    ],
)
def test_a_filter_looks_at_fields(text: bytes, passes: bool) -> None:
    assert Filter(text, SWITCH).passes(SWITCHED) is passes


@pytest.mark.parametrize(
    "text",
    [b"", b"prev_pid", b"prev_pid ==", b"prev_pid == x", b"nothing == 1", b"(prev_pid == 1",
     b"prev_pid == 1 prev_pid == 2", b"prev_comm < 3", b"prev_pid ~ 3", b"&&", b"prev_pid == 1 $",
     b"(" * 4000],
)  # fmt: skip
def test_nonsense_is_no_filter(text: bytes) -> None:
    with pytest.raises(EINVAL):
        Filter(text, SWITCH)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_text_is_a_filter_or_refused(text: bytes) -> None:
    with contextlib.suppress(EINVAL):
        Filter(text, SWITCH).passes(SWITCHED)


@settings(deadline=None)
@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-(1 << 63), (1 << 63) - 1))
def test_signed_numbers_are_compared(value: int, bound: int) -> None:
    record = SYS_EXIT.pack(1, 63, value)
    assert Filter(b"ret < %d" % bound, SYS_EXIT).passes(record) is (value < bound)


def test_text_behind_the_fields_is_found() -> None:
    name = b"/bin/ls\0"
    record = EXEC.pack(3, len(name) << 16 | 20, 3, 3) + name
    assert Filter(b'filename == "/bin/ls"', EXEC).passes(record)


def test_formats_say_where_fields_are() -> None:
    text = SWITCH.text()
    assert "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n" in text
    assert "\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n" in text
    assert SWITCHED[24:28] == (7).to_bytes(4, "little")
    assert SWITCHED[56:60] == (9).to_bytes(4, "little")
