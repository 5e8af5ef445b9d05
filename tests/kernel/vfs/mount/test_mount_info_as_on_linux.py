"""statmount(2) and listmount(2) tell of mounts what the host's own kernel tells."""

from __future__ import annotations

from typing import Any

from starrylab.abi.fcntl import (
    MS_BIND,
    MS_RDONLY,
    MS_SHARED,
)
from starrylab.abi.mount import (
    LSMT_ROOT,
)
from tests.kernel.vfs.mount.mount_pair import Call, Linux, check

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


def test_statmount(linux: Linux) -> None:
    check(linux, "statmount", KNOWN + STATS)


def test_requests_of_statmount(linux: Linux) -> None:
    sizes = [["statmount", request(A, 1, size), 0, 0, 0] for size in (0, 23, 33, 4096, 5000)]
    bad = [["statmount", 0, 0, 10, 0], ["statmount", 8, 0, 10, 0]]
    check(linux, "requests of statmount", [*KNOWN, *sizes, *bad])


def listing(ident: Any, last: Any, count: int, flags: int = 0) -> Call:
    return ["listmount", request(ident, last), {"out": count * 8}, count, flags]


LISTINGS = [
    *(listing(LSMT_ROOT, 0, count) for count in (5, 2, 0)),
    *(listing(LSMT_ROOT, 0, 5, flags) for flags in (1, 2)),
    *(listing(each, 0, 5) for each in (ROOT, A, 0, (1 << 31) + 999_999)),
    *(listing(LSMT_ROOT, A, 5, flags) for flags in (0, 1)),
    listing(LSMT_ROOT, 5, 5),
]  # fmt: skip


def test_listmount(linux: Linux) -> None:
    bad = [["listmount", request(LSMT_ROOT, 0), 0, count, 0] for count in (5, 1_000_001)]
    check(linux, "listmount", [*KNOWN, *LISTINGS, *bad])
