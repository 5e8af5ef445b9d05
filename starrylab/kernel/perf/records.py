"""Records as they lie in the buffer (<linux/perf_event.h>, ``enum perf_event_type``)."""

from __future__ import annotations

from struct import Struct, pack
from typing import TYPE_CHECKING, Final

from ...abi import perf

if TYPE_CHECKING:
    from ..thread import Thread
    from .counter import Counter
    from .moment import Moment

_U64: Final = Struct("<Q")
_PAIR: Final = Struct("<II")
_M64: Final = (1 << 64) - 1
_MOST: Final = 0xFFF8  #: bytes of a record
_PAGE: Final = 4096
#: PERF_MEM_NA: every part of perf_mem_data_src says "not available"
_DATA_SOURCE: Final = 1 | 1 << 5 | 1 << 19 | 1 << 24 | 1 << 26 | 0xF << 33


def values(counter: Counter) -> bytes:
    """Return what read(2) gives: one counter, or its whole group."""
    form = counter.attr.read_format
    return _group(counter, form) if form & perf.FORMAT_GROUP else _one(counter, form)


def _times(enabled_ns: int, form: int) -> list[int]:
    # Nothing is multiplexed: a counter runs as long as it is enabled.
    bits = perf.FORMAT_TOTAL_TIME_ENABLED, perf.FORMAT_TOTAL_TIME_RUNNING
    return [enabled_ns for bit in bits if form & bit]


def _identity(counter: Counter, form: int) -> list[int]:
    words = []
    if form & perf.FORMAT_ID:
        words.append(counter.top.id)
    if form & perf.FORMAT_LOST:
        words.append(counter.lost)
    return words


def _one(counter: Counter, form: int) -> bytes:
    count, enabled = counter.totals()
    return _words([count, *_times(enabled, form), *_identity(counter, form)])


def _group(counter: Counter, form: int) -> bytes:
    leader = counter.leader
    _, enabled = leader.totals()
    words = [1 + len(leader.siblings), *_times(enabled, form)]
    for member in leader.group:
        words += (member.totals()[0], *_identity(member, form))
    return _words(words)


def _words(words: list[int]) -> bytes:
    return pack(f"<{len(words)}Q", *(word & _M64 for word in words))


def record(
    counter: Counter, kind: int, misc: int, body: bytes, thread: Thread | None, now: int
) -> bytes:
    """Return a record that is no sample, with what says whose and when it is."""
    if counter.attr.has(perf.SAMPLE_ID_ALL):
        body += _sample_id(counter, thread, now)
    return perf.HEADER.pack(kind, misc, perf.HEADER.size + len(body)) + body


def _ids(thread: Thread | None) -> bytes:
    return _PAIR.pack(0, 0) if thread is None else _PAIR.pack(thread.process.pid, thread.tid)


def _sample_id(counter: Counter, thread: Thread | None, now: int) -> bytes:
    parts = {
        perf.SAMPLE_TID: _ids(thread),
        perf.SAMPLE_TIME: _U64.pack(now),
        perf.SAMPLE_ID: _U64.pack(counter.top.id),
        perf.SAMPLE_STREAM_ID: _U64.pack(counter.id),
        perf.SAMPLE_CPU: _PAIR.pack(0, 0),
        perf.SAMPLE_IDENTIFIER: _U64.pack(counter.top.id),
    }
    kind = counter.attr.sample_type
    return b"".join(part for bit, part in parts.items() if kind & bit)


def sample(counter: Counter, moment: Moment, period: int, now: int) -> bytes:
    """Return PERF_RECORD_SAMPLE; ``period`` is what the sample stands for."""
    kind = counter.attr.sample_type
    plain = (
        (perf.SAMPLE_IDENTIFIER, _U64, (counter.top.id,)),
        (perf.SAMPLE_IP, _U64, (moment.ip,)),
        (perf.SAMPLE_TID, _PAIR, moment.ids),
        (perf.SAMPLE_TIME, _U64, (now,)),
        (perf.SAMPLE_ADDR, _U64, (moment.addr,)),
        (perf.SAMPLE_ID, _U64, (counter.top.id,)),
        (perf.SAMPLE_STREAM_ID, _U64, (counter.id,)),
        (perf.SAMPLE_CPU, _PAIR, (0, 0)),
        (perf.SAMPLE_PERIOD, _U64, (period,)),
    )
    body = b"".join([form.pack(*args) for bit, form, args in plain if kind & bit])
    for bit, part in _PARTS:
        if kind & bit:
            body += part(counter, moment, len(body))
    misc = perf.MISC_USER if moment.user else perf.MISC_KERNEL
    return perf.HEADER.pack(perf.RECORD_SAMPLE, misc, perf.HEADER.size + len(body)) + body


