"""What happens to a wait when a signal and what was waited for come at the same time.

As in Linux (``___wait_event``, <linux/wait.h>) the wait is over, and the handler runs after it.
"""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import signal as sig
from starrylab.abi.errno import EINTR
from starrylab.abi.fcntl import AT_FDCWD, O_RDONLY, O_WRONLY
from starrylab.abi.poll import POLLIN
from starrylab.abi.stat import S_IFIFO
from tests.kernel.syscalls.signal_support import install, recorder, set_mask

pytestmark = pytest.mark.timeout(20)

FDS = 0x680


def pipe(m):
    assert (yield m.call("pipe2", m.scratch + 0x600, 0)) == 0
    return struct.unpack("<ii", m.load(m.scratch + 0x600, 8))


def interrupted_by(lab, peer, waiting):
    """Run ``waiting`` while a child does ``peer`` and then sends it a signal."""
    seen = recorder(lab)

    def child(m):
        yield from peer(m)
        assert (yield m.call("kill", 1, sig.SIGUSR1)) == 0

    def program(m):
        yield install(m, sig.SIGUSR1)
        yield from waiting(m, child)
        assert len(seen) == 1
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_reader_that_came_and_went_has_opened_the_fifo(lab) -> None:
    def opened(m, flags):
        m.store(m.scratch, b"/p\0")
        return m.call("openat", AT_FDCWD, m.scratch, flags, 0)

    def peer(m):
        fd = yield opened(m, O_RDONLY)
        yield m.call("close", fd)

    def waiting(m, child):
        m.store(m.scratch, b"/p\0")
        assert (yield m.call("mknodat", AT_FDCWD, m.scratch, S_IFIFO | 0o600, 0)) == 0
        yield m.fork(child)
        assert (yield opened(m, O_WRONLY)) >= 0

    interrupted_by(lab, peer, waiting)


def test_data_that_came_with_a_signal_is_read(lab) -> None:
    def waiting(m, child):
        r, w = yield from pipe(m)
        assert w == r + 1
        yield m.fork(child)
        assert (yield m.call("read", r, m.scratch, 9)) == 1

    def peer(m):
        yield m.call("write", 1, m.scratch, 1)

    interrupted_by(lab, peer, waiting)


@pytest.mark.parametrize(("masked", "expected"), [(False, 1), (True, -EINTR.errno)])
def test_what_is_ready_counts_more_than_a_signal(lab, masked, expected) -> None:
    def waiting(m, child):
        r, _ = yield from pipe(m)
        m.store(m.scratch + FDS, struct.pack("<ihh", r, POLLIN, 0))
        mask = m.scratch + 0x700 if masked else 0
        m.store(m.scratch + 0x700, bytes(8))
        if masked:
            yield set_mask(m, sig.SIGUSR1)
        yield m.fork(child)
        assert (yield m.call("ppoll", m.scratch + FDS, 1, 0, mask, 8)) == expected

    def peer(m):
        yield m.call("write", 1, m.scratch, 1)

    interrupted_by(lab, peer, waiting)


def test_a_child_whose_end_sends_a_signal_is_waited_for(lab) -> None:
    seen = recorder(lab)

    def child(m):
        yield m.call("exit_group", 3)

    def program(m):
        yield install(m, sig.SIGCHLD)
        pid = yield m.fork(child)
        assert (yield m.call("wait4", pid, m.scratch, 0, 0)) == pid
        assert m.load(m.scratch, 4) == (3 << 8).to_bytes(4, "little")
        assert len(seen) == 1
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_an_awaited_signal_is_taken_though_another_came_with_it(lab) -> None:
    def waiting(m, child):
        yield set_mask(m, sig.SIGUSR2)
        yield m.fork(child)
        m.store(m.scratch, (1 << sig.SIGUSR2 - 1).to_bytes(8, "little"))
        assert (yield m.call("rt_sigtimedwait", m.scratch, 0, 0, 8)) == sig.SIGUSR2

    def peer(m):
        assert (yield m.call("kill", 1, sig.SIGUSR2)) == 0

    interrupted_by(lab, peer, waiting)
