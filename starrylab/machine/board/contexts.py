"""Which threads' registers are on the board, which keeps a number of sets."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Final

from . import monitor
from .context import BoardContext, Keeper


class Contexts:
    """Gives out the numbers of the sets; who was not run for longest loses his."""

    def __init__(self, keeper: Keeper, limit: int, changes: list[monitor.Change]) -> None:
        self._keeper: Final = keeper
        self._changes = changes
        self._free = list(range(limit - 1, -1, -1))
        self._touched: set[int] = set()  #: sets that are no longer zeros, as all are at first
        self._used: OrderedDict[int, weakref.ref[BoardContext]] = OrderedDict()

    def new(self, template: BoardContext | None) -> BoardContext:
        """Make a context: zeros, or a copy of ``template``, made on the board if it is there."""
        context = BoardContext(self._keeper, template)
        if template is None or template.number < 0:
            context.must_tell_all()
            return context
        self._give_number(context, keep=template.number)
        self._touched.add(context.number)
        self._changes.append(monitor.CopyContext(context.number, template.number))
        context.dirty, context.fp_dirty = template.dirty, template.fp_dirty
        return context

    def load(self, context: BoardContext) -> None:
        """See to it that ``context`` has a set on the board that says what the kernel says."""
        if context.number < 0:
            self._give_number(context)
            context.must_tell_all(but_zeros=context.number not in self._touched)
            self._touched.add(context.number)
        else:
            self._used.move_to_end(context.number)
        self._changes += context.changes()

    def _give_number(self, context: BoardContext, keep: int = -1) -> None:
        number = self._free.pop() if self._free else self._steal(keep)
        context.number = number
        self._used[number] = weakref.ref(context, lambda _: self._dead(number))

    def _dead(self, number: int) -> None:
        if self._used.pop(number, None) is not None:
            self._free.append(number)

    def _steal(self, keep: int) -> int:
        number = next(n for n in self._used if n != keep)
        old = self._used.pop(number)()
        if old is not None:
            old.bring_home()
        return number
