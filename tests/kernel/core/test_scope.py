"""Scopes share and copy resources; components have one implementation."""

from __future__ import annotations

import pytest

from starrylab.kernel.core.component import Components
from starrylab.kernel.core.scope import ActiveScope, Item, LocalItem, Scope


@pytest.fixture
def dropped() -> list[list[int]]:
    return []


@pytest.fixture
def item(dropped) -> Item[list[int]]:
    return Item("list", lambda: [0], list, dropped.append)


def test_a_shared_resource_is_the_same_and_a_copied_one_is_not(item) -> None:
    parent, sharing, copying = Scope(), Scope(), Scope()
    original = parent.get(item)
    assert sharing.share_from(item, parent) is original
    copy = copying.copy_from(item, parent)
    assert copy == original
    assert copy is not original
    assert parent.holders(item) == 2


def test_the_last_holder_disposes(item, dropped) -> None:
    parent, child = Scope(), Scope()
    value = parent.get(item)
    child.share_from(item, parent)
    parent.close()
    assert dropped == []
    child.close()
    assert dropped == [value]


def test_unshare_copies_only_what_is_shared(item, dropped) -> None:
    parent, child = Scope(), Scope()
    value = parent.get(item)
    assert parent.unshare(item) is value
    child.share_from(item, parent)
    assert child.unshare(item) is not value
    assert parent.holders(item) == 1
    assert dropped == []


def test_replacing_leaves_other_holders_alone(item) -> None:
    parent, child = Scope(), Scope()
    value = parent.get(item)
    child.share_from(item, parent)
    child.set(item, [9])
    assert parent.get(item) is value
    assert child.get(item) == [9]


def test_local_item_follows_the_active_scope(item) -> None:
    active, process = ActiveScope(), Scope()
    local = LocalItem(active, item)
    everywhere = local.get()
    active.enter(process)
    assert local.get() is process.get(item)
    active.enter(None)
    assert local.get() is everywhere


class Allocator:
    pass


class First(Allocator):
    pass


class Second(Allocator):
    pass


def test_a_second_binding_names_both() -> None:
    components = Components()
    components.bind(Allocator, First)
    assert isinstance(components.make(Allocator), First)
    with pytest.raises(TypeError, match=r"Allocator is bound to .*First; cannot bind .*Second"):
        components.bind(Allocator, Second)


def test_asking_for_what_nobody_bound() -> None:
    with pytest.raises(LookupError, match="Allocator"):
        Components().make(Allocator)
