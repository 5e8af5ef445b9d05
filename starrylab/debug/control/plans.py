"""Steps: what a thread does, instruction by instruction, until one is complete.

A plan is asked each time its thread is about to enter user mode.  A frame is known by its stack
pointer at a call: on return it is the same again, and in a deeper recursion it is lower.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

from .api import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...kernel.thread import Thread
    from .code import Code
    from .places import Places

_LONGEST_JUMP: Final = 20_000  #: instructions that a longjmp may take


class Next(Enum):
    """What a plan wants."""

    STEP = auto()  #: one instruction
    RUN = auto()  #: up to a breakpoint
    DONE = auto()


class Plan(Protocol):
    """One step of one thread."""

    @property
    def reason(self) -> Reason:
        """What to call its end."""
        ...

    @property
    def value(self) -> int | None:
        """What a finished function returned."""
        ...

    @property
    def text(self) -> str:
        """What was special about it, for people."""
        ...

    def advance(self) -> Next:
        """Say what comes next, at the thread's present registers."""
        ...

    def signal_comes(self) -> None:
        """Note that a signal's handler is about to be entered from here."""
        ...

    def end(self) -> None:
        """Take the plan's breakpoints away; it may be complete or given up."""
        ...


class _Base:
    """What plans have in common: waiting for a place, in a frame or in one further out."""

    reason = Reason.STEP

    def __init__(self, thread: Thread, code: Code, places: Places) -> None:
        self.thread = thread
        self.code = code
        self.places = places
        self.space = thread.mm
        self.value: int | None = None
        self.text = ""
        self.first = thread.pending is None  # the return of a call is a step as well
        self.sp = thread.context.sp  #: of the frame that is stepped
        self._set: list[int] = []
        self._targets: dict[int, int] = {}  #: address -> least stack pointer there
        self._outer = self.sp  #: least stack pointer of frames that are not below
        self._longjmps: frozenset[int] = frozenset()
        self._catches: dict[int, int] = {}
        self._jumping = 0  #: instructions that a longjmp took so far
        self._jump_sp = 0
        self._before = 0  #: the program counter when a signal came

    def wait_for(self, targets: dict[int, int]) -> Next:
        """Run up to one of these addresses, a longjmp out, or the handler of an exception."""
        self._targets = targets
        self._longjmps = frozenset(self.code.longjmps(self.space))
        self._catches = self.code.catches(self.space)
        self._outer = min((sp for sp in targets.values() if sp), default=self.sp)
        for addr in (*targets, *self._longjmps, *self._catches):
            self._break_at(addr)
        return Next.RUN

    def _break_at(self, addr: int) -> None:
        self.places.add(self.space, addr, self)
        self._set.append(addr)

    def still_waiting(self) -> Next | None:
        """Say how to go on waiting; ``None`` when it is over."""
        if self._jumping:
            return self._jump()
        if not self._targets:
            return None
        pc, sp = self.thread.context.pc, self.thread.context.sp
        if pc in self._targets and sp >= self._targets[pc]:
            self.end()
            return None
        if pc in self._longjmps:
            self._jumping, self._jump_sp = 1, sp
            return Next.STEP
        if pc in self._catches:
            handler = self.code.handler(self.thread, self._catches[pc])
            if handler is not None and handler[1] >= self._outer:
                # The frame of a handler, and none below: on into the handler itself.
                self.text = "exception"
                self._targets = dict([handler])
                self._break_at(handler[0])
        return Next.RUN

    def _jump(self) -> Next | None:
        """Follow a longjmp to where it goes: out of its function, to a frame that is not below."""
        pc, sp = self.thread.context.pc, self.thread.context.sp
        self._jumping += 1
        left = sp >= self._jump_sp and not self.code.is_longjmp(self.space, pc)
        if not left and self._jumping < _LONGEST_JUMP:
            return Next.STEP
        self._jumping = 0
        if sp < self.sp:
            return Next.RUN  # it stayed within what was called
        self.end()
        self.text = "longjmp"
        return None

    def signal_comes(self) -> None:
        """See `Plan.signal_comes`."""
        if not self._targets:  # else the handler runs on the way anyhow
            self._before = self.thread.context.pc

    def skip_handler(self) -> Next | None:
        """Run through a signal's handler, if one has just been entered."""
        before, self._before = self._before, 0
        if not before or self.thread.context.pc == before or self._targets:
            return None
        return self.wait_for({before: self.sp})

    def end(self) -> None:
        """See `Plan.end`."""
        for addr in self._set:
            self.places.remove(self.space, addr, self)
        self._set.clear()
        self._targets = {}


class Instruction(_Base):
    """One instruction; ``over``: a call is one."""

    def __init__(self, thread: Thread, code: Code, places: Places, *, over: bool) -> None:
        super().__init__(thread, code, places)
        self._over = over
        self._pc = thread.context.pc

    def advance(self) -> Next:
        """See `Plan.advance`."""
        going = self.still_waiting()
        if going is not None:
            return going
        if self.first:
            self.first = False
            return Next.STEP
        if self._over and self._pc and self.code.called(self.thread, self._pc):
            self._pc = 0
            return self.wait_for({self.code.return_address(self.thread): self.sp})
        return Next.DONE


