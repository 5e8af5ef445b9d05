"""Memory that a program watches: references stay right, whatever is done in whatever order."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import EFAULT, ENOENT, ESRCH, LinuxError
from starrylab.abi.mman import MADV_DONTNEED, MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED
from starrylab.abi.userfaultfd import FEATURES, UFFD_FEATURE_SIGBUS
from starrylab.kernel.mm import userfault_ops as ops
from starrylab.kernel.mm.userfault import UserFault, Userfaults, watcher
from starrylab.machine.api import READ, WRITE

from .mm_support import PAGE, Memory

BASE = 0x10_0000_0000
PAGES = 8
MISSING, WP, MINOR = 1, 2, 4

pages = st.integers(0, PAGES - 1)
counts = st.integers(1, 3)
operations = st.lists(
    st.tuples(
        st.sampled_from(
            ["register", "unregister", "copy", "zero", "protect", "release", "poison", "continue",
             "move", "read", "write", "dontneed", "unmap", "map", "share", "fork", "remap"]
        ),
        pages, pages, counts, st.sampled_from([1, 2, 3, 4, 5, 7]),
    ),
    max_size=40,
)  # fmt: skip


class Watching:
    """An address space that is watched, its source of pages, and what forks made."""

    def __init__(self, features: int) -> None:
        self.memory = Memory()
        self.space = self.memory.space()
        self.spaces = [self.space]
        self.space.map(BASE, PAGES * PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
        self.context = Userfaults(self.space)
        self.context.features = features

    def apply(self, name: str, page: int, other: int, count: int, modes: int) -> None:
        addr, size = BASE + page * PAGE, min(count, PAGES - page) * PAGE
        target, context, space = BASE + other * PAGE, self.context, self.space
        fixed = MAP_ANONYMOUS | MAP_FIXED
        actions = {
            "register": lambda: ops.register(context, addr, size, modes),
            "unregister": lambda: ops.unregister(context, addr, size),
            "copy": lambda: ops.copy(context, space, addr, target, PAGE, protect=modes & 2 > 0),
            "zero": lambda: ops.zero(context, addr, size),
            "protect": lambda: ops.protect(context, addr, size, on=True),
            "release": lambda: ops.protect(context, addr, size, on=False),
            "poison": lambda: ops.poison(context, addr, PAGE),
            "continue": lambda: ops.resume(context, addr, PAGE, protect=modes & 2 > 0),
            "move": lambda: ops.move(context, addr, target, PAGE, holes=modes & 1 > 0),
            "read": lambda: space.kernel_fault(addr, READ),
            "write": lambda: space.kernel_fault(addr, WRITE),
            "dontneed": lambda: space.advise(addr, size, MADV_DONTNEED),
            "unmap": lambda: space.unmap(addr, size),
            "map": lambda: space.map(addr, size, 3, MAP_PRIVATE | fixed),
            "share": lambda: space.map(addr, size, 3, MAP_SHARED | fixed),
            "fork": lambda: self.spaces.append(space.fork()) if len(self.spaces) < 3 else None,
            "remap": lambda: space.remap(addr, PAGE, PAGE, 3, target),
        }
        with suppress(LinuxError):
            actions[name]()


@settings(max_examples=150, deadline=None)
@given(operations, st.sampled_from([0, FEATURES, FEATURES & ~UFFD_FEATURE_SIGBUS]))
def test_any_order_keeps_the_books(
    steps: list[tuple[str, int, int, int, int]], features: int
) -> None:
    watching = Watching(features)
    for step in steps:
        watching.apply(*step)
        watching.memory.check(watching.spaces)
    watching.context.close()
    watching.memory.check(watching.spaces)
    assert all(watcher(area) is None for area in watching.space.areas)
    assert watching.space.watch is None
    for space in watching.spaces:
        space.release()
    watching.memory.check([])


def test_a_missing_page_is_asked_for_and_then_there() -> None:
    watching = Watching(0)
    context, space = watching.context, watching.space
    space.map(BASE + 0x100000, PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    space.write(BASE + 0x100000, b"content")
    ops.register(context, BASE, PAGES * PAGE, MISSING)
    with pytest.raises(UserFault) as caught:
        space.read(BASE + 5, 1)
    assert (caught.value.addr, caught.value.flags, caught.value.context) == (BASE + 5, 0, context)
    assert ops.copy(context, space, BASE, BASE + 0x100000, PAGE, protect=False) == PAGE
    assert space.read(BASE, 7) == b"content"
    with pytest.raises(UserFault):
        space.write(BASE + PAGE, b"x")


def test_memory_that_is_gone_cannot_be_served() -> None:
    watching = Watching(0)
    ops.register(watching.context, BASE, PAGE, MISSING)
    watching.space.clear()
    with pytest.raises(ESRCH):
        ops.zero(watching.context, BASE, PAGE)
    watching.context.close()


def test_protection_is_for_memory_registered_for_it() -> None:
    watching = Watching(0)
    ops.register(watching.context, BASE, PAGE, MISSING)
    with pytest.raises(ENOENT):
        ops.protect(watching.context, BASE, PAGE, on=True)
    with pytest.raises(EFAULT):
        watching.space.read(BASE, 1)
