"""Single steps, breakpoints and watched bytes on a board (see `HartDebug`).

A board tells loads from fetches only by permissions.  So a page with breakpoints is a copy that
can be executed and nothing else, and a page with watched bytes lacks the watched accesses; what
then faults is executed in a single step.

A step is a run in a page table of its own, where no code is but the one instruction, on a page of
zeros, which are no instruction: wherever it goes, the CPU stops right behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final, cast

from ...abi.arch.stepping import BREAKPOINTS
from ...abi.numbers import Arch
from ..api import (
    EXEC,
    PAGE_MASK,
    PAGE_SHIFT,
    PAGE_SIZE,
    PTE_FRAME,
    READ,
    STEPPED,
    WRITE,
    Break,
    PageFault,
    PageTable,
    Trap,
    UserContext,
    Watch,
    Watched,
)
from . import instructions
from .context import BoardContext
from .monitor import PC, Cause, Copy, Map, Stop, Unmap, Write, Zero

if TYPE_CHECKING:
    from .hart import BoardHart
    from .spaces import Space

_ACCESS: Final = {Cause.LOAD: READ, Cause.STORE: WRITE, Cause.FETCH: EXEC}
_ELSEWHERE: Final = range(0x100, 0x10000)  #: virtual pages where an instruction can be moved
_LONGEST_SEQUENCE: Final = 16  #: instructions from a load-reserved to its store-conditional


class _Refused(Exception):
    """The code of a step cannot be fetched."""

    def __init__(self, addr: int) -> None:
        super().__init__(f"{addr:#x}")
        self.addr = addr


class Patches:
    """What one address space has of breakpoints and watched bytes."""

    def __init__(self, table: PageTable) -> None:
        self.table = table
        self.addrs: frozenset[int] = frozenset()
        self.watched: tuple[Watched, ...] = ()
        self.copies: dict[int, tuple[int, int]] = {}  #: page -> frame, its copy on the board

    def offsets(self, vpn: int) -> list[int]:
        """Return where the breakpoints of a page are in it."""
        return [addr & PAGE_MASK for addr in self.addrs if addr >> PAGE_SHIFT == vpn]

    def hidden(self, vpn: int) -> int:
        """Return the accesses to a page that have to be looked at."""
        found = READ | WRITE if any(addr >> PAGE_SHIFT == vpn for addr in self.addrs) else 0
        for addr, size, _ in self.watched:
            if addr >> PAGE_SHIFT <= vpn <= addr + size - 1 >> PAGE_SHIFT:
                found = READ | WRITE  # a load may reserve, for a store that would come too late
        return found

    def overlaps(self, addr: int, size: int, access: int) -> bool:
        """Tell whether an access touches watched bytes."""
        return any(
            w.access & access and addr < w.addr + w.size and w.addr < addr + size
            for w in self.watched
        )

    def pages(self) -> set[int]:
        """Return the pages that are not shown as they are."""
        found = {addr >> PAGE_SHIFT for addr in self.addrs}
        for addr, size, _ in self.watched:
            found.update(range(addr >> PAGE_SHIFT, (addr + size - 1 >> PAGE_SHIFT) + 1))
        return found


class BoardDebug:
    """See `HartDebug`."""

    def __init__(self, hart: BoardHart) -> None:
        self._hart = hart
        self._patches: dict[int, Patches] = {}
        self.breakpoint = min(BREAKPOINTS[cast("Arch", hart.arch)], key=len)
        self._decode = instructions.BY_ARCH[hart.arch]

    # -- settings ----------------------------------------------------------------------------------

    def set_breakpoints(self, table: PageTable, addrs: Collection[int]) -> None:
        """See `HartDebug.set_breakpoints`."""
        patches = self._of(table)
        before = patches.pages()
        patches.addrs = frozenset(addrs)
        self._settle(patches, before)

    def set_watched(self, table: PageTable, watched: Collection[Watched]) -> None:
        """See `HartDebug.set_watched`."""
        patches = self._of(table)
        before = patches.pages()
        patches.watched = tuple(watched)
        self._settle(patches, before)

    def _of(self, table: PageTable) -> Patches:
        return self._patches.setdefault(id(table), Patches(table))

    def _settle(self, patches: Patches, before: set[int]) -> None:
        """Let faults show the pages concerned anew."""
        self._forget(patches, before | patches.pages())
        if not patches.addrs and not patches.watched:
            del self._patches[id(patches.table)]

    def _forget(self, patches: Patches, pages: Iterable[int]) -> None:
        hart = self._hart
        space = hart.spaces.find(patches.table)
        for vpn in pages:
            _, copy = patches.copies.pop(vpn, (0, -1))
            if copy >= 0:
                hart.copies.give_back(copy)
            if space is not None and space.forget_page(vpn):
                hart.changes.append(Unmap(space.number, vpn))

    # -- what the hart asks ----------------------------------------------------------------------

    def shown(self, space: Space, vpn: int, entry: int) -> tuple[int, int]:
        """Return where on the board a page is to be seen, -1 for its frame, and the entry."""
        patches = self._patches.get(id(space.table))
        if patches is None:
            return -1, entry
        entry &= ~patches.hidden(vpn)
        if not entry & EXEC or not patches.offsets(vpn):
            return -1, entry
        frame = entry & PTE_FRAME
        old, copy = patches.copies.get(vpn, (-1, -1))
        if old != frame:
            copy = copy if copy >= 0 else self._hart.copies.take_page(keep=frame)
            self._patch(patches, vpn, frame, copy)
            patches.copies[vpn] = frame, copy
        return copy, entry

    def _patch(self, patches: Patches, vpn: int, frame: int, copy: int) -> None:
        original = self._hart.copies.get(frame)
        assert original is not None
        changes = self._hart.changes
        changes.append(Copy(copy, original.at))
        for offset in patches.offsets(vpn):
            changes.append(Write(copy + offset, self.breakpoint[: PAGE_SIZE - offset]))

    def hides(self, space: Space, vpn: int, access: int) -> bool:
        """Tell whether an access that the kernel permits has to be looked at."""
        patches = self._patches.get(id(space.table))
        return patches is not None and bool(patches.hidden(vpn) & access)

    def stored(self, frames: set[int]) -> None:
        """Note that frames changed: their copies with breakpoints are old."""
        for patches in self._patches.values():
            old = [vpn for vpn, (frame, _) in patches.copies.items() if frame in frames]
            self._forget(patches, old)

    def broke(self, space: Space, pc: int) -> Break | None:
        """Return the breakpoint at ``pc``, if it is one of ours."""
        patches = self._patches.get(id(space.table))
        return Break(pc) if patches is not None and pc in patches.addrs else None

    def over(self, context: BoardContext) -> Trap | None:
        """Do an access that was hidden; return the trap that it makes, if any."""
        trap = self.step(context)
        return None if trap is STEPPED else trap

    # -- one instruction -------------------------------------------------------------------------

    def step(self, context: UserContext) -> Trap:
        """See `HartDebug.step`."""
        hart = self._hart
        if not isinstance(context, BoardContext):
            raise TypeError("another hart's context")
        pc, table = context.pc, hart.table
        try:
            word = self._instruction(pc)
            end = pc + self._decode.length(word)
            if self._decode.is_load_reserved(word):
                end = self._sequence_end(end)
            with hart.stepping_space() as space:
                step = _Step(self, space, context, end)
                step.show()
                trap = step.run()
        except _Refused as refused:
            return PageFault(refused.addr, EXEC)
        self.stored({table.get(a >> PAGE_SHIFT, 0) & PTE_FRAME for a in step.stores})
        if trap is not STEPPED:
            return trap
        return self._hit(table, step, word) or trap

    def _hit(self, table: PageTable, step: _Step, word: int) -> Watch | None:
        """Say whether the instruction touched watched bytes."""
        patches = self._patches.get(id(table))
        if patches is None or not patches.watched or step.address is None:
            return None
        size, kinds = self._decode.access(word)
        if step.end > step.pc + 4:
            kinds = READ | WRITE  # a sequence
        overlaps = patches.overlaps(step.address, size, kinds)
        return Watch(step.address, size, kinds) if overlaps else None

    def _code(self, addr: int) -> int:
        """Return the RAM offset of the code at ``addr``; raise `_Refused`."""
        hart = self._hart
        entry = hart.table.get(addr >> PAGE_SHIFT, 0)
        if not entry & EXEC:
            entry = hart.handler.page_fault(addr & ~PAGE_MASK, EXEC)
            if not entry & EXEC:
                raise _Refused(addr)
        return (entry & PTE_FRAME) + (addr & PAGE_MASK)

    def bytes_at(self, addr: int, size: int) -> bytes:
        """Return code; raise `_Refused`."""
        found = b""
        while len(found) < size:
            at = addr + len(found)
            offset = self._code(at)
            part = min(size - len(found), PAGE_SIZE - (at & PAGE_MASK))
            found += self._hart.ram.view[offset : offset + part].tobytes()
        return found

    def _instruction(self, addr: int) -> int:
        """Return the instruction at ``addr``; raise `_Refused`."""
        smallest = self._decode.smallest
        data = self.bytes_at(addr, smallest)
        rest = self._decode.length(int.from_bytes(data, "little")) - smallest
        if rest:
            data += self.bytes_at(addr + smallest, rest)
        return int.from_bytes(data, "little")

    def _sequence_end(self, addr: int) -> int:
        """Return where the sequence ends whose load-reserved is just before ``addr``."""
        end = addr
        for _ in range(_LONGEST_SEQUENCE):
            word = self._instruction(end)
            end += self._decode.length(word)
            if self._decode.is_store_conditional(word):
                return end
        return addr

    def address(self, context: BoardContext, pc: int) -> int | None:
        """Return the address that the instruction at ``pc`` is going to access, if any."""
        registers = context.registers()
        return self._decode.data_address(self._instruction(pc), registers)

    @property
    def hart(self) -> BoardHart:
        """The hart that is debugged."""
        return self._hart


class _Step:
    """One instruction, or one LR/SC sequence, in a page table of its own."""

    def __init__(self, debug: BoardDebug, space: Space, context: BoardContext, end: int) -> None:
        self._debug = debug
        self._hart = debug.hart
        self._space = space
        self.pc = context.pc
        self.end = end
        self.address: int | None = None  #: that it accesses, as far as is known
        self.stores: list[int] = []  #: addresses
        self._pages: dict[int, int] = {}  #: page -> its stand-in on the board
        self._context = context
        self._is_sequence = end > context.pc + 4
        self._moved = 0  #: bytes from where the instruction belongs

    def show(self) -> None:
        """Map the code alone."""
        hart, addr = self._hart, self.pc
        while addr < self.end:
            vpn = addr >> PAGE_SHIFT
            size = min(self.end, vpn + 1 << PAGE_SHIFT) - addr
            code = self._debug.bytes_at(addr, size)
            page = self._pages[vpn] = hart.copies.take_page()
            hart.changes += [
                Zero(page, PAGE_SIZE),
                Write(page + (addr & PAGE_MASK), code),
                Map(self._space.number, vpn, page, EXEC),
            ]
            addr += size

    def run(self) -> Trap:
        """Run up to the next instruction, or to a trap that is not for us."""
        hart, context = self._hart, self._context
        self.address = self._debug.address(context, self.pc)
        try:
            while True:
                hart.code_is_new()
                stop = hart.run_in(self._space, context)
                trap = self._serve(stop)
                if trap is not None:
                    return trap
        finally:
            if self._moved:
                context.pc -= self._moved
            for page in self._pages.values():
                hart.copies.give_back(page)

    def _serve(self, stop: Stop) -> Trap | None:
        if stop.cause is Cause.SYSCALL:
            return self._hart.serve_call() or STEPPED
        if stop.cause is Cause.SLICE:
            return STEPPED  # a jump to itself
        pc = stop.registers[PC]
        if stop.cause in (Cause.LOAD, Cause.STORE) and self.pc <= pc < self.end:
            return self._data(stop.addr, _ACCESS[stop.cause])
        if pc != self.pc:
            return STEPPED  # wherever it went, there is no code
        return self._hart.explain(stop)

    def _data(self, addr: int, access: int) -> Trap | None:
        """Map the page that the instruction accesses; refuse as the kernel does."""
        hart, vpn = self._hart, addr >> PAGE_SHIFT
        if self._is_sequence and hart.entry(addr, WRITE) & WRITE:
            access = WRITE  # a fault at its store would end the reservation
        entry = hart.entry(addr, access)
        if not entry & access:
            return PageFault(addr, access)
        if access == WRITE:
            self.stores.append(addr)
        if vpn in self._pages:
            self._move()
        hart.map_plain(self._space, vpn, entry & ~EXEC)
        return None

    def _move(self) -> None:
        """Execute the instruction at another address, as it accesses its own page.

        Loads and stores of both architectures do not care where they are.
        """
        hart, number = self._hart, self._space.number
        count, table = len(self._pages), hart.table
        first = next(v for v in _ELSEWHERE if not any(v + n in table for n in range(count)))
        pages = sorted(self._pages)
        self._moved = (first - pages[0]) << PAGE_SHIFT
        hart.changes += [Unmap(number, vpn) for vpn in pages]
        hart.changes += [
            Map(number, first + n, self._pages[vpn], EXEC) for n, vpn in enumerate(pages)
        ]
        self._pages = {first + n: self._pages[vpn] for n, vpn in enumerate(pages)}
        self.pc += self._moved
        self.end += self._moved
        self._context.pc += self._moved
