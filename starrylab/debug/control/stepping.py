"""Commands that move threads: steps by lines and frames, and where to begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...kernel.core.attention import ATTENTION_TRACE
from ..stack import FrameKind
from . import plans
from .api import Action, ControlError, Kind, StepKind
from .locations import parse, resolve
from .plans import Plan
from .repeat import Repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...kernel.thread import Thread
    from .debugger import Debugger


def step(
    debugger: Debugger, tid: int, kind: StepKind, *, count: int = 1, alone: bool = False,
    frame: int = 0, location: str = "", file: str = "", line: int = 0,
) -> None:  # fmt: skip
    """Let thread ``tid`` make a step, and the others run meanwhile, unless ``alone``.

    Processes that are not traced run in any case: the step may be one over a wait for their end.
    ``frame`` is the one that OUT finishes, counted with inlined ones; ``location`` where UNTIL
    goes to, ``file`` and ``line`` its defaults.  Raises `ControlError`.
    """
    if not debugger.paused:
        raise ControlError("the lab is running")
    thread = debugger.kernel.threads.get(tid)
    if thread is None or thread.exited:
        raise ControlError(f"no thread {tid}")
    make = _plan_maker(debugger, thread, kind, frame, location, file, line)
    held = [t.tid for t in debugger.threads() if alone and debugger.traces(t.process)]
    actions = {**dict.fromkeys(held, Action(Kind.HOLD)), tid: Action()}
    plan = None if make is None else Repeat(make, count)
    debugger.resume(actions, plans={tid: plan} if plan is not None else {},
                    calls={tid} if kind is StepKind.CALL else set())  # fmt: skip


def _plan_maker(
    debugger: Debugger, thread: Thread, kind: StepKind, frame: int, location: str,
    file: str, line: int,
) -> Callable[[], Plan] | None:  # fmt: skip
    code, places = debugger.code, debugger.places
    if kind is StepKind.CALL:
        return None
    if kind in (StepKind.INSTRUCTION, StepKind.INSTRUCTION_OVER):
        over = kind is StepKind.INSTRUCTION_OVER
        return lambda: plans.Instruction(thread, code, places, over=over)
    if kind is StepKind.OUT:
        back, cfa, inlined = caller(debugger, thread, frame)
        return lambda: plans.Out(thread, code, places, back=back, cfa=cfa, result=not inlined)
    if kind is StepKind.UNTIL and location:
        targets = resolve(parse(location, file=file, line=line), code, thread.mm)
        if not targets:
            raise ControlError(f"no such place: {location}")
        return lambda: _to(debugger, thread, targets)
    over = kind is not StepKind.LINE
    onward = kind is StepKind.UNTIL
    return lambda: plans.Line(thread, code, places, over=over, onward=onward)


def _to(debugger: Debugger, thread: Thread, targets: Sequence[int]) -> Plan:
    try:
        back, cfa, _ = caller(debugger, thread, 0)
    except ControlError:
        back, cfa = 0, 0
    return plans.To(thread, debugger.code, debugger.places, targets=targets, back=back, cfa=cfa)


def caller(debugger: Debugger, thread: Thread, frame: int) -> tuple[int, int, bool]:
    """Return where the function of ``frame`` returns to, its CFA, and whether it is inlined.

    An inlined function is left with the function that it is in.  `ControlError` for the
    outermost frame.
    """
    frames = debugger.stacks.user(thread)
    if frame >= len(frames):
        raise ControlError(f"no frame {frame}")
    at = frame
    while frames[at].kind is FrameKind.INLINED and at + 1 < len(frames):
        at += 1
    if at + 1 >= len(frames) or not frames[at + 1].pc:
        raise ControlError('"finish" has no meaning in the outermost frame')
    return frames[at + 1].pc, frames[at].cfa, at != frame


def hold_at_start(debugger: Debugger) -> None:
    """Pause before the first user instruction of the first process."""
    thread = debugger.kernel.init.leader
    debugger.tracer.of(thread).pausing = True
    thread.attention |= ATTENTION_TRACE