class Within(_Base):
    """Instruction by instruction as long as the thread stays in a range (vCont;r)."""

    def __init__(self, thread: Thread, code: Code, places: Places, within: tuple[int, int]) -> None:
        super().__init__(thread, code, places)
        self._range = within

    def advance(self) -> Next:
        """See `Plan.advance`."""
        first, self.first = self.first, False
        inside = self._range[0] <= self.thread.context.pc < self._range[1]
        return Next.STEP if first or inside else Next.DONE


class Line(_Base):
    """To the start of another line; ``over``: calls and inlined functions belong to theirs."""

    def __init__(
        self, thread: Thread, code: Code, places: Places, *, over: bool, onward: bool = False
    ) -> None:
        super().__init__(thread, code, places)
        self._over = over
        pc = thread.context.pc
        found = code.line_range(self.space, pc)
        function = code.function_range(self.space, pc)
        if found is None and function is not None:
            found = function  # without lines, the step ends with the function
        elif onward and found is not None and function is not None:
            found = function[0], found[1]  # until: a jump back is still the same
        self._range = found if found is not None else (pc, pc + 1)
        self._inlining = code.inlining(self.space, pc)
        self._line = code.line(self.space, pc)
        self._prior = pc
        self._entering: int | None = None  #: the body of a function that is entered
        self._stub: tuple[int, int] | None = None  #: return address and stack pointer of a call

    def advance(self) -> Next:
        """See `Plan.advance`."""
        going = self.still_waiting() or self.skip_handler()
        if going is not None:
            return going
        pc = self.thread.context.pc
        if self.first:
            self.first = False
            self._prior = pc
            return Next.STEP
        if pc == self._entering:
            return Next.DONE
        prior, self._prior = self._prior, pc
        if self._stub is not None:
            return self._through_stub(pc, *self._stub)
        if self.code.called(self.thread, prior):
            return self._call(pc)
        return self._at(pc)

    def _call(self, entry: int) -> Next:
        back, sp = self.code.return_address(self.thread), self.thread.context.sp
        if self._over:
            return self.wait_for({back: sp})
        if self.code.is_stub(self.space, entry):
            self._stub = back, sp
            return Next.STEP
        return self._enter(entry, back, sp)

    def _through_stub(self, pc: int, back: int, sp: int) -> Next:
        if self.code.is_stub(self.space, pc):
            return Next.STEP
        self._stub = None
        return self._enter(pc, back, sp)

    def _enter(self, entry: int, back: int, sp: int) -> Next:
        """Go into a function that has lines, and over one that has none."""
        body = self.code.body(self.space, entry)
        if body is None:
            return self.wait_for({back: sp})
        self._entering = body
        return Next.DONE if body == entry else self.wait_for({body: 0, back: sp})

    def _at(self, pc: int) -> Next:
        """Decide at an instruction of this frame, or of one that it returned to."""
        sp = self.thread.context.sp
        if self._range[0] <= pc < self._range[1]:
            return Next.STEP
        line = self.code.line_range(self.space, pc)
        if line is None:
            if self.code.is_stub(self.space, pc) or self.code.is_handlers_end(self.thread):
                return Next.STEP
            # A tail call, or a caller without lines: on to whoever comes after it.
            back = self.code.return_address(self.thread)
            if not self.code.line_range(self.space, back) or back == pc:
                return Next.RUN
            return self.wait_for({back: sp})
        inlining = self.code.inlining(self.space, pc)
        if sp > self.sp:
            self.sp, self._inlining = sp, inlining
        elif self._over and inlining > self._inlining:
            return Next.STEP
        here = self.code.line(self.space, pc)
        if pc == line[0] and here not in (self._line, None):
            return Next.DONE
        # In the middle of a line (a function returned), in another part of the same one, or in
        # code that the compiler says belongs to no line.
        self._range, self._line = line, here or self._line
        return Next.STEP


class Out(_Base):
    """To the caller of a frame, with the value that its function returns."""

    reason = Reason.STEP

    def __init__(
        self, thread: Thread, code: Code, places: Places, *, back: int, cfa: int, result: bool
    ) -> None:
        super().__init__(thread, code, places)
        self._back = back
        self._cfa = cfa
        self._result = result

    def advance(self) -> Next:
        """See `Plan.advance`."""
        going = self.still_waiting()
        if going is not None:
            return going
        if self.first:
            self.first = False
            self.sp = self._cfa
            return self.wait_for({self._back: self._cfa})
        if self._result and not self.text:
            self.value = self.thread.context.arguments()[0]
        return Next.DONE


class To(_Base):
    """To any of some addresses, or out of a frame (``until`` and ``advance``)."""

    def __init__(
        self, thread: Thread, code: Code, places: Places, *, targets: Sequence[int],
        back: int, cfa: int,
    ) -> None:  # fmt: skip
        super().__init__(thread, code, places)
        self._goals = dict.fromkeys(targets, 0)
        if back:
            self._goals.setdefault(back, cfa)

    def advance(self) -> Next:
        """See `Plan.advance`."""
        if self.first:
            self.first = False
            return self.wait_for(self._goals)
        return self.still_waiting() or Next.DONE
