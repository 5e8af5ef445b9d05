"""The protocol machine on a debugger that only remembers, and under random packets."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.abi import signal as sig
from starrylab.debug.control.api import Access, CallStop, EventKind, Kind, Reason, Stop, WatchHit
from starrylab.debug.gdb.packets import escape, frame, unescape
from starrylab.debug.gdb.stub import Stub
from starrylab.kernel.signal.info import SignalInfo
from tests.debug.gdb.fake_control import FakeControl
from tests.kernel.conftest import SCRATCH, ScriptedLab


class Wire:
    """A stub on a scripted lab, and gdb's end of the line."""

    def __init__(self, wishes="multiprocess+;fork-events+;vfork-events+;exec-events+;swbreak+;"
                              "hwbreak+;no-resumed+;error-message+"):  # fmt: skip
        self.lab = ScriptedLab()
        self.thread = self.lab.start(lambda m: iter(()))
        self.control = FakeControl(self.lab.kernel)
        self.sent = b""
        self.stub = Stub(self.lab.kernel, self.control, self.take)
        self.control.listen(self.stub.stopped, self.stub.resumed)
        self.ask("QStartNoAckMode")
        if wishes is not None:
            self.ask(f"qSupported:{wishes}")

    def take(self, data):
        self.sent += data

    def ask(self, packet):
        data = packet if isinstance(packet, bytes) else packet.encode()
        self.stub.receive(frame(data))
        return self.replies()

    def replies(self):
        found = re.findall(rb"\$([^#]*)#..", self.sent, re.DOTALL)
        self.sent = b""
        return [unescape(item).decode("latin-1") for item in found]

    def stopped(self, reason, **details):
        self.control.paused = True
        pid = details.pop("pid", 1)
        self.control.stop = Stop(reason, pid, details.pop("tid", pid), 0x1000, **details)
        self.stub.stopped(self.control.stop)
        return self.replies()


@pytest.fixture
def wire():
    return Wire()


def test_what_both_can_is_agreed_on(wire):
    (reply,) = wire.ask("qSupported:multiprocess+;swbreak+;xmlRegisters=i386;qRelocInsn+")
    offered = set(reply.split(";"))
    assert {"multiprocess+", "swbreak+", "vContSupported+", "QCatchSyscalls+"} <= offered
    assert "hwbreak+" not in offered
    assert "qRelocInsn+" not in offered


def test_the_first_process_is_traced(wire):
    assert wire.control.calls("catch_events") == [
        (frozenset((EventKind.FORK, EventKind.EXEC, EventKind.EXIT)),)
    ]
    assert wire.control.calls("adopt") == [(wire.thread.process,)]
    assert wire.ask("qC") == ["QCp1.1"]
    assert wire.ask("qfThreadInfo") == ["mp1.1"]
    assert wire.ask("qsThreadInfo") == ["l"]
    assert wire.ask("qAttached:1") == ["1"]


def test_actions_are_the_first_that_fit(wire):
    assert wire.ask("vCont;s:p1.1;c") == []
    actions, default = wire.control.resumed[-1]
    assert actions[1].kind is Kind.STEP
    assert (default.kind, default.signal) == (Kind.CONTINUE, None)
    assert wire.stopped(Reason.STEP)[0].startswith("T05thread:p1.1;")
    wire.ask("vCont;C1e:p1.-1")
    assert wire.control.resumed[-1][0][1].signal == sig.SIGUSR1
    wire.stopped(Reason.PAUSE)
    wire.ask("vCont;r1000,1010:p1.1;c:p1.-1")
    assert wire.control.resumed[-1][0][1].range == (0x1000, 0x1010)


def test_nothing_to_resume_is_said(wire):
    assert wire.ask("vCont;t") == ["N"]
    assert wire.control.resumed == []


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"reason": Reason.PAUSE}, "T02thread:p1.1;"),
        ({"reason": Reason.STEP}, "T05thread:p1.1;"),
        ({"reason": Reason.BREAKPOINT}, "T05swbreak:;thread:p1.1;"),
        ({"reason": Reason.SIGNAL, "signal": SignalInfo(sig.SIGSEGV)}, "T0bthread:p1.1;"),
        ({"reason": Reason.PROCESS_EXIT, "status": 7 << 8}, "W07;process:1"),
        ({"reason": Reason.PROCESS_EXIT, "status": sig.SIGKILL}, "X09;process:1"),
    ],
)
def test_stop_replies(wire, details, expected):
    wire.ask("vCont;c")
    (reply,) = wire.stopped(**details)
    assert reply.startswith(expected)


