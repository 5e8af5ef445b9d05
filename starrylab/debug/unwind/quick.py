"""The return addresses of a stack and nothing else, fast enough for every allocation.

Nearly every function finds its frame by the stack or the frame pointer and saves registers at
fixed offsets.  For these an address stands for four numbers, kept in a dict; whatever is
different (signal frames, expressions, code without call frame information) is left to the
whole unwinder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from . import rows
from .cursor import CfiError

if TYPE_CHECKING:
    from ...abi.arch.unwinding import UnwindLayout
    from .tables import Found

#: by the frame pointer?, CFA's offset, return address's offset from the CFA, frame pointer's;
#: None: it is still in its register
Step = tuple[bool, int, int | None, int | None]
_M64: Final = (1 << 64) - 1


class QuickWalker:
    """Walks the stacks of one address space, as long as its modules stay the same."""

    def __init__(
        self,
        layout: UnwindLayout,
        rules: Callable[[int], Found | None],
        word: Callable[[int], int | None],
    ) -> None:
        self._layout = layout
        self._rules = rules
        self._word = word
        self._steps: dict[int, Step | None] = {}

    def walk(self, general: bytes, limit: int, *, partial: bool = False) -> tuple[int, ...] | None:
        """Return program counter and return addresses; ``None`` if it takes the whole unwinder.

        With ``partial`` what was found until then is returned instead.
        """
        layout = self._layout
        words = memoryview(general).cast("Q")
        numbers = layout.general
        pc = words[layout.pc_word]
        sp = words[numbers.index(layout.stack_pointer)]
        fp = words[numbers.index(layout.frame_pointer)]
        ra: int | None = words[numbers.index(layout.return_address)]
        found = [pc]
        lookup, steps, word, below = pc, self._steps, self._word, -1
        while len(found) < limit:
            step = steps.get(lookup)
            if step is None:
                step = self._step(lookup)
                if step is None:
                    return tuple(found) if partial else None
            by_fp, offset, ra_offset, fp_offset = step
            cfa = (fp if by_fp else sp) + offset
            if ra_offset is not None:
                ra = word(cfa + ra_offset)
            if not ra:
                return tuple(found) if ra == 0 or partial else None
            if cfa <= below:
                return tuple(found) if partial else None
            if fp_offset is not None:
                saved = word(cfa + fp_offset)
                if saved is None:
                    return tuple(found) if partial else None
                fp = saved
            found.append(ra)
            sp = below = cfa
            lookup = ra - 1
        return tuple(found)

    def _step(self, addr: int) -> Step | None:
        if addr in self._steps:
            return None  # known not to be simple
        try:
            found = self._rules(addr)
        except CfiError:
            found = None
        step = self._steps[addr] = self._simple(found) if found is not None else None
        return step

    def _simple(self, found: Found) -> Step | None:
        layout, row = self._layout, found.row
        bases = layout.stack_pointer, layout.frame_pointer
        if row.cfa_register not in bases or found.return_register != layout.return_address:
            return None
        offsets: list[int | None] = []
        for register in (layout.return_address, layout.frame_pointer):
            kind, value = row.rules.get(register, (rows.SAME, 0))
            if kind == rows.SAME:
                offsets.append(None)
            elif kind == rows.OFFSET and isinstance(value, int):
                offsets.append(value)
            else:
                return None
        if found.signal_frame or layout.stack_pointer in row.rules:
            return None
        by_fp = row.cfa_register == layout.frame_pointer
        return by_fp, row.cfa_offset, offsets[0], offsets[1]
