"""The tables of kinds name things that exist, and every kernel object has a kind and a size."""

from __future__ import annotations

import gc
import importlib

import pytest

from starrylab.debug.leaks.kinds import (
    BOUNDED,
    CATEGORIES,
    KERNEL,
    KINDS,
    TABLES,
    attributes,
    is_kernel_class,
    kind_of,
    size_of,
)
from starrylab.kernel.files.epoll import Epoll
from starrylab.kernel.files.eventfd import EventFd
from starrylab.kernel.files.file import File
from starrylab.kernel.mm.frames import MemoryKind
from tests.kernel.conftest import ScriptedLab


def class_named(name: str) -> type:
    module, _, cls = name.rpartition(".")
    return getattr(importlib.import_module(KERNEL + module), cls)


@pytest.mark.parametrize("name", KINDS)
def test_every_listed_class_exists(name: str) -> None:
    assert kind_of(class_named(name)) == KINDS[name]


@pytest.mark.parametrize("name", [*TABLES, *BOUNDED])
def test_every_listed_table_exists(name: str) -> None:
    if name in TABLES and name.rpartition(".")[2][0].isupper():  # the class is the table
        assert issubclass(class_named(name), dict)
        return
    cls_name, _, attribute = name.rpartition(".")
    cls = class_named(cls_name)
    slots = [s for base in cls.__mro__ for s in getattr(base, "__slots__", ())]
    lab = ScriptedLab()
    lab.start(lambda m: iter(()))  # a process, for what only processes have
    found = [dict(attributes(t)) for t in gc.get_objects() if isinstance(t, cls)]
    assert attribute in slots or any(attribute in own for own in found), lab


def test_every_category_is_that_of_a_kind() -> None:
    frames = {kind.name for kind in MemoryKind}
    assert set(CATEGORIES) <= set(KINDS.values()) | frames


def test_the_most_special_kind_counts() -> None:
    assert (kind_of(Epoll), kind_of(EventFd), kind_of(File)) == ("epoll", "eventfd", "file")


def test_everything_in_a_kernel_has_a_kind_and_a_size() -> None:
    lab = ScriptedLab()
    things = [thing for thing in gc.get_objects() if is_kernel_class(type(thing))]
    assert lab.kernel in things
    assert all(kind_of(type(thing)) and size_of(thing) > 0 for thing in things)


def test_a_container_counts_with_its_room() -> None:
    file = Epoll()
    before = size_of(file)
    file.ready.extend([None] * 1000)  # type: ignore[list-item]
    assert size_of(file) - before > 7 * 1000
