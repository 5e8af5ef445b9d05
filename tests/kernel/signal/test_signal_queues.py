"""Queues, masks, actions and stacks alone: no thread, no machine."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from starrylab.abi import signal as sig
from starrylab.abi.errno import EINVAL, ENOMEM, EPERM
from starrylab.kernel.signal import sets
from starrylab.kernel.signal.actions import DEFAULT, SignalAction, SignalActions
from starrylab.kernel.signal.info import SignalInfo
from starrylab.kernel.signal.manager import ProcessSignals, ThreadSignals
from starrylab.kernel.signal.pending import PendingSignals
from starrylab.kernel.signal.stack import NO_STACK, SignalStack, changed

NUMBERS = st.integers(1, 64)
MASKS = st.integers(0, sets.ALL)
SYNCHRONOUS = (sig.SIGSEGV, sig.SIGBUS, sig.SIGILL, sig.SIGTRAP, sig.SIGFPE, sig.SIGSYS)


def first(ready: set[int]) -> int:
    """The order of delivery, in words: exceptions first, then the lowest number."""
    urgent = [signo for signo in ready if signo in SYNCHRONOUS]
    return min(urgent or ready, default=0)


class QueueModel(RuleBasedStateMachine):
    """`PendingSignals` against lists of infos."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = PendingSignals()
        self.model: dict[int, deque[SignalInfo]] = {n: deque() for n in range(1, 65)}

    @rule(signo=NUMBERS, value=st.integers(0, 9))
    def add(self, signo: int, value: int) -> None:
        info = SignalInfo(signo, sig.SI_QUEUE, value=value)
        merged = signo < 32 and bool(self.model[signo])
        assert self.queue.add(info) is not merged
        if not merged:
            self.model[signo].append(info)

    @rule(blocked=MASKS)
    def take_next(self, blocked: int) -> None:
        ready = {n for n, infos in self.model.items() if infos and not blocked >> n - 1 & 1}
        signo = self.queue.next(blocked)
        assert signo == first(ready)
        if signo:
            assert self.queue.take(signo) is self.model[signo].popleft()

    @rule(signo=NUMBERS)
    def take_missing(self, signo: int) -> None:
        if not self.model[signo]:
            with pytest.raises(KeyError):
                self.queue.take(signo)

    @rule(signals=MASKS)
    def discard(self, signals: int) -> None:
        self.queue.discard(signals)
        for signo in sets.members(signals):
            self.model[signo].clear()

    @invariant()
    def same(self) -> None:
        assert sets.members(self.queue.set) == [n for n, infos in self.model.items() if infos]
        assert self.queue.queued == sum(map(len, self.model.values()))


TestQueueModel = QueueModel.TestCase


def test_find_timer() -> None:
    queue = PendingSignals()
    for timer in (3, 4):
        queue.add(SignalInfo(40, sig.SI_TIMER, timer=timer))
    queue.add(SignalInfo(sig.SIGALRM, sig.SI_USER, pid=3))
    found = queue.find_timer(40, 4)
    assert found is not None
    assert found.timer == 4
    assert queue.find_timer(40, 5) is None
    assert queue.find_timer(sig.SIGALRM, 0) is None


@given(st.lists(NUMBERS), st.lists(NUMBERS), MASKS)
def test_delivery_order(own: list[int], shared: list[int], mask: int) -> None:
    process = ProcessSignals()
    thread = ThreadSignals(process)
    thread.mask = mask & ~sets.UNBLOCKABLE
    for signo in own:
        thread.pending.add(SignalInfo(signo, pid=1))
    for signo in shared:
        process.pending.add(SignalInfo(signo, pid=2))
    left = []
    for numbers in (own, shared):  # the thread's own first
        kept = {n for n in numbers if n < 32} | {n for n in numbers if n >= 32}
        count = {n: 1 if n < 32 else numbers.count(n) for n in kept}
        ready = {n for n in kept if not thread.mask >> n - 1 & 1}
        while ready:
            signo = first(ready)
            left.append(signo)
            count[signo] -= 1
            if not count[signo]:
                ready.discard(signo)
    got = []
    while thread.pending_any():
        info = thread.dequeue()
        assert info is not None
        got.append(info.signo)
    assert got == left
    assert thread.dequeue() is None
    assert thread.deliverable() == 0
    assert thread.pending_set() & ~thread.mask == 0


def test_waited_signals_are_not_delivered() -> None:
    thread = ThreadSignals(ProcessSignals())
    thread.waited = sets.bit(10)
    thread.pending.add(SignalInfo(10))
    assert not thread.pending_any()
    assert thread.dequeue() is None
    info = thread.dequeue_any_of(sets.bit(10))
    assert info is not None
    assert info.signo == 10


