"""statmount(2) and listmount(2) tell of mounts what the host's own kernel tells."""

from __future__ import annotations

import struct
from typing import Any

from starrylab.abi.fcntl import (
    MS_BIND,
    MS_RDONLY,
    MS_SHARED,
)
from starrylab.abi.mount import (
    LSMT_ROOT,
    STATMOUNT,
)
from tests.kernel.vfs.mount.mount_pair import Call, Native, check, perform

KNOWN: list[Call] = [
    ["mkdir", "/a"],
    ["mount", "src x", "/a", "tmpfs", MS_RDONLY, "size=1m,mode=700"],
    ["mkdir", "/b"],
    ["mount", "/a", "/b", 0, MS_BIND, 0],
    ["mount", 0, "/a", 0, MS_SHARED, 0],
    ["mount_id", "/a"],
    ["mount_id", "/b"],
    ["mount_id", "/"],
]
A, B, ROOT = "$5", "$6", "$7"
#: fields of struct statmount with numbers that each kernel gives as it likes
OWN_NUMBERS = (4, 8, 9, 10, 11, 19)
EVERYTHING = 0x7FFF


def request(ident: Any, param: Any, size: int = 24, fd: int = 0, namespace: int = 0) -> list[Any]:
    return ["<IIQQQ", size, fd, ident, param, namespace]


def stat(ident: Any, mask: int, size: int = 700, flags: int = 0, fd: int = 0) -> Call:
    return ["statmount", request(ident, mask, fd=fd), {"out": size}, size, flags]


STATS = [
    *(stat(each, EVERYTHING) for each in (A, B, ROOT)),
    *(stat(A, mask) for mask in (0, 0x18, 0x3, 0x80, 0x400, 1 << 40)),
    *(stat(ROOT, mask) for mask in (0x80, 0x400)),
    *(stat(A, 0x3, size) for size in (512, 517)),
    *(stat(A, 0x18, size) for size in (512, 517, 518, 519)),
    *(stat(each, 1) for each in (5, 1 << 31, (1 << 31) + 999_999)),
    *(stat(A, 1, flags=flags) for flags in (1, 2)),
    stat(A, 1, fd=99),
]


def decoded(answer: Any) -> Any:
    result, data = answer
    raw = bytes.fromhex(data)
    fields = list(STATMOUNT.unpack(raw[: STATMOUNT.size]))
    for index in OWN_NUMBERS:
        fields[index] = bool(fields[index])
    return result, fields, raw[STATMOUNT.size :]


def test_statmount(native: Native) -> None:
    calls = KNOWN + STATS
    ours, theirs = perform(calls), native.perform(calls)
    for call, mine, other in zip(STATS, ours[len(KNOWN) :], theirs[len(KNOWN) :], strict=True):
        assert decoded(mine) == decoded(other), call


def test_requests_of_statmount(native: Native) -> None:
    sizes = [["statmount", request(A, 1, size), 0, 0, 0] for size in (0, 23, 33, 4096, 5000)]
    check(native, [*KNOWN, *sizes, ["statmount", 0, 0, 10, 0], ["statmount", 8, 0, 10, 0]])


def listing(ident: Any, last: Any, count: int, flags: int = 0) -> Call:
    return ["listmount", request(ident, last), {"out": count * 8}, count, flags]


LISTINGS = [
    *(listing(LSMT_ROOT, 0, count) for count in (5, 2, 0)),
    *(listing(LSMT_ROOT, 0, 5, flags) for flags in (1, 2)),
    *(listing(each, 0, 5) for each in (ROOT, A, 0, (1 << 31) + 999_999)),
    *(listing(LSMT_ROOT, A, 5, flags) for flags in (0, 1)),
    listing(LSMT_ROOT, 5, 5),
]  # fmt: skip


def test_listmount(native: Native) -> None:
    def shown(answers: list[Any]) -> list[Any]:
        """Numbers by the places of A, B and the root among them, the lowest first."""
        found = [(r, struct.unpack(f"<{len(d) // 16}Q", bytes.fromhex(d))) for r, d in answers]
        order = sorted({each for _, ids in found for each in ids if each})
        return [(r, [each and order.index(each) for each in ids]) for r, ids in found]

    calls = KNOWN + LISTINGS
    ours, theirs = (each[len(KNOWN) :] for each in (perform(calls), native.perform(calls)))
    assert shown(ours) == shown(theirs)
    bad = [["listmount", request(LSMT_ROOT, 0), 0, count, 0] for count in (5, 1_000_001)]
    check(native, [*KNOWN, *bad])
