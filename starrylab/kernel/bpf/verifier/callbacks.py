"""Functions that a helper calls: bpf_loop() and bpf_for_each_map_elem().

How often is not known, so a call goes two ways: on, and into the function, from which the path
comes back to the same call.  That ends when a call knows no less than an earlier one; numbers
that differ from one time to the next are taken as unknown, so that it does end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi import bpf as b
from ....abi import ebpf as e
from ....abi.errno import E2BIG
from ..helpers.declare import Helper
from . import registers, scalar, stack
from .arguments import Arguments
from .refusal import Refused, malformed
from .registers import UNKNOWN, Kind, Reg
from .state import MISC, UNWRITTEN, Frame, Slot

if TYPE_CHECKING:
    from .walk import Walk

CALLERS: Final = frozenset({"loop", "for_each_map_elem"})


def begin(walk: Walk, helper: Helper, arguments: Arguments, index: int) -> None:
    """Follow the way into the function later."""
    if len(walk.state.frames) >= b.MAX_CALL_FRAMES:
        raise Refused(f"the call stack of {len(walk.state.frames) + 1} frames is too deep", E2BIG)
    walk.forced.add(index)
    state = walk.state.copy()
    callee = Frame(arguments.function, index)
    context = arguments.context or registers.number(0)
    if helper.name == "loop":
        callee.regs[e.R1] = registers.of(scalar.between(0, scalar.M32))
        callee.regs[e.R2] = context
    else:
        found = arguments.map
        callee.regs[e.R1] = Reg(Kind.MAP, map=found)
        callee.regs[e.R2] = Reg(Kind.KEY, map=found)
        callee.regs[e.R3] = Reg(Kind.VALUE, map=found)
        callee.regs[e.R4] = context
    callee.regs[e.FP] = Reg(Kind.STACK, frame=len(state.frames))
    callee.callback = tuple(dict(frame.stack) for frame in state.frames)
    callee.held = frozenset(state.refs)
    state.frames.append(callee)
    walk.later(state, arguments.function)


def end(walk: Walk, result: Reg) -> int:
    """Go back to the call, which is done again."""
    state = walk.state
    callee = state.frames[-1]
    if not result.is_scalar or result.var.high > 1:
        raise malformed(
            f"At callback return the register R0 has {result.text()} should be in [0, 1]"
        )
    if frozenset(state.refs) != callee.held:
        raise malformed("reference leak: a callback has to give back what it takes, and no more")
    state.frames.pop()
    depth = len(state.frames)
    for where, place, reg in list(state.slots()):
        if reg.kind is Kind.STACK and reg.frame >= depth:
            where[place] = UNKNOWN
    assert callee.callback is not None
    for frame, before in zip(state.frames, callee.callback, strict=True):
        _widen(frame, before)
    return callee.called_from


def _widen(frame: Frame, before: dict[int, Slot]) -> None:
    """Take what differs from the last time as unknown, where both are numbers."""
    for place, slot in list(frame.stack.items()):
        old = before.get(place)
        if isinstance(slot, Reg) and slot.is_scalar:
            if old is None or slot == old:
                continue
            if isinstance(old, Reg) and not old.is_scalar:
                continue
            frame.stack[place] = UNKNOWN
        elif isinstance(slot, bytes) and old is not None and slot != old:
            pairs = zip(slot, stack.letters(old), strict=True)
            frame.stack[place] = bytes(
                new if new in (was, UNWRITTEN) else MISC for new, was in pairs
            )