def test_temporary_mask_survives_nesting_and_protects_kill() -> None:
    thread = ThreadSignals(ProcessSignals())
    thread.mask = sets.bit(10)
    thread.pending.add(SignalInfo(10))
    assert not thread.set_temporary_mask(sets.ALL)
    assert thread.mask == sets.ALL & ~sets.UNBLOCKABLE
    assert thread.set_temporary_mask(0)
    thread.restore_mask()
    assert thread.mask == sets.bit(10)
    thread.restore_mask()
    assert thread.mask == sets.bit(10)


@given(st.lists(st.tuples(NUMBERS, st.integers(0, 3))))
def test_action_masks(changes: list[tuple[int, int]]) -> None:
    actions = SignalActions()
    handlers = dict.fromkeys(range(1, 65), 0)
    for signo, handler in changes:
        actions[signo] = SignalAction(handler)
        handlers[signo] = handler
    ignorable = {sig.SIGCHLD, sig.SIGCONT, sig.SIGURG, sig.SIGWINCH}
    for table in (actions, actions.copy()):
        assert sets.members(table.caught) == [n for n, h in handlers.items() if h > 1]
        assert sets.members(table.ignored) == [
            n for n, h in handlers.items() if h == 1 or (h == 0 and n in ignorable)
        ]
        assert sets.members(table.ignored_by_choice) == [n for n, h in handlers.items() if h == 1]
    copy = actions.copy()
    copy.reset_for_exec()
    assert copy.caught == 0
    assert copy.ignored_by_choice == actions.ignored_by_choice
    assert [copy[n].handler for n in range(1, 65)] == [min(h, 1) if h == 1 else 0
                                                       for h in handlers.values()]  # fmt: skip
    assert {n: actions[n].handler for n in range(1, 65)} == handlers  # the copy is its own


def test_refuses() -> None:
    thread = ThreadSignals(ProcessSignals())
    assert not thread.refuses(sig.SIGTTIN)
    thread.mask = sets.bit(sig.SIGTTIN)
    assert thread.refuses(sig.SIGTTIN)
    thread.mask = 0
    thread.process.actions[sig.SIGTTIN] = SignalAction(sig.SIG_IGN)
    assert thread.refuses(sig.SIGTTIN)
    thread.process.actions[sig.SIGTTIN] = DEFAULT
    assert not thread.refuses(sig.SIGTTIN)


def test_stack_rules() -> None:
    stack = SignalStack(0x1000, 0, 0x2000)
    assert changed(NO_STACK, stack, 0x9000, 2048) == stack
    assert not stack.in_use(0x1000)  # a full stack is outside
    assert stack.in_use(0x1001)
    assert stack.in_use(0x3000)  # an empty one inside
    assert not stack.in_use(0x3001)
    with pytest.raises(EPERM):
        changed(stack, NO_STACK, 0x2000, 2048)
    with pytest.raises(ENOMEM):
        changed(NO_STACK, SignalStack(0x1000, 0, 2047), 0x9000, 2048)
    with pytest.raises(EINVAL):
        changed(NO_STACK, SignalStack(0x1000, 4, 0x2000), 0x9000, 2048)
    disabled = changed(stack, SignalStack(0x5000, sig.SS_DISABLE, 1), 0x9000, 2048)
    assert disabled == NO_STACK
    assert disabled.reported_flags(0) == sig.SS_DISABLE


def test_autodisarm_stack_is_never_in_use() -> None:
    stack = SignalStack(0x1000, sig.SS_AUTODISARM, 0x2000)
    assert not stack.in_use(0x2000)
    assert stack.reported_flags(0x2000) == sig.SS_AUTODISARM
    assert changed(stack, NO_STACK, 0x2000, 2048) == NO_STACK
    plain = SignalStack(0x1000, 0, 0x2000)
    assert plain.reported_flags(0x2000) == sig.SS_ONSTACK
    assert plain.reported_flags(0x9000) == 0


@pytest.mark.parametrize(
    ("signo", "name"), [(1, "SIGHUP"), (9, "SIGKILL"), (31, "SIGSYS"), (32, "SIGRTMIN"),
                        (34, "SIGRTMIN+2"), (64, "SIGRTMIN+32"), (0, "signal 0")],
)  # fmt: skip
def test_names(signo: int, name: str) -> None:
    assert sig.name(signo) == name


def test_names_agree_with_the_numbers() -> None:
    for signo in range(1, 32):
        assert getattr(sig, sig.name(signo)) == signo


def test_default_actions_are_a_partition() -> None:
    assert sets.IGNORED & sets.CORE == 0
    assert sets.IGNORED & sets.STOPPING == 0
    assert sets.CORE & sets.STOPPING == 0
    assert sets.members(sets.set_of(3, 64, 1)) == [1, 3, 64]
