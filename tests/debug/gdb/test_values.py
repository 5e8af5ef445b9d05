"""Numbers, ids and signals of the protocol."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.abi import signal as sig
from starrylab.debug.gdb.resuming import actions
from starrylab.debug.gdb.signals import every_signal, from_gdb, to_gdb
from starrylab.debug.gdb.stub import packet_name
from starrylab.debug.gdb.values import (
    ALL,
    ANY,
    GdbError,
    ThreadId,
    from_hex,
    number,
    thread_id,
    thread_text,
)


@given(st.integers(0, 2**64 - 1))
def test_numbers_are_hexadecimal(value):
    assert number(b"%x" % value) == value


@pytest.mark.parametrize(
    "text", [b"", b"-1", b"0x10", b" 1", b"1_0", b"g", b"1" + b"0" * 16, b"\xff"]
)
def test_other_text_is_no_number(text):
    with pytest.raises(GdbError):
        number(text)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_thread_ids_return(pid, tid):
    assert thread_id(thread_text(pid, tid, multiprocess=True)) == ThreadId(pid, tid)
    assert thread_id(thread_text(pid, tid, multiprocess=False)) == ThreadId(ANY, tid)


def test_wildcards():
    assert thread_id(b"-1") == ThreadId(ANY, ALL)
    assert thread_id(b"p-1.-1") == ThreadId(ALL, ALL)
    assert thread_id(b"p7") == ThreadId(7, ALL)
    assert thread_id(b"p7.0") == ThreadId(7, ANY)


def test_odd_hexadecimal_text():
    with pytest.raises(GdbError):
        from_hex(b"abc")


def test_signals_as_gdb_numbers_them():
    # include/gdb/signals.def: these differ between systems, so gdb has its own.
    known = {sig.SIGUSR1: 30, sig.SIGBUS: 10, sig.SIGSEGV: 11, sig.SIGCHLD: 20, sig.SIGSTOP: 17,
             34: 46, 63: 75, 64: 78, 32: 77}  # fmt: skip
    assert {number: to_gdb(number) for number in known} == known


def test_signals_return():
    numbers = every_signal()
    assert {from_gdb(to_gdb(number)) for number in numbers} == numbers
    assert len(numbers) == 63  # all but SIGSTKFLT, which gdb does not know
    assert to_gdb(0) == from_gdb(0) == 0


@pytest.mark.parametrize(
    ("packet", "name"),
    [(b"vCont?", "vCont?"), (b"vCont;c", "vCont"), (b"qXfer:auxv:read::0,1", "qXfer"),
     (b"qThreadExtraInfo,p1.1", "qThreadExtraInfo"), (b"m10,4", "m"), (b"X0,1:#", "X"), (b"", "")],
)  # fmt: skip
def test_packet_names(packet, name):
    assert packet_name(packet) == name


@pytest.mark.parametrize("text", [b"x", b"c:p", b"C", b"Czz", b"r1", b"r1,2,3", b"cc", b"T"])
def test_bad_actions_are_refused(text):
    with pytest.raises(GdbError):
        actions(text)