# -- the longer parts of a sample: (counter, moment, bytes before it) -> bytes


def _read(counter: Counter, _moment: Moment, _at: int) -> bytes:
    return values(counter)


def _callchain(counter: Counter, moment: Moment, _at: int) -> bytes:
    attr = counter.attr
    chain = moment.callchain(
        attr.sample_max_stack,
        kernel=not attr.has(perf.EXCLUDE_CALLCHAIN_KERNEL) and not attr.has(perf.EXCLUDE_KERNEL),
        user=not attr.has(perf.EXCLUDE_CALLCHAIN_USER),
    )
    return _words([len(chain), *chain])


def _raw(_counter: Counter, moment: Moment, _at: int) -> bytes:
    size = -(-(4 + len(moment.raw)) // 8) * 8 - 4
    return size.to_bytes(4, "little") + moment.raw.ljust(size, b"\0")


def _registers_user(counter: Counter, moment: Moment, _at: int) -> bytes:
    if moment.idle:
        return _U64.pack(perf.REGS_ABI_NONE)
    mask = counter.attr.sample_regs_user
    return _words([perf.REGS_ABI_64, *moment.registers(mask)])


def _registers_now(counter: Counter, moment: Moment, _at: int) -> bytes:
    if not moment.user:  # the kernel has none
        return _U64.pack(perf.REGS_ABI_NONE)
    mask = counter.attr.sample_regs_intr
    return _words([perf.REGS_ABI_64, *moment.registers(mask)])


def _stack(counter: Counter, moment: Moment, at: int) -> bytes:
    size = min(counter.attr.sample_stack_user, _MOST - at - 3 * _U64.size & ~7)
    if size <= 0 or moment.idle:
        return _U64.pack(0)
    data = moment.stack(size)
    return _U64.pack(size) + data.ljust(size, b"\0") + _U64.pack(len(data))


def _physical(_counter: Counter, moment: Moment, _at: int) -> bytes:
    return _U64.pack(moment.physical(moment.addr) if moment.addr else 0)


def _data_page(_counter: Counter, moment: Moment, _at: int) -> bytes:
    return _U64.pack(_PAGE if moment.addr and moment.physical(moment.addr) else 0)


def _code_page(_counter: Counter, moment: Moment, _at: int) -> bytes:
    return _U64.pack(_PAGE if moment.user and moment.physical(moment.ip) else 0)


def _zero(_counter: Counter, _moment: Moment, _at: int) -> bytes:
    return _U64.pack(0)


def _data_source(_counter: Counter, _moment: Moment, _at: int) -> bytes:
    return _U64.pack(_DATA_SOURCE)


_PARTS: Final = (
    (perf.SAMPLE_READ, _read),
    (perf.SAMPLE_CALLCHAIN, _callchain),
    (perf.SAMPLE_RAW, _raw),
    (perf.SAMPLE_BRANCH_STACK, _zero),  # no branches are recorded
    (perf.SAMPLE_REGS_USER, _registers_user),
    (perf.SAMPLE_STACK_USER, _stack),
    (perf.SAMPLE_WEIGHT | perf.SAMPLE_WEIGHT_STRUCT, _zero),
    (perf.SAMPLE_DATA_SRC, _data_source),
    (perf.SAMPLE_TRANSACTION, _zero),
    (perf.SAMPLE_REGS_INTR, _registers_now),
    (perf.SAMPLE_PHYS_ADDR, _physical),
    (perf.SAMPLE_DATA_PAGE_SIZE, _data_page),
    (perf.SAMPLE_CODE_PAGE_SIZE, _code_page),
    (perf.SAMPLE_AUX, _zero),
)
