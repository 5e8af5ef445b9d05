"""What steps ask about code: lines, calls, prologues (DWARF 5, 6.2; the psABI's calls)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from ...abi.arch.unwinding import UNWINDING
from ..peek import Peek

if TYPE_CHECKING:
    from ...kernel.mm.space import AddressSpace
    from ...kernel.thread import Thread
    from ..modules import Module
    from ..stack import Stacks
    from ..symbols.location import Location

_WORD: Final = 8
_LONGJMPS: Final = frozenset(
    {
        "longjmp", "_longjmp", "siglongjmp", "__libc_longjmp", "__libc_siglongjmp",
        "__longjmp", "__longjmp_chk", "____longjmp_chk",
    }
)  # fmt: skip
#: what a handler begins with -> how many calls it is below the handler: C++'s (Itanium C++ ABI,
#: 2.5.3), and that of Rust's catch_unwind
_CATCHES: Final = {"__cxa_begin_catch": 1, "__rust_panic_cleanup": 2}


class Code:
    """The code of one kernel's programs."""

    def __init__(self, stacks: Stacks) -> None:
        self.stacks = stacks
        self._layout = UNWINDING[stacks.kernel.arch]
        self._link = self._layout.general.index(self._layout.return_address) * _WORD
        self._named: WeakKeyDictionary[Module, dict[frozenset[str], tuple[int, ...]]] = (
            WeakKeyDictionary()
        )

    def module(self, space: AddressSpace, addr: int) -> Module | None:
        """Return the module at ``addr``."""
        return self.stacks.modules(space).find(addr)

    def return_address(self, thread: Thread) -> int:
        """Return what the return address register holds."""
        general = thread.context.general()
        return int.from_bytes(general[self._link : self._link + _WORD], "little")

    def called(self, thread: Thread, before: int) -> bool:
        """Say whether the one instruction from ``before`` to where the thread is was a call."""
        link, pc = self.return_address(thread), thread.context.pc
        if not 0 < link - before <= 4 or pc in (link, before):
            return False
        is_call = self._layout.is_call
        return is_call is None or is_call(Peek(thread.mm).read(before, link - before))

    def is_stub(self, space: AddressSpace, addr: int) -> bool:
        """Say whether ``addr`` is in a procedure linkage table."""
        return self.stacks.modules(space).is_stub(addr)

    def is_handlers_end(self, thread: Thread) -> bool:
        """Say whether the thread is where a signal's handler returns to."""
        return self.stacks.unwinder(thread).is_trampoline(thread.context.pc)

    def line_range(self, space: AddressSpace, addr: int) -> tuple[int, int] | None:
        """Return the addresses of the line at ``addr``; ``None`` without line information."""
        module = self.module(space, addr)
        if module is None:
            return None
        found = module.symbols.line_range(addr - module.bias)
        return None if found is None else (found[0] + module.bias, found[1] + module.bias)

    def function_range(self, space: AddressSpace, addr: int) -> tuple[int, int] | None:
        """Return the addresses of the function at ``addr``, if symbols tell."""
        module = self.module(space, addr)
        if module is None:
            return None
        found = module.symbols.function_range(addr - module.bias)
        return None if found is None else (found[0] + module.bias, found[1] + module.bias)

    def locations(self, space: AddressSpace, addr: int) -> list[Location]:
        """Return what is at ``addr``, innermost inlined function first; maybe nothing."""
        module = self.module(space, addr)
        if module is None:
            return []
        return module.symbols.lookup(addr - module.bias)

    def line(self, space: AddressSpace, addr: int) -> tuple[str, int] | None:
        """Return file and line of ``addr``; ``None`` where there is none (DWARF's line 0)."""
        found = self.locations(space, addr)
        return (found[0].file, found[0].line) if found and found[0].line else None

    def inlining(self, space: AddressSpace, addr: int) -> int:
        """Return how many inlined functions ``addr`` is in."""
        return max(0, len(self.locations(space, addr)) - 1)

    def body(self, space: AddressSpace, entry: int) -> int | None:
        """Return where to stop in the function that begins at ``entry``: behind its prologue.

        ``None`` for a function without line information.
        """
        module = self.module(space, entry)
        if module is None or self.line_range(space, entry) is None:
            return None
        addr = entry - module.bias
        name = module.symbols.lookup(addr)[-1].function
        for match in module.symbols.find_function(name) if name else ():
            if match.address == addr:
                return match.prologue_end + module.bias
        return entry

    def is_longjmp(self, space: AddressSpace, addr: int) -> bool:
        """Say whether ``addr`` is in one of the functions of `longjmps`."""
        found = self.locations(space, addr)
        return bool(found) and not _LONGJMPS.isdisjoint(
            (found[-1].function, found[-1].linkage_name)
        )

    def longjmps(self, space: AddressSpace) -> list[int]:
        """Return where functions begin that jump out of others (setjmp(3))."""
        return self._begin(space, _LONGJMPS)

    def catches(self, space: AddressSpace) -> dict[int, int]:
        """Return where functions begin that handlers of exceptions call first.

        With each comes how many calls it is below the handler.
        """
        return {
            addr: calls
            for name, calls in _CATCHES.items()
            for addr in self._begin(space, frozenset({name}))
        }

    def handler(self, thread: Thread, calls: int) -> tuple[int, int] | None:
        """Return where a thread returns to by this many returns, and its stack pointer then."""
        if calls == 1:
            return self.return_address(thread), thread.context.sp
        frames = self.stacks.raw(thread, calls + 1)
        return (frames[calls].pc, frames[calls - 1].cfa) if len(frames) > calls else None

    def _begin(self, space: AddressSpace, names: frozenset[str]) -> list[int]:
        found = []
        for module in self.stacks.modules(space):
            known = self._named.setdefault(module, {})
            if names not in known:
                known[names] = _addresses(module, names)
            found += [addr + module.bias for addr in known[names]]
        return found


def _addresses(module: Module, names: frozenset[str]) -> tuple[int, ...]:
    table = module.symbols.table
    return tuple({symbol.address for name in names for symbol in table.named(name)})