def test_a_panic_of_the_kernel_is_explained(wire):
    wire.ask("vCont;c")
    text, reply = wire.stopped(Reason.PANIC, text="KeyError: 5")
    assert bytes.fromhex(text[1:]) == b"kernel panic: KeyError: 5\n"
    assert reply.startswith("T06thread:p1.1;")


@pytest.mark.parametrize(
    ("kind", "access", "key"),
    [(2, Access.WRITE, "watch"), (3, Access.READ, "rwatch"), (4, Access.ANY, "awatch")],
)
def test_watchpoints_are_named_by_their_kind(wire, kind, access, key):
    assert wire.ask(f"Z{kind},{SCRATCH:x},4") == ["OK"]
    assert wire.control.calls("insert_watch") == [(wire.thread.process, SCRATCH, 4, access)]
    wire.ask("vCont;c")
    hit = WatchHit(SCRATCH - 4, 8, access, bytes(4), bytes(4), by_kernel=False)
    (reply,) = wire.stopped(Reason.WATCHPOINT, watch=hit)
    assert f"{key}:{SCRATCH:x};" in reply
    assert wire.ask(f"z{kind},{SCRATCH:x},4") == ["OK"]
    assert wire.control.calls("remove_watch") == [(wire.thread.process, SCRATCH, 4, access)]


def test_breakpoints_of_both_kinds_at_one_address(wire):
    for packet in ("Z0,1000,4", "Z1,1000,4", "z0,1000,4"):
        assert wire.ask(packet) == ["OK"]
    assert wire.control.calls("remove") == []
    wire.ask("vCont;c")
    assert wire.stopped(Reason.BREAKPOINT)[0].startswith("T05hwbreak:;")
    wire.ask("z1,1000,4")
    assert wire.control.calls("remove") == [(wire.thread.process, 0x1000)]


def test_calls_are_reported_only_where_they_were_asked_for(wire):
    call = CallStop(64, "write", (1, 2, 3, 0, 0, 0), None, "")
    wire.ask("vCont;c")
    assert wire.stopped(Reason.SYSCALL_ENTRY, call=call) == []
    assert len(wire.control.resumed) == 2  # it went on by itself
    wire.stopped(Reason.PAUSE)
    wire.ask("QCatchSyscalls:1;40")
    assert wire.control.calls("catch_calls")[-1] == (wire.thread.process, [64])
    wire.ask("vCont;c")
    assert wire.stopped(Reason.SYSCALL_ENTRY, call=call)[0].startswith("T05syscall_entry:40;")


def test_signals_are_not_repeated_when_the_lab_goes_on_by_itself(wire):
    wire.ask("vCont;C0f:p1.1")
    assert wire.stopped(Reason.SIGNAL, pid=9, signal=SignalInfo(sig.SIGCHLD)) == []
    assert [actions[1].signal for actions, _ in wire.control.resumed] == [sig.SIGTERM, None]


def test_signal_lists_are_translated(wire):
    assert wire.ask("QPassSignals:e;14;1c") == ["OK"]
    assert wire.ask("QProgramSignals:1;2") == ["OK"]
    stop, passed = wire.control.calls("set_signals")[-1]
    assert not {sig.SIGALRM, sig.SIGCHLD, sig.SIGWINCH} & stop
    assert sig.SIGUSR1 in stop
    assert passed == {sig.SIGHUP, sig.SIGINT}


def test_packets_wait_while_the_lab_runs_but_ctrl_c_does_not(wire):
    wire.ask("vCont;c")
    assert wire.ask("qC") == []
    wire.stub.receive(b"\x03")
    assert wire.control.calls("pause") == [()]
    reply, later = wire.stopped(Reason.PAUSE)
    assert reply.startswith("T02")
    assert later == "QCp1.1"


def test_two_stops_at_once_are_told_one_after_the_other(wire):
    wire.ask("vCont;c")
    wire.control.paused = True
    wire.stub.stopped(Stop(Reason.STEP, 1, 1, 0))
    wire.stub.stopped(Stop(Reason.SIGNAL, 1, 1, 0, signal=SignalInfo(sig.SIGUSR2)))
    assert [reply[:3] for reply in wire.replies()] == ["T05"]
    assert [reply[:3] for reply in wire.ask("vCont;c")] == ["T1f"]
    assert len(wire.control.resumed) == 1  # the second was told without going on


