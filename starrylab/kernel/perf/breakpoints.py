"""PERF_TYPE_BREAKPOINT: the breakpoints and watched bytes of the hart, as events.

The hart keeps them by address space, and whoever uses them is the kernel's tracer: a debugger
takes them away from programs, and there are none for programs while one is attached.  A thread
that meets a breakpoint goes over it by a single step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import perf
from ...abi.errno import EINVAL
from ...machine.api import READ, WRITE, Break, Stepped, Watch, Watched
from ..core.attention import ATTENTION_TRACE
from ..core.tracing import CodeTracer, Go
from . import sampling
from .moment import Moment

if TYPE_CHECKING:
    from ..mm.space import AddressSpace
    from ..thread import Thread
    from .attr import PerfAttr
    from .counter import Counter
    from .system import Perf

_LENGTHS: Final = (1, 2, 4, 8)  #: bytes that can be watched
_CODE_LENGTH: Final = 8  #: sizeof(long), whatever the instruction has
_DEEPEST: Final = 16  #: signal handlers one in the other, of which each met a breakpoint
SLOTS: Final = 4  #: of a thread, or of a group of inherited ones
_Place = tuple[int, int]
_ACCESS: Final = {
    perf.HW_BREAKPOINT_R: READ,
    perf.HW_BREAKPOINT_W: WRITE,
    perf.HW_BREAKPOINT_RW: READ | WRITE,
}


def check_breakpoint(attr: PerfAttr) -> None:
    """Raise ``EINVAL`` for what is no breakpoint, as ``hw_breakpoint_arch_parse`` does."""
    kind, addr, size = attr.bp_type, attr.config1, attr.config2
    if not 0 < kind <= perf.HW_BREAKPOINT_X:
        raise EINVAL
    if kind == perf.HW_BREAKPOINT_X:
        if size != _CODE_LENGTH:
            raise EINVAL
    elif size not in _LENGTHS or addr & (size - 1):
        raise EINVAL
    if addr >> 63:
        raise EINVAL  # the kernel is not at any address


class Breakpoints(CodeTracer):
    """The kernel's `Tracer` while programs have such events, and no debugger is attached."""

    def __init__(self, owner: Perf) -> None:
        self._perf = owner
        self._spaces: dict[Counter, AddressSpace] = {}  #: running counter -> where it is set
        #: breakpoints that were told and not yet gone over, by pc and sp: a signal's handler may
        #: run before that, and meet others
        self._over: dict[Thread, list[_Place]] = {}
        self._stepping: dict[Thread, _Place] = {}

    @property
    def available(self) -> bool:
        """Whether no debugger has taken them."""
        tracer = self._perf.kernel.tracer
        return tracer is None or tracer is self

    # -- settings

    def began(self, counter: Counter) -> None:
        """Set the breakpoint of a counter that runs from now on."""
        thread = counter.context.thread
        kernel = self._perf.kernel
        if thread is None or not self.available:
            return
        if kernel.tracer is None:
            kernel.attach_tracer(self)
        self._spaces[counter] = thread.mm
        self._set(thread.mm)

    def ended(self, counter: Counter) -> None:
        """Undo `began`."""
        space = self._spaces.pop(counter, None)
        if space is None:
            return
        self._set(space)
        if not self._spaces and self._perf.kernel.tracer is self:
            self._perf.kernel.tracer = None
            self._forget()

    def moved(self, thread: Thread) -> None:
        """Set the breakpoints of a thread in the memory of its new program."""
        for counter, space in tuple(self._spaces.items()):
            if counter.context.thread is thread and space is not thread.mm:
                self._spaces[counter] = thread.mm
                self._set(space)
        self._set(thread.mm)

    def _set(self, space: AddressSpace) -> None:
        """Tell the hart what belongs to one address space."""
        attrs = [counter.attr for counter, where in self._spaces.items() if where is space]
        debug = self._perf.kernel.hart.debug()
        debug.set_breakpoints(
            space.table, {attr.config1 for attr in attrs if attr.bp_type == perf.HW_BREAKPOINT_X}
        )
        debug.set_watched(
            space.table,
            [
                Watched(attr.config1, attr.config2, _ACCESS[attr.bp_type])
                for attr in attrs
                if attr.bp_type in _ACCESS
            ],
        )

    def give_way(self) -> None:
        """Take all of them back: a debugger comes."""
        spaces, self._spaces = set(self._spaces.values()), {}
        for space in spaces:
            self._set(space)
        self._forget()

    def _forget(self) -> None:
        self._over.clear()
        self._stepping.clear()

    # -- the kernel's tracer

    def trapped(self, thread: Thread, trap: Break | Watch | Stepped) -> None:
        """See `Tracer.trapped`."""
        self._stepped(thread)
        if isinstance(trap, Break):
            thread.attention |= ATTENTION_TRACE
            over, place = self._over.setdefault(thread, []), (trap.addr, thread.context.sp)
            if place not in over:
                over.append(place)
                del over[:-_DEEPEST]
                self._tell(thread, trap.addr, 1, perf.HW_BREAKPOINT_X)
        elif isinstance(trap, Watch):
            kind = perf.HW_BREAKPOINT_W if trap.access & WRITE else perf.HW_BREAKPOINT_R
            self._tell(thread, trap.addr, trap.size, kind)

    def _tell(self, thread: Thread, addr: int, size: int, kind: int) -> None:
        for counter in self._perf.counting(thread, perf.KEY_BREAKPOINT):
            attr = counter.attr
            length = 1 if attr.bp_type == perf.HW_BREAKPOINT_X else attr.config2
            if attr.bp_type & kind and addr < attr.config1 + length and attr.config1 < addr + size:
                moment = Moment(thread, thread.context.pc, user=True, addr=attr.config1)
                sampling.happened(counter, moment)

    def before_user(self, thread: Thread) -> Go:
        """See `Tracer.before_user`."""
        place = (thread.context.pc, thread.context.sp)
        if self._stepping.get(thread, place) != place:
            self._stepped(thread)  # over a system call that has waited
        if place in self._over.get(thread, ()):
            self._stepping[thread] = place
            return Go.STEP
        thread.attention &= ~ATTENTION_TRACE
        return Go.RUN

    def _stepped(self, thread: Thread) -> None:
        """Forget the breakpoint that a thread has gone over."""
        place = self._stepping.pop(thread, None)
        if place is not None:
            self._over[thread].remove(place)
            if not self._over[thread]:
                del self._over[thread]
