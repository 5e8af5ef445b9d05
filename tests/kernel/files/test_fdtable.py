"""The descriptor table, against a model that searches for the lowest free number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.abi.errno import EBADF, EMFILE
from starrylab.kernel.files.fdtable import FdTable
from starrylab.kernel.files.file import File


class Counting(File):
    __slots__ = ("closes",)

    def __init__(self) -> None:
        super().__init__()
        self.closes = 0

    def closed(self) -> None:
        self.closes += 1


def test_a_file_closes_with_its_last_descriptor() -> None:
    table, file = FdTable(), Counting()
    first, second = table.install(file, 10), table.install(file, 10)
    table.close(first)
    assert file.closes == 0
    table.close(second)
    assert file.closes == 1
    with pytest.raises(EBADF):
        table.close(second)


def test_a_copy_holds_the_same_descriptions() -> None:
    table, file = FdTable(), Counting()
    table.install(file, 10)
    child = table.copy_table()
    table.close_all()
    assert file.closes == 0
    assert child[0] is file
    child.close_all()
    assert file.closes == 1


def test_close_on_exec_closes_only_the_marked() -> None:
    table = FdTable()
    kept, marked = Counting(), Counting()
    table.install(kept, 10)
    table.install(marked, 10, cloexec=True)
    table.close_on_exec()
    assert list(table) == [0]
    assert (kept.closes, marked.closes) == (0, 1)


def test_the_limit_is_emfile() -> None:
    table = FdTable()
    for _ in range(3):
        table.install(Counting(), 3)
    with pytest.raises(EMFILE):
        table.install(Counting(), 3)
    with pytest.raises(EMFILE):
        table.install(Counting(), 3, lowest=1)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("install"), st.integers(0, 3)),
        st.tuples(st.just("close"), st.integers(0, 12)),
        st.tuples(st.just("replace"), st.integers(0, 12)),
        st.tuples(st.just("copy"), st.just(0)),
    ),
    max_size=60,
)


@given(ACTIONS)
def test_installs_always_take_the_lowest_free_number(actions) -> None:
    table, model = FdTable(), set()
    for action, number in actions:
        if action == "install":
            expected = next(n for n in range(number, 99) if n not in model)
            assert table.install(Counting(), 99, lowest=number) == expected
            model.add(expected)
        elif action == "close":
            if number in model:
                table.close(number)
                model.discard(number)
            else:
                with pytest.raises(EBADF):
                    table.close(number)
        elif action == "replace":
            table.replace(number, Counting())
            model.add(number)
        else:
            table = table.copy_table()
        assert set(table) == model


@given(st.sets(st.integers(0, 12)), st.integers(0, 12))
def test_a_table_is_full_when_no_descriptor_below_the_limit_is_free(taken, limit) -> None:
    table = FdTable()
    for number in taken:
        table.replace(number, Counting())
    assert table.full(limit) == (set(range(limit)) <= taken)