def test_a_running_lab_is_paused_for_the_first_packet():
    lab = ScriptedLab()
    lab.start(lambda m: iter(()))
    control = FakeControl(lab.kernel)
    control.paused = False
    sent = []
    stub = Stub(lab.kernel, control, sent.append)
    stub.receive(frame(b"?"))
    assert sent == [b"+"]
    assert control.calls("pause") == [()]
    control.paused = True
    stub.stopped(Stop(Reason.PAUSE, 1, 1, 0))
    assert sent[1].startswith(b"$T05thread:1;")


def test_going_away_leaves_nothing(wire):
    wire.ask("Z0,1000,4")
    wire.ask(f"Z2,{SCRATCH:x},8")
    wire.ask("QCatchSyscalls:1")
    wire.stub.closed()
    process, log = wire.thread.process, wire.control.calls
    assert log("remove") == [(process, 0x1000)]
    assert log("remove_watch") == [(process, SCRATCH, 8, Access.WRITE)]
    assert log("catch_calls")[-1] == (process, ())
    assert log("leave_alone") == [(process,)]
    assert log("catch_events")[-1] == ((),)
    assert wire.control.resumed == [({}, None)]


def test_detaching_the_last_lets_the_lab_run(wire):
    assert wire.ask("D;1") == ["OK"]
    assert not wire.control.paused
    assert wire.control.calls("leave_alone") == [(wire.thread.process,)]


def test_memory_stops_where_it_ends(wire):
    end = SCRATCH + 256 * 4096
    assert wire.ask(f"m{end - 2:x},8") == ["0000"]
    assert wire.ask(f"m{end:x},8") == [f"E.no memory at {end:#x}"]


def test_registers_that_wait_for_a_call_are_left_alone(wire):
    wire.thread.pending = object()
    assert wire.ask("P0a=0000000000000000")[0].startswith("E.the thread waits in a system call")
    wire.thread.pending = None
    assert wire.ask("P0a=0100000000000000") == ["OK"]
    assert wire.ask("pa") == ["0100000000000000"]


def test_the_description_comes_in_pieces(wire):
    text, offset = "", 0
    while True:
        (reply,) = wire.ask(f"qXfer:features:read:target.xml:{offset:x},100")
        text += reply[1:]
        offset += len(reply) - 1
        if reply[0] == "l":
            break
    assert text.startswith("<?xml")
    assert text.count("<reg ") == 33 + 32 + 3
    assert 'name="fcsr" bitsize="32" type="int" regnum="68"' in text
    assert "<architecture>riscv:rv64</architecture>" in text


words = st.sampled_from(
    ["qSupported", "vCont;", "vCont;c:", "vCont;r", "qXfer:", "features:read:", "osdata:read:",
     "threads:read::0,ffff", "siginfo:read:", "exec-file:read:", "target.xml:", "vFile:", "open:",
     "pread:", "setfs:", "2f70726f632f312f6d617073,0,0", "readlink:", "fstat:0", "Hg", "Hc", "T",
     "p1.1", "p-1.-1", "p0.0", "Z0,", "Z2,", "z4,", "m", "M", "X", "G", "P", "p", "g", "?",
     "qRcmd,", "68656c70", "737461636b", "7073", "QPassSignals:", "QCatchSyscalls:", "1;",
     ",", ":", ";", "=",
     "0", "ffffffffffffffff", "100000", "8", "vAttach;", "vKill;", "qAttached:",
     "qThreadExtraInfo,", "qXfer:exec-file:read::0,100", "qXfer:osdata:read:threads:0,100",
     "qXfer:siginfo:read::0,80", "qXfer:auxv:read::0,100", "vFile:open:2f70726f63,0,0",
     "qfThreadInfo", "qsThreadInfo", "qC", "s", "c", "C05", "D;1", "!", "qSymbol::", "-1"]
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.lists(words, max_size=6).map("".join).map(str.encode),
                          st.binary(max_size=40)), max_size=8))  # fmt: skip
def test_no_packet_breaks_the_stub(packets):
    wire = Wire()
    for packet in packets:
        wire.stub.receive(frame(escape(packet)))
        if wire.stub.client.running:
            wire.stopped(Reason.PAUSE)
    wire.stub.closed()
    assert not wire.stub.client.traced


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_stub(data):
    wire = Wire()
    wire.stub.receive(data)
    wire.replies()
    wire.stub.receive(b"#00")
    wire.replies()
    if wire.stub.client.running:
        wire.stopped(Reason.PAUSE)
    wire.control.paused = True
    assert wire.ask("vMustReplyEmpty") == [""]
