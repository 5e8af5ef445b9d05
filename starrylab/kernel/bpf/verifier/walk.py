"""The walk through all paths of a program (``do_check()`` of ``kernel/bpf/verifier.c``).

A path is followed until the program ends, or until it comes to a place at which at least as
little was known before: whatever may happen from here was looked at then.  Registers that
are not read any more do not count.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from ....abi import ebpf as e
from ....abi.errno import E2BIG
from ..disassembly import text
from . import encoding, steps
from .flow import Flow
from .log import Log, changes, padded, whole
from .refusal import Refused, malformed
from .registers import Kind, Reg
from .scalar import Contradiction
from .state import Frame, State, covers, same

if TYPE_CHECKING:
    from ..instructions import Instruction
    from .subject import Subject

#: Instructions that are looked at.  Linux has 1 000 000; these take some seconds here.
COMPLEXITY_LIMIT: Final = 131_072
_OFTEN: Final = (2, 8)  #: jumps and instructions after which a state is worth remembering
_MOST_REMEMBERED: Final = 64  #: states of one place
_RECENT: Final = 4  #: of a path's own states, to see that it turns in a circle


class _Pending(NamedTuple):
    """A path that is still to be followed."""

    state: State
    at: int
    mark: int  #: of the log


class Walk:
    """One verification.  The modules beside this one say what instructions do."""

    def __init__(self, subject: Subject, log: Log, flow: Flow, sums: frozenset[int]) -> None:
        self.subject = subject
        self.log = log
        self.flow = flow
        self._critical = flow.find_critical(sums)
        self._sums = sums
        self.new_sums: set[int] = set()  #: pointers were added to where nobody thought so
        self.index = 0  #: of the instruction at hand
        self.state = State([Frame(0)])
        self._ids = count(1)
        self._pending: list[_Pending] = []
        self._remembered: dict[int, list[State]] = {}
        self.forced: set[int] = set()  #: places whose states have to be remembered
        self._states = 0

    # -- for the steps -----------------------------------------------------------------------

    def read(self, number: int) -> Reg:
        """Return a register that is read; raise `Refused` if nothing was ever put there."""
        reg = self.state.regs[number]
        if reg.kind is Kind.UNSET:
            raise Refused(f"R{number} !read_ok")
        return reg

    def set(self, number: int, reg: Reg) -> None:
        """Set a register."""
        if number == e.FP:
            raise Refused("frame pointer is read only")
        self.state.regs[number] = reg

    def new_id(self) -> int:
        """Return an identity that nothing has yet."""
        return next(self._ids)

    def later(self, state: State, index: int) -> None:
        """Follow another path when this one is done."""
        if state.parent is not None:
            state.parent.branches += 1
        self._pending.append(_Pending(state, index, self.log.mark()))

    def note_pointer_sum(self) -> None:
        """Note that the instruction at hand calculates with a pointer and a number."""
        if self.index not in self._sums:
            self.new_sums.add(self.index)

    def note_depth(self, frame: int, low: int) -> None:
        """Note that a function uses its stack down to ``low``."""
        start = self.state.frames[frame].start
        depths = self.subject.depths
        depths[start] = max(depths.get(start, 0), -low)

    # -- the walk ----------------------------------------------------------------------------

    def run(self) -> None:
        """Follow every path; raise `Refused`."""
        self.state.regs[e.R1] = Reg(Kind.CTX)
        self.state.regs[e.FP] = Reg(Kind.STACK)
        self.later(self.state, 0)
        while self._pending:
            pending = self._pending.pop()
            self.state, index = pending.state, pending.at
            self.log.cut(pending.mark)
            if self.log.wants_steps:
                self.log.add(f"{index}:{whole(self.state)}\n")
            self._follow(index)
        self._check_depths()
        if not self.log.every_path:
            self.log.cut(0)

    def _follow(self, index: int) -> None:
        """Follow one path to its end."""
        following: int | None = index
        while following is not None:
            index = following
            subject = self.subject
            subject.steps += 1
            if subject.steps > COMPLEXITY_LIMIT:
                raise Refused(f"BPF program is too large. Processed {subject.steps} insn", E2BIG)
            if self._known(index):
                break
            following = self._step(index)
        self._end()

    def _step(self, index: int) -> int | None:
        """Do one instruction; return the next one, ``None`` at the end of the path."""
        self.index = index
        code = self.subject.code
        i = code[index]
        self.state.steps += 1
        if i.kind in (e.JMP, e.JMP32):
            self.state.jumps += 1
        before = self.state.frame.copy() if self.log.wants_steps else None
        line = f"{index}: {text(code, index)}" if before is not None else ""
        try:
            following = steps.STEPS[i.kind](self, i, index)
        except Contradiction:
            following = None  # nothing can come here
        except Refused:
            self.log.add(f"{line}\n" if line else "")
            raise
        if before is not None:
            same_frame = self.state.frames and self.state.frame.start == before.start
            after = changes(before, self.state.frame) if same_frame else ""
            self.log.add(padded(line, after) + "\n")
        return following

    def _known(self, index: int) -> bool:
        """Say whether a path need not be followed from here; remember where it came to."""
        if index not in self.flow.meetings and index not in self.forced:
            return False
        state, live = self.state, self.flow.live
        remembered = self._remembered.setdefault(index, [])
        looked = 0
        for place in range(len(remembered) - 1, -1, -1):
            other = remembered[place]
            if other.branches and index not in self.forced:
                looked += 1
                if looked <= _RECENT and same(other, state, live, index):
                    raise malformed(f"infinite loop detected at insn {index}")
            elif covers(other, state, live, index, self._critical):
                other.hits += 1
                if self.log.wants_steps:
                    self.log.add(f"{index}: safe\n")
                return True
            else:
                other.misses += 1
                if other.misses > 3 * other.hits + 3 and not other.branches:
                    del remembered[place]  # it only costs time
        often = state.jumps >= _OFTEN[0] and state.steps >= _OFTEN[1]
        if index in self.forced or often:
            self._remember(index, remembered)
        return False

    def _remember(self, index: int, remembered: list[State]) -> None:
        if len(remembered) >= _MOST_REMEMBERED and index not in self.forced:
            done = next((s for s in remembered if not s.branches), None)
            if done is None:
                return
            remembered.remove(done)
        state = self.state
        state.forget_single_links()
        state.jumps = state.steps = 0
        kept = state.copy()
        state.parent = kept
        remembered.append(kept)
        self._states += 1

    def _end(self) -> None:
        state = self.state.parent
        while state is not None:
            state.branches -= 1
            if state.branches:
                break
            state = state.parent

    def _check_depths(self) -> None:
        """Check that no chain of calls needs more stack than there is."""
        flow, code, depths = self.flow, self.subject.code, self.subject.depths
        called: dict[int, set[int]] = {start: set() for start in flow.starts}
        for index, i in enumerate(code):
            if i.calls_function or (i.is_wide and i.src == e.PSEUDO_FUNC):
                called[flow.function_of(index)].add(index + i.imm + 1)

        def deepest(start: int, above: int, chain: int) -> None:
            here = above + max(1, -(-depths.get(start, 0) // 16)) * 16
            if here > 512:
                raise Refused(f"combined stack size of {chain} calls is {here}. Too large")
            if chain > 8:
                raise Refused(f"the call stack of {chain} frames is too deep !")
            for other in called[start]:
                deepest(other, here, chain + 1)

        deepest(0, 0, 1)

    def summary(self) -> str:
        """Return the last line of the log."""
        return (
            f"processed {self.subject.steps} insns (limit {COMPLEXITY_LIMIT}) "
            f"max_states_per_insn {max(map(len, self._remembered.values()), default=0)} "
            f"total_states {self._states} peak_states {self._states} mark_read 0\n"
        )


def _arguments(subject: Subject, i: Instruction) -> int:
    helper = subject.helpers.get(i.imm)
    return 5 if helper is None else len(helper.args)


def verify(subject: Subject, log: Log) -> None:
    """Look at every path of a program; raise `Refused`, which is in the log too.

    Again, if it turns out that some number decides more than was thought.
    """
    walk = None
    sums: frozenset[int] = frozenset()
    mark = log.mark()
    try:
        encoding.check(subject.code)
        flow = Flow(subject.code, lambda i: _arguments(subject, i))
        while walk is None or walk.new_sums:
            sums |= frozenset(() if walk is None else walk.new_sums)
            log.restart(mark)
            subject.begin()
            walk = Walk(subject, log, flow, sums)
            walk.run()
    except Refused as refusal:
        log.add(f"{refusal.text}\n")
        raise
    finally:
        if walk is not None:
            log.add(walk.summary())
