"""The lab's side of the debugger's protocol: any command is answered, and none hurts."""

from __future__ import annotations

import typing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.debug.control.debugger import Debugger
from starrylab.session.debugging import model
from starrylab.session.debugging.serving import DebugServer
from starrylab.userland import compile_c
from tests.debug.control.conftest import PROGRAMS, Bench

NUMBERS = st.sampled_from([0, 1, 2, -1, 7, 4096, 1 << 31, 1 << 40, (1 << 64) - 1])
WORDS = st.one_of(
    st.sampled_from(
        [
            "", "main", "twice", "steps.c:20", "steps.c:main", "12", "+3", "*0x10000", "*-1", "n",
            "$pc", "$sp", "counter", "&watched", "watched[1]", "*(char *)0", "buffer", "steps.c",
            "read", "SIGUSR1", "all", "10", "syscall", "signal", "fork", "exec", "exit", "next",
            "step", "finish", "until", "stepi", "call", "4xw", "s", "3i", "/", "a b", "1/0", "\0",
        ]
    ),
    st.text(max_size=8),
)  # fmt: skip
BY_TYPE = {
    int: NUMBERS,
    str: WORDS,
    bool: st.booleans(),
    bytes: st.binary(max_size=9),
    tuple[str, ...]: st.lists(WORDS, max_size=2).map(tuple),
    tuple[int, ...]: st.lists(NUMBERS, max_size=2).map(tuple),
    int | None: st.none() | NUMBERS,
    str | None: st.none() | WORDS,
    bool | None: st.none() | st.booleans(),
}


def command_of(kind: type) -> st.SearchStrategy:
    hints = typing.get_type_hints(kind)
    fields = {name: BY_TYPE[hints[name]] for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


#: Those that let the program run would be another test; the lab is paused all the time here.
RUNNING = {model.Continue, model.Step, model.Kill, model.Detach, model.Pause, model.NonStop}
LOOKING = [kind for kind in typing.get_args(model.DebugCommand) if kind not in RUNNING]


@pytest.fixture(scope="module")
def served():
    program = compile_c([PROGRAMS / "steps.c"], "riscv64", flags=("-g", "-O0"))
    bench = Bench(program)
    sent: list[object] = []
    server = DebugServer(bench.debugger, sent.append)
    bench.debugger.run()
    server.serve(model.Debug(1, model.Break("factorial")))
    bench.debugger.resume()
    bench.debugger.run()
    yield server, sent
    bench.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(command=st.one_of([command_of(kind) for kind in LOOKING]))
def test_any_command_gets_one_reply(served, command):
    server, sent = served
    sent.clear()
    server.serve(model.Debug(5, command))
    (reply,) = sent
    assert reply.number == 5
    assert (reply.answer is None) == bool(reply.error)
    assert "\n" not in reply.error
    server.serve(model.Debug(6, model.Delete(0)))


def test_running_commands_are_refused_while_the_lab_runs(served):
    server, sent = served
    sent.clear()
    debugger: Debugger = server.debugger
    debugger.paused = False
    try:
        for command in (model.Continue(), model.Step("next"), model.SetMemory(0, b"x")):
            server.serve(model.Debug(1, command))
    finally:
        debugger.paused = True
    assert {reply.error for reply in sent} == {"the lab is running"}


def test_a_stop_is_told_with_its_frame(served):
    server, sent = served
    sent.clear()
    server.serve(model.Debug(1, model.Step("finish")))
    server.debugger.run()
    resumed, reply, stopped = sent
    assert isinstance(reply, model.DebugReply)
    assert isinstance(resumed, model.Resumed)
    assert (stopped.reason, stopped.frame.function) == ("step", "main")
    assert stopped.text == "Value returned: 120 (0x78)"
