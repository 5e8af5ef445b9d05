"""Numbers of pid namespaces, against dicts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import EAGAIN, EEXIST, EINVAL, ENOMEM, ENOSPC, EPERM
from starrylab.kernel.namespaces.base import Registry
from starrylab.kernel.namespaces.pid import Pid, PidNamespace, PidTable
from starrylab.kernel.task.cred import Credentials

ROOT = Credentials()


def initial(maximum: int = 32768) -> PidNamespace:
    table = PidTable()
    table.maximum = maximum
    return PidNamespace(Registry(), None, table, ino=1)


@settings(deadline=None)  # a busy host may pause
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
def test_numbers_in_every_namespace_above(steps: list[tuple[int, bool]]) -> None:
    chain = [initial()]
    for _ in range(3):
        chain.append(chain[-1].child(None))
    alive: dict[int, Pid] = {}
    for number, (level, ends) in enumerate(steps, 100):
        if ends and alive:
            gone = next(iter(alive))
            chain[0].table.forget(gone)
            pid = alive.pop(gone)
            local = dict(pid.inside)
            del pid
            for ns, inside in local.items():
                assert ns.meant(inside) == 0
                assert ns.shown(gone) == 0
        elif level:
            alive[number] = chain[level].enter(number, (), ROOT)
    for number, pid in alive.items():
        for ns, inside in pid.inside.items():
            assert ns.shown(number) == inside
            assert ns.meant(inside) == number
        assert chain[0].shown(number) == number
        depth = max(ns.level for ns in pid.inside)
        assert {ns.level for ns in pid.inside} == set(range(1, depth + 1))
    for ns in chain[1:]:
        inside = [pid.inside[ns] for pid in alive.values() if ns in pid.inside]
        assert len(set(inside)) == len(inside) == len(ns)


def test_a_group_keeps_the_number_of_its_leader() -> None:
    ns = initial().child(None)
    pid = ns.enter(500, (), ROOT)
    ns.table.forget(500)
    assert ns.shown(500) == 1
    del pid
    assert ns.shown(500) == 0


def test_numbers_run_out_and_come_back() -> None:
    ns = initial(302).child(None)
    held = [ns.enter(1000 + n, (), ROOT) for n in range(301)]
    with pytest.raises(EAGAIN):
        ns.enter(2000, (), ROOT)
    for pid in held[300:]:
        ns.table.forget(pid.number)
    del held[300:], pid
    assert ns.enter(2000, (), ROOT).inside[ns] == 301


def test_chosen_numbers() -> None:
    ns = initial().child(None)
    with pytest.raises(EINVAL):  # there is no init yet
        ns.enter(10, (5,), ROOT)
    assert ns.enter(10, (1,), ROOT).inside[ns] == 1
    ns.reaper = object()  # type: ignore[assignment]
    assert ns.enter(11, (5,), ROOT).inside[ns] == 5
    with pytest.raises(EEXIST):
        ns.enter(12, (5,), ROOT)
    with pytest.raises(EPERM):
        ns.enter(12, (6,), Credentials.user(1, 1))
    for bad in (0, -1, 32768):
        with pytest.raises(EINVAL):
            ns.enter(12, (bad,), ROOT)
    ns.dead = True
    with pytest.raises(ENOMEM):
        ns.enter(12, (), ROOT)


def test_not_deeper_than_32() -> None:
    ns = initial()
    for _ in range(32):
        ns = ns.child(None)
    with pytest.raises(ENOSPC):
        ns.child(None)
