"""Signal handlers, default actions and faults, on the scripted machine."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import signal as sig
from starrylab.abi.errno import (
    EFAULT,
    EINVAL,
    ENOMEM,
    EPERM,
)
from starrylab.machine.api import Fault
from tests.kernel.syscalls.signal_support import (
    BAD,
    HANDLER,
    install,
    mask_of,
    recorder,
    set_mask,
    status_of,
)

pytestmark = pytest.mark.timeout(20)

# -- handlers ----------------------------------------------------------------------------


def test_handler_runs_and_the_program_goes_on(lab) -> None:
    seen = recorder(lab)

    def program(m):
        yield install(m, sig.SIGUSR1)
        before = m.registers()
        result = yield m.call("kill", 1, sig.SIGUSR1)
        after = m.registers()
        assert result == 0
        assert after[1:10] == before[1:10]
        assert after[18:] == before[18:]
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    ((signo, info),) = seen
    assert signo == sig.SIGUSR1
    assert struct.unpack_from("<iii4xii", info) == (sig.SIGUSR1, 0, sig.SI_USER, 1, 0)


def test_handler_has_its_signal_and_mask_blocked(lab) -> None:
    masks = []

    def handler(m):
        yield m.call("rt_sigprocmask", 0, 0, m.scratch, 8)
        masks.append(struct.unpack("<Q", m.load(m.scratch, 8))[0])

    lab.hart.texts[HANDLER] = handler

    def program(m):
        yield set_mask(m, sig.SIGHUP)
        yield install(m, sig.SIGUSR1, mask=mask_of(sig.SIGUSR2, sig.SIGKILL, sig.SIGSTOP))
        yield m.call("kill", 1, sig.SIGUSR1)
        yield install(m, sig.SIGUSR1, flags=sig.SA_NODEFER)
        yield m.call("kill", 1, sig.SIGUSR1)
        yield m.call("rt_sigprocmask", 0, 0, m.scratch, 8)
        masks.append(struct.unpack("<Q", m.load(m.scratch, 8))[0])
        yield m.call("exit_group", 0)

    lab.run(program)
    assert masks == [
        mask_of(sig.SIGHUP, sig.SIGUSR1, sig.SIGUSR2), mask_of(sig.SIGHUP), mask_of(sig.SIGHUP),
    ]  # fmt: skip


def test_standard_signals_merge_and_realtime_ones_queue(lab) -> None:
    seen = recorder(lab)

    def program(m):
        for signo in (sig.SIGUSR1, 40, 41):
            yield install(m, signo)
        yield set_mask(m, sig.SIGUSR1, 40, 41)
        for number in range(3):
            yield m.call("kill", 1, sig.SIGUSR1)
            for signo in (41, 40):
                m.store(m.scratch, struct.pack("<iii4xiIQ96x", 0, 0, sig.SI_QUEUE, 1, 0, number))
                yield m.call("rt_sigqueueinfo", 1, signo, m.scratch)
        yield m.call("rt_sigpending", m.scratch, 8)
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGUSR1, 40, 41))
        yield set_mask(m)
        yield m.call("exit_group", 0)

    lab.run(program)
    # A frame is pushed for each number, so the last one runs first; what is left of a queue
    # comes when its handler returns.
    assert [(signo, struct.unpack_from("<Q", info, 24)[0]) for signo, info in seen] == [
        (41, 0), (41, 1), (41, 2), (40, 0), (40, 1), (40, 2), (sig.SIGUSR1, 0),
    ]  # fmt: skip


def test_reset_hand_runs_once(lab) -> None:
    seen = recorder(lab)

    def program(m):
        yield install(m, sig.SIGTERM, flags=sig.SA_RESETHAND)
        pid = yield m.call("getpid")
        yield m.call("kill", pid, sig.SIGTERM)
        yield m.call("kill", pid, sig.SIGTERM)

    assert status_of(lab, program) == sig.SIGTERM
    assert len(seen) == 1


def test_handler_on_the_alternate_stack(lab) -> None:
    stacks = []

    def handler(m):
        stacks.append(m.sp)
        yield m.call("sigaltstack", 0, m.scratch)
        stacks.append(struct.unpack("<Qi4xQ", m.load(m.scratch, 24)))
        m.store(m.scratch, struct.pack("<Qi4xQ", 0, sig.SS_DISABLE, 0))
        stacks.append((yield m.call("sigaltstack", m.scratch, 0)))

    lab.hart.texts[HANDLER] = handler

    def program(m):
        base = m.scratch + 0x4000
        m.store(m.scratch, struct.pack("<Qi4xQ", base, 0, 2047))
        assert (yield m.call("sigaltstack", m.scratch, 0)) == -ENOMEM.errno
        m.store(m.scratch, struct.pack("<Qi4xQ", base, 8, 0x2000))
        assert (yield m.call("sigaltstack", m.scratch, 0)) == -EINVAL.errno
        assert (yield m.call("sigaltstack", BAD, 0)) == -EFAULT.errno
        m.store(m.scratch, struct.pack("<Qi4xQ", base, 0, 0x2000))
        yield m.call("sigaltstack", m.scratch, 0)
        yield install(m, sig.SIGUSR1, flags=sig.SA_ONSTACK)
        yield m.call("kill", 1, sig.SIGUSR1)
        yield m.call("sigaltstack", 0, m.scratch)
        stacks.append(struct.unpack("<Qi4xQ", m.load(m.scratch, 24)))
        yield m.call("exit_group", 0)

    lab.run(program)
    base = 0x10_0000 + 0x4000
    assert base < stacks[0] <= base + 0x2000
    assert stacks[1] == (base, sig.SS_ONSTACK, 0x2000)
    assert stacks[2] == -EPERM.errno
    assert stacks[3] == (base, 0, 0x2000)


def test_no_stack_for_the_frame_kills(lab) -> None:
    recorder(lab)

    def program(m):
        yield install(m, sig.SIGUSR1)
        pid = yield m.call("getpid")
        m.sp = BAD
        yield m.call("kill", pid, sig.SIGUSR1)
        pytest.fail("unreachable")

    assert status_of(lab, program) == sig.SIGSEGV


def test_segv_handler_may_use_the_alternate_stack_when_the_stack_is_gone(lab) -> None:
    seen = recorder(lab)

    def program(m):
        m.store(m.scratch, struct.pack("<Qi4xQ", m.scratch + 0x4000, 0, 0x2000))
        yield m.call("sigaltstack", m.scratch, 0)
        yield install(m, sig.SIGUSR1)
        yield install(m, sig.SIGSEGV, flags=sig.SA_ONSTACK)
        good, m.sp = m.sp, BAD
        yield m.call("kill", 1, sig.SIGUSR1)
        m.sp = good
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    assert [signo for signo, _ in seen] == [sig.SIGSEGV]
    assert struct.unpack_from("<iii", seen[0][1]) == (sig.SIGSEGV, 0, sig.SI_KERNEL)


def test_a_spoilt_frame_kills(lab) -> None:
    def handler(m):
        m.store(m.sp + 128 + 960 - 4, b"\1")
        return
        yield

    lab.hart.texts[HANDLER] = handler

    def program(m):
        yield install(m, sig.SIGUSR1)
        pid = yield m.call("getpid")
        yield m.call("kill", pid, sig.SIGUSR1)
        pytest.fail("unreachable")

    assert status_of(lab, program) == sig.SIGSEGV


def test_sigreturn_without_a_frame_kills(lab) -> None:
    def program(m):
        m.sp = BAD
        yield m.call("rt_sigreturn")
        pytest.fail("unreachable")

    assert status_of(lab, program) == sig.SIGSEGV


# -- default actions and faults --------------------------------------------------------------


@pytest.mark.parametrize("signo", [sig.SIGTERM, sig.SIGKILL, sig.SIGUSR1, sig.SIGQUIT, 33, 64])
def test_default_action_ends(lab, signo) -> None:
    def program(m):
        pid = yield m.call("getpid")
        yield m.call("kill", pid, signo)
        pytest.fail("unreachable")

    assert status_of(lab, program) == signo


@pytest.mark.parametrize("signo", [sig.SIGCHLD, sig.SIGURG, sig.SIGWINCH, sig.SIGCONT])
def test_default_action_ignores(lab, signo) -> None:
    def program(m):
        pid = yield m.call("getpid")
        yield m.call("kill", pid, signo)
        yield m.call("exit_group", 5)

    assert status_of(lab, program) == 5 << 8


def test_init_is_protected_but_not_from_its_own_faults(lab) -> None:
    def program(m):
        for signo in (sig.SIGTERM, sig.SIGKILL, sig.SIGSTOP, sig.SIGSEGV):
            assert (yield m.call("kill", 1, signo)) == 0
        yield Fault("illegal instruction")
        pytest.fail("unreachable")

    lab.run(program)
    assert lab.exit_status == sig.SIGILL


def test_fault_with_a_handler_tells_where(lab) -> None:
    seen = recorder(lab)

    def program(m):
        yield install(m, sig.SIGSEGV)
        m.load(BAD + 5, 1)
        yield m.call("exit_group", 0)

    def handler(m):
        seen.append((m.argument, m.load(m.x[11], 128)))
        yield m.call("exit_group", 9)

    lab.hart.texts[HANDLER] = handler
    lab.run(program)
    assert lab.exit_status == 9 << 8
    assert struct.unpack_from("<iii4xQ", seen[0][1]) == (
        sig.SIGSEGV, 0, sig.SEGV_MAPERR, BAD + 5,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["blocked", "ignored"])
def test_a_fault_cannot_be_refused(lab, how) -> None:
    reports = []
    lab.kernel.events.subscribe("death", reports.append)
    lines = []
    lab.kernel.log = lambda text, level=6: lines.append(text)

    def program(m):
        if how == "blocked":
            yield install(m, sig.SIGILL)
            yield set_mask(m, sig.SIGILL)
        else:
            yield install(m, sig.SIGILL, handler=sig.SIG_IGN)
        yield Fault("illegal instruction")
        pytest.fail("unreachable")

    assert status_of(lab, program) == sig.SIGILL
    (report,) = reports
    assert (report.signo, report.code, report.addr) == (sig.SIGILL, sig.ILL_ILLOPC, report.pc)
    assert dict(report.registers)["pc"] == report.pc
    assert any("SIGILL" in line for line in lines)


def test_the_fault_that_happens_is_the_one_reported(lab) -> None:
    reports = []
    lab.kernel.events.subscribe("death", reports.append)

    def program(m):
        pid = yield m.call("getpid")
        yield set_mask(m, sig.SIGSEGV)
        yield m.call("tkill", pid, sig.SIGSEGV)
        m.load(BAD + 5, 1)

    assert status_of(lab, program) == sig.SIGSEGV
    (report,) = reports
    assert (report.code, report.addr, report.sender) == (sig.SEGV_MAPERR, BAD + 5, 0)


def test_ignored_signals_vanish_even_if_pending(lab) -> None:
    def program(m):
        yield set_mask(m, sig.SIGUSR1)
        yield install(m, sig.SIGUSR1, handler=sig.SIG_IGN)
        yield m.call("kill", 1, sig.SIGUSR1)  # blocked, so it stays
        yield m.call("rt_sigpending", m.scratch, 8)
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGUSR1))
        yield install(m, sig.SIGUSR1, handler=sig.SIG_IGN)
        yield m.call("rt_sigpending", m.scratch, 8)
        assert m.load(m.scratch, 8) == bytes(8)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
