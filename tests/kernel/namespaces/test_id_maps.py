"""uid_map as text and as a translation, against a dict of every id."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import EINVAL, EPERM, LinuxError
from starrylab.kernel.namespaces.base import Registry
from starrylab.kernel.namespaces.id_maps import write_map, write_setgroups
from starrylab.kernel.namespaces.user import OVERFLOW_ID, UserNamespace, made_for
from starrylab.kernel.task.cred import Credentials

ROOT = Credentials()
USER = Credentials.user(1000, 1000)

lines = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 12)), min_size=1, max_size=4
)


def inside(owner: Credentials = ROOT) -> UserNamespace:
    return made_for(Registry(), owner)


def model(rows: list[tuple[int, int, int]]) -> dict[int, int] | None:
    """Return id -> parent's id; None where ids are mapped twice."""
    pairs = [(first + n, lower + n) for first, lower, size in rows for n in range(size)]
    uppers, lowers = zip(*pairs, strict=True)
    if len(set(uppers)) < len(pairs) or len(set(lowers)) < len(pairs):
        return None
    return dict(pairs)


@settings(deadline=None)  # a busy host may pause
@given(lines)
def test_a_map_translates_both_ways(rows: list[tuple[int, int, int]]) -> None:
    ns, expected = inside(), model(rows)
    text = "".join(f"{a} {b} {c}\n" for a, b, c in rows).encode()
    if expected is None:
        with pytest.raises(EINVAL):
            write_map(ns, "uid", text, ROOT)
        return
    write_map(ns, "uid", text, ROOT)
    back = {lower: upper for upper, lower in expected.items()}
    for ident in range(60):
        assert ns.uids.kernel(ident) == expected.get(ident)
        assert ns.uids.inside(ident) == back.get(ident)
        assert ns.uids.shown(ident) == back.get(ident, OVERFLOW_ID)


@settings(deadline=None)  # a busy host may pause
@given(st.integers(0, 30), st.integers(1, 30))
def test_a_map_below_goes_through_the_one_above(first: int, size: int) -> None:
    above = inside()
    write_map(above, "uid", b"5 100 10\n", ROOT)
    below = UserNamespace(above.registry, above, 100, 100)
    opener = ROOT.entered(above)
    if first >= 5 and first + size <= 15:
        write_map(below, "uid", b"0 %d %d" % (first, size), opener)
        assert below.uids.kernel(0) == first + 95
    else:
        with pytest.raises(EPERM):
            write_map(below, "uid", b"0 %d %d" % (first, size), opener)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", EINVAL), (b"\n", EINVAL), (b"0 0", EINVAL), (b"0 0 1 1", EINVAL), (b"0 0 0", EINVAL),
        (b"0 -1 1", EINVAL), (b"x 0 1", EINVAL), (b"4294967295 0 1", EINVAL),
        (b"0 4294967294 2", EINVAL), (b" " * 4096, EINVAL),
        (b"".join(b"%d %d 1\n" % (n, n) for n in range(341)), EINVAL),
    ],
)  # fmt: skip
def test_text_that_is_no_map(text: bytes, error: type[LinuxError]) -> None:
    ns = inside()
    with pytest.raises(error):
        write_map(ns, "uid", text, ROOT)
    assert not ns.uids.extents


def test_who_may_map_what() -> None:
    own = USER.entered(inside(USER))
    ns = own.user_ns
    assert ns is not None
    for kind, text in (("uid", b"0 1001 1"), ("uid", b"0 1000 2"), ("gid", b"0 1000 1")):
        with pytest.raises(EPERM):  # the group only once setgroups(2) is forbidden
            write_map(ns, kind, text, own)
    write_setgroups(ns, b"deny\n")
    write_map(ns, "gid", b"7 1000 1", own)
    write_map(ns, "uid", b"7 1000 1", own)
    with pytest.raises(EPERM):
        write_map(ns, "uid", b"7 1000 1", own)
    assert replace(own, uid=1000).shown_uid(1000) == 7


def test_a_stranger_maps_nothing() -> None:
    ns = inside(USER)
    with pytest.raises(EPERM):
        write_map(ns, "uid", b"0 2000 1", Credentials.user(2000, 2000))


def test_capabilities_count_below_and_for_the_maker() -> None:
    first = inside(USER)
    maker, root = USER.entered(first), ROOT
    second = UserNamespace(first.registry, first, 1000, 1000)
    below = maker.entered(second)
    for cap in (0, 21):
        assert root.capable_in(second, cap)
        assert USER.capable_in(first, cap)  # its owner, from outside
        assert USER.capable_in(second, cap)
        assert not Credentials.user(1001, 1000).capable_in(first, cap)
        assert maker.capable_in(second, cap)
        assert not below.capable_in(first, cap)
        assert not maker.capable_in(None, cap)
        assert not maker.capable(cap)
        assert maker.capable_here(cap)
