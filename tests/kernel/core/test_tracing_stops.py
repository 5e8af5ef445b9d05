"""Tracing stops: a tracer on scripted programs."""

from __future__ import annotations

import pytest

from starrylab.abi.signal import SIGKILL, SIGUSR1
from starrylab.kernel.core.attention import ATTENTION_TRACE
from starrylab.kernel.core.sched import State
from starrylab.kernel.core.tracing import Go
from starrylab.kernel.signal.info import SignalInfo
from starrylab.kernel.thread_signals import send_process_signal


class Recorder:
    """A tracer that stops everything in its way; `until_stop` runs the lab up to there."""

    def __init__(self, lab):
        self.kernel = lab.kernel
        self.log = []
        self.answers = []
        self.calls = set()
        self.keep = True
        self.held_call = False
        lab.kernel.attach_tracer(self)

    def stop(self):
        self.kernel.executor.stop()

    def before_user(self, thread):
        answer = self.answers.pop(0) if self.answers else Go.RUN
        if answer is Go.LEAVE:
            self.stop()
        if answer is Go.RUN:
            thread.attention &= ~ATTENTION_TRACE
        return answer

    def trapped(self, thread, trap):
        self.log.append(trap)

    def signal(self, thread, info):
        self.log.append(info.signo)
        return info if self.keep else None

    def wants_call(self, thread, number):
        return number in self.calls

    def call_entered(self, thread, registers):
        self.log.append(("enter", registers[0]))
        self.hold(thread)

    def call_left(self, thread, registers, result):
        self.log.append(("leave", result))
        self.hold(thread)

    def holds_call(self, thread):
        return self.held_call

    def hold(self, thread):
        self.held_call = True
        thread.attend(ATTENTION_TRACE)
        self.stop()

    def go(self, thread):
        self.held_call = False
        thread.attention &= ~ATTENTION_TRACE
        thread.resume_tracing()
        self.kernel.executor.run()


@pytest.fixture
def tracer(lab):
    return Recorder(lab)


def plain(m):
    yield m.call("getppid")
    yield m.call("getppid")
    yield m.call("exit_group", 7)


def test_a_thread_steps_then_stops_and_goes_on(lab, tracer):
    thread = lab.start(plain)
    thread.attend(ATTENTION_TRACE)
    tracer.answers = [Go.STEP, Go.STEP, Go.LEAVE]
    lab.kernel.executor.run()
    assert tracer.log == []  # a call leaves user mode, as the thread has attention
    assert thread.state is State.TRACED
    assert thread.context.results == [0]
    thread.resume_tracing()
    lab.kernel.executor.run()
    assert lab.exit_status == 7 << 8


def test_a_stopped_thread_can_be_killed(lab, tracer):
    thread = lab.start(plain)
    thread.attend(ATTENTION_TRACE)
    tracer.answers = [Go.LEAVE]
    lab.kernel.executor.run()
    thread.process.signals.killable = True
    send_process_signal(thread.process, SignalInfo(SIGKILL), forced=True)
    lab.kernel.executor.run()
    assert lab.exit_status == SIGKILL


def test_only_one_tracer(lab, tracer):
    with pytest.raises(RuntimeError, match="Recorder traces this kernel already"):
        Recorder(lab)


def test_a_call_stops_before_and_after_it_is_served(lab, tracer):
    made = []

    def program(m):
        made.append((yield m.call("eventfd2", 3, 0)))
        yield m.call("exit_group", 0)

    tracer.calls = {lab.hart.numbers["eventfd2"]}
    lab.kernel.calls.catch(tracer)
    thread = lab.start(program)
    lab.kernel.executor.run()
    assert tracer.log == [("enter", 3)]
    assert thread.state is State.TRACED
    assert thread.entry.name == "eventfd2"
    assert len(list(thread.fds)) == 0
    tracer.go(thread)
    assert tracer.log[1:] == [("leave", 0)]
    thread.context.set_result(55)  # a debugger changes its mind
    tracer.go(thread)
    assert made == [55]


def test_a_held_call_does_not_look_at_signals(lab, tracer):
    tracer.calls = {lab.hart.numbers["getppid"]}
    lab.kernel.calls.catch(tracer)
    thread = lab.start(plain)
    lab.kernel.executor.run()
    thread.process.signals.killable = True
    send_process_signal(thread.process, SignalInfo(SIGUSR1))
    assert thread.state is State.TRACED
    lab.kernel.calls.catch(None)
    tracer.go(thread)
    tracer.go(thread)
    assert lab.exit_status == SIGUSR1


@pytest.mark.parametrize("keep", [True, False])
def test_a_signal_may_be_dropped(lab, tracer, keep):
    def program(m):
        yield m.call("kill", 1, SIGUSR1)
        yield m.call("exit_group", 9)

    tracer.keep = keep
    thread = lab.start(program)
    thread.process.signals.killable = True
    lab.kernel.executor.run()
    assert tracer.log == [SIGUSR1]
    assert lab.exit_status == (SIGUSR1 if keep else 9 << 8)
