"""The address space against a model: a dict of pages, each with its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from starrylab.abi.errno import EFAULT, EINVAL, ENOMEM
from starrylab.abi.mman import (
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_REMOVE,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
)
from starrylab.kernel.mm.space import AddressSpace, BadAccess
from starrylab.machine.api import EXEC, READ, WRITE
from tests.kernel.mm.mm_support import PAGE, Memory

BASE = 0x1000_0000 >> 12
WINDOW = 12
FILE_PAGES = 6

Cell = bytearray


@dataclass(eq=False)
class ModelPage:
    prot: int
    cell: Cell | None = None  #: own bytes; None: shared, or private and not written yet
    shared: bool = False
    behind: list[Cell] | None = None  #: pages of the file or shared object behind it
    index: int = 0  #: which of them
    fork: str = ""


@dataclass(eq=False)
class Side:
    """One address space, its model, and a TLB that believes what it was told."""

    space: AddressSpace
    model: dict[int, ModelPage] = field(default_factory=dict)
    tlb: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.space.flush = self.tlb.clear
        self.space.flush_pages = self.forget

    def forget(self, pages: Iterable[int]) -> None:
        for page in pages:
            self.tlb.pop(page, None)


pages = st.integers(0, WINDOW - 1)
lengths = st.integers(1, 5)
prots = st.sampled_from([0, READ, READ | WRITE, READ | WRITE, READ | WRITE | EXEC, READ | EXEC])
sides = st.integers(0, 3)
kinds = st.sampled_from(["private", "shared", "file private", "file shared"])


class SpaceMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(600)
        self.file_cells = [Cell(bytes([65 + i]) * PAGE) for i in range(FILE_PAGES)]
        self.file = self.memory.file(b"".join(self.file_cells))
        self.sides = [Side(self.memory.space())]
        for i, kind in enumerate(["private", "shared", "file private", "file shared"]):
            self.map(0, 3 * i, 2, READ | WRITE, kind, i)

    def side(self, number: int) -> Side:
        return self.sides[number % len(self.sides)]

    # -- the model's own operations ---------------------------------------------------------

    def content(self, page: ModelPage) -> bytes | None:
        """Bytes of a page; None where what is behind it does not reach."""
        if page.cell is not None:
            return bytes(page.cell)
        if page.behind is None:
            return bytes(PAGE)
        return bytes(page.behind[page.index]) if page.index < len(page.behind) else None

    def cell_of(self, page: ModelPage) -> Cell:
        """Bytes to write to."""
        if page.shared:
            assert page.behind is not None
            return page.behind[page.index]
        if page.cell is None:
            content = self.content(page)
            assert content is not None
            page.cell = Cell(content)
        return page.cell

    # -- rules ---------------------------------------------------------------------------------

    @rule(n=sides, page=pages, length=lengths, prot=prots, kind=kinds, skip=st.integers(0, 3))
    def map(self, n, page, length, prot, kind, skip):
        side = self.side(n)
        shared = kind.endswith("shared")
        flags = MAP_FIXED | (MAP_SHARED if shared else MAP_PRIVATE)
        with_file = kind.startswith("file")
        extra = (
            {"source": self.file, "offset": skip * PAGE} if with_file else {}
        )  # fmt: skip
        flags |= 0 if with_file else MAP_ANONYMOUS
        addr = BASE + page << 12
        assert side.space.map(addr, length * PAGE - 7, prot, flags, **extra) == addr
        behind = self.file_cells if with_file else None
        if shared and not with_file:
            behind, skip = [Cell(PAGE) for _ in range(length)], 0
        for i in range(length):
            side.model[BASE + page + i] = ModelPage(prot, None, shared, behind, skip + i)

    @rule(n=sides, length=lengths)
    def map_anywhere(self, n, length):
        side = self.side(n)
        if len(side.model) > 60:
            return
        addr = side.space.map(0, length * PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS)
        for vpn in range(addr >> 12, (addr >> 12) + length):
            assert vpn not in side.model
            side.model[vpn] = ModelPage(3)

    @rule(n=sides, page=pages, length=lengths)
    def unmap(self, n, page, length):
        side = self.side(n)
        side.space.unmap(BASE + page << 12, length * PAGE)
        for vpn in range(BASE + page, BASE + page + length):
            side.model.pop(vpn, None)

    @rule(n=sides, pick=st.integers(0, 99), length=lengths)
    def unmap_mapped(self, n, pick, length):
        side = self.side(n)
        if side.model:
            vpn = sorted(side.model)[pick % len(side.model)]
            side.space.unmap(vpn << 12, length * PAGE)
            for i in range(length):
                side.model.pop(vpn + i, None)

    @rule(n=sides, page=pages, length=lengths, prot=prots)
    def protect(self, n, page, length, prot):
        side = self.side(n)
        vpns = range(BASE + page, BASE + page + length)
        hole = next((v for v in vpns if v not in side.model), None)
        if hole is None:
            side.space.protect(vpns.start << 12, length * PAGE, prot)
        else:
            with pytest.raises(ENOMEM):
                side.space.protect(vpns.start << 12, length * PAGE, prot)
        for vpn in vpns:
            if vpn == hole:
                break
            side.model[vpn].prot = prot

    def allowed(self, side: Side, vpn: int, access: int) -> bool:
        page = side.model.get(vpn)
        if page is None or self.content(page) is None:
            return False
        return bool(page.prot & access or (access == READ and page.prot & WRITE))

    @rule(n=sides, page=pages, offset=st.integers(0, PAGE - 1), size=st.integers(1, 2 * PAGE),
          byte=st.integers(0, 255))  # fmt: skip
    def kernel_write(self, n, page, offset, size, byte):
        side = self.side(n)
        addr = (BASE + page << 12) + offset
        data = bytes([byte]) * size
        done = 0
        while done < size and self.allowed(side, addr + done >> 12, WRITE):
            done += min(size - done, PAGE - (addr + done & PAGE - 1))
        if done == size:
            side.space.write(addr, data)
        elif byte % 2:
            with pytest.raises(EFAULT):
                side.space.write(addr, data)
        else:
            assert side.space.write_partial(addr, data) == done
        for at in range(addr, addr + done):
            if at == addr or not at % PAGE:
                cell = self.cell_of(side.model[at >> 12])
            cell[at % PAGE] = byte

    @rule(n=sides, page=pages, offset=st.integers(0, PAGE - 1), size=st.integers(0, 3 * PAGE))
    def kernel_read(self, n, page, offset, size):
        side = self.side(n)
        addr = (BASE + page << 12) + offset
        expected = bytearray()
        while len(expected) < size and self.allowed(side, addr + len(expected) >> 12, READ):
            at = addr + len(expected)
            content = self.content(side.model[at >> 12])
            expected += content[at % PAGE : at % PAGE + size - len(expected)]
        assert side.space.read_partial(addr, size) == expected
        if len(expected) == size:
            assert side.space.read(addr, size) == expected
            assert b"".join(side.space.views(addr, size, READ)) == expected
        else:
            with pytest.raises(EFAULT):
                side.space.read(addr, size)

    @rule(
        n=sides,
        accesses=st.lists(
            st.tuples(
                st.integers(0, 99), st.sampled_from([READ, WRITE, WRITE, EXEC]), st.integers(0, 255)
            ),
            min_size=1,
            max_size=12,
        ),
    )
    def guest_accesses(self, n, accesses):
        side = self.side(n)
        mapped = [v - BASE for v in sorted(side.model)] or [0]
        for pick, access, byte in accesses:
            self.guest_access(n, mapped[pick % len(mapped)], access, byte)

    @rule(n=sides, page=pages, access=st.sampled_from([READ, WRITE, EXEC]))
    def guest_strays(self, n, page, access):
        self.guest_access(n, page, access, 1)

    def guest_access(self, n, page, access, byte):
        """As the hart does it: through its TLB, then the table, then a fault."""
        side = self.side(n)
        vpn = BASE + page
        entry = side.tlb.get(vpn, 0)
        if not entry & access:
            entry = side.space.table.get(vpn, 0)
            if not entry & access:
                try:
                    entry = side.space.fault(vpn << 12, access)
                except BadAccess as bad:
                    model = side.model.get(vpn)
                    if model is None:
                        assert (bad.signal, bad.code) == (11, 1)  # noqa: PT017
                    elif self.allowed_prot(model, access):
                        assert (bad.signal, bad.code) == (7, 2)  # noqa: PT017
                    else:
                        assert (bad.signal, bad.code) == (11, 2)  # noqa: PT017
                    return
            assert side.space.table[vpn] == entry
            side.tlb[vpn] = entry
        model = side.model.get(vpn)
        assert model is not None
        assert self.allowed_prot(model, access)
        offset = entry & -PAGE
        if access == WRITE:
            self.memory.ram.view[offset + 5] = byte
            self.cell_of(model)[5] = byte
        assert self.memory.ram.view[offset : offset + PAGE] == self.content(model)

    def allowed_prot(self, page: ModelPage, access: int) -> bool:
        return bool(page.prot & access or (access == READ and page.prot & WRITE))

    @precondition(lambda self: len(self.sides) < 4)
    @rule(n=sides)
    def fork(self, n):
        side = self.side(n)
        child = Side(side.space.fork())
        for vpn, page in side.model.items():
            if page.fork == "dont":
                continue
            cell = page.cell
            if not page.shared and cell is not None:
                cell = Cell(PAGE) if page.fork == "wipe" else Cell(cell)
            child.model[vpn] = replace(page, cell=cell)
        self.sides.append(child)

    @precondition(lambda self: len(self.sides) > 1)
    @rule(n=sides)
    def exit(self, n):
        side = self.sides.pop(n % len(self.sides))
        side.space.release()
        assert side.space.table == {}

    @rule(n=sides, page=pages, length=lengths)
    def dont_need(self, n, page, length):
        side = self.side(n)
        vpns = range(BASE + page, BASE + page + length)
        try:
            side.space.advise(vpns.start << 12, length * PAGE, MADV_DONTNEED)
            assert all(v in side.model for v in vpns)
        except ENOMEM:
            assert any(v not in side.model for v in vpns)
        for vpn in vpns:
            if vpn in side.model and not side.model[vpn].shared:
                side.model[vpn].cell = None

    @rule(n=sides, page=pages, kind=st.sampled_from(["wipe", "dont"]))
    def fork_advice(self, n, page, kind):
        side = self.side(n)
        model = side.model.get(BASE + page)
        if model is None:
            return
        addr = BASE + page << 12
        plain = model.behind is None
        if kind == "dont" and model.fork != "wipe":
            side.space.advise(addr, 1, MADV_DONTFORK)
            model.fork = "dont"
        elif kind == "wipe" and not plain:
            with pytest.raises(EINVAL):
                side.space.advise(addr, 1, MADV_WIPEONFORK)
        elif kind == "wipe" and model.fork != "dont":
            side.space.advise(addr, 1, MADV_WIPEONFORK)
            model.fork = "wipe"

    @rule(n=sides, page=pages, length=lengths)
    def remove(self, n, page, length):
        side = self.side(n)
        vpns = range(BASE + page, BASE + page + length)
        if not all(v in side.model and side.model[v].shared for v in vpns):
            return
        side.space.advise(vpns.start << 12, length * PAGE, MADV_REMOVE)
        for vpn in vpns:
            model = side.model[vpn]
            if model.index < len(model.behind):
                self.cell_of(model)[:] = bytes(PAGE)

    @rule(n=sides, page=pages, old=st.integers(1, 5), new=st.integers(1, 8), goal=pages,
          fixed=st.booleans(), keep=st.booleans())  # fmt: skip
    def remap(self, n, page, old, new, goal, fixed, keep):
        side = self.side(n)
        start = BASE + page
        area = side.space.find(start << 12)
        keep = keep and fixed
        if keep:
            new = old
        overlap = BASE + goal < start + old and start < BASE + goal + new
        if area is None or (start + old) << 12 > area.end or (fixed and overlap):
            return
        flags = MREMAP_MAYMOVE | (MREMAP_FIXED if fixed else 0) | (MREMAP_DONTUNMAP if keep else 0)
        to = side.space.remap(
            start << 12, old * PAGE, new * PAGE, flags, BASE + goal << 12 if fixed else 0
        ) >> 12  # fmt: skip
        if fixed:
            assert to == BASE + goal
        model = side.model
        moved = [model.pop(start + i) for i in range(old)]
        if fixed:
            for i in range(new):
                model.pop(to + i, None)
        last = moved[-1]
        for i in range(new):
            assert to + i not in model
            if i < old:
                model[to + i] = moved[i]
            else:
                index = last.index + i - old + 1
                model[to + i] = ModelPage(
                    last.prot, None, last.shared, last.behind, index, moved[0].fork
                )
        if keep:
            for i, page_ in enumerate(moved):
                model[start + i] = replace(page_, cell=None)

    @rule(first=st.integers(0, FILE_PAGES), count=st.integers(1, 4))
    def evict(self, first, count):
        self.file.evict(first, first + count)

    # -- always -----------------------------------------------------------------------------------

    @invariant()
    def nothing_lost(self):
        self.memory.check([side.space for side in self.sides], [self.file])
        for side in self.sides:
            mapped = {v for a in side.space.areas for v in range(a.start >> 12, a.end >> 12)}
            assert mapped == set(side.model)
            for vpn, entry in side.tlb.items():
                real = side.space.table.get(vpn, 0)
                assert not entry & 7 & ~real, "the TLB permits more than the table"
                assert entry >> 12 == real >> 12, "the TLB has another frame"

    def teardown(self):
        for side in self.sides:
            side.space.release()
        assert not self.file.maps
        self.file.evict(0, 1 << 20)
        assert self.memory.frames.free_frames() == self.memory.frames.total - 1


SpaceMachine.TestCase.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, derandomize=False
)
TestSpaceModel = SpaceMachine.TestCase
