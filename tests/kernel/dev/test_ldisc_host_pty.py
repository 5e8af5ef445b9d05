"""The host kernel's own terminal as oracle: same settings, same bytes, same result."""

import contextlib
import fcntl
import os
import pty
import select
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.abi import termios as t
from starrylab.abi.ioctl import TCGETS, TCSETS
from starrylab.abi.termios import Termios
from starrylab.kernel.dev.ldisc import LineDiscipline

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the oracle is Linux's n_tty")

SANE = Termios()
RAW = SANE.replace(iflag=0, oflag=0, lflag=0)
#: All control characters bound, so that every one of them is met.
KEYS = bytes([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, ord(";"), 18, 15, 23, 22, ord("!"), 0, 0])


class Recorder:
    """A port that remembers."""

    def __init__(self):
        self.sent = b""
        self.signals = []

    def transmit(self, data):
        self.sent += data

    def signal(self, signo):
        self.signals.append(signo)

    def flush_output(self):
        pass

    def input_flushed(self):
        pass

    def flow_changed(self, stopped):
        pass

    def throttle(self, on):
        pass


PATIENCE = 0.5  #: seconds; a host that is busy takes long


class HostTerminal:
    """A pseudo-terminal of the host."""

    def __init__(self, termios):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, TCSETS, termios.pack())
        os.set_blocking(self.slave, False)
        os.set_blocking(self.master, False)

    def type(self, data):
        os.write(self.master, data)

    def read(self, size, expected):
        """Read; the host delivers by a work queue, so what is expected gets some time."""
        if expected is not None:
            select.select([self.slave], [], [], PATIENCE)
        try:
            return os.read(self.slave, size)
        except BlockingIOError:
            return None

    def output(self, expected):
        """All output so far, with some time for as much as is expected."""
        found = b""
        while True:
            patience = 0 if len(found) >= len(expected) else PATIENCE
            if not select.select([self.master], [], [], patience)[0]:
                return found
            found += os.read(self.master, 4096)

    def settle(self, seconds):
        """Wait until the host's work queue has delivered what was typed."""
        fcntl.ioctl(self.slave, TCGETS, bytes(36))
        select.select([self.slave], [], [], seconds)

    def close(self):
        os.close(self.master)
        os.close(self.slave)


class OurTerminal:
    def __init__(self, termios):
        self.port = Recorder()
        self.ldisc = LineDiscipline(self.port, termios)

    def type(self, data):
        assert self.ldisc.receive(data) == len(data)

    def read(self, size):
        return self.ldisc.read(size) if self.ldisc.readable else None


def compare(termios, chunks, sizes=(4096,), settle=0.0015):
    host, ours = HostTerminal(termios), OurTerminal(termios)
    try:
        for chunk in chunks:
            host.type(chunk)
            ours.type(chunk)
            host.settle(settle)
        assert ours.port.sent == host.output(ours.port.sent)
        for size in (*sizes, *([4096] * 8)):
            data = ours.read(size)
            assert data == host.read(size, expected=data)
    finally:
        host.close()


TYPED = [
    b"hello\n",
    b"abc\x7f\x7fX\n",
    b"a\tb\x7f\x7f\x7fq\n",
    b"\tx\x7f\x7f\n",
    b"ab\x01\x02\x7f\x7f\x7f\n",
    b"one two  three\x17\x17z\n",
    b"kill me\x15kept\n",
    b"lit\x16\x03eral\x16\x16\n",
    b"no newline\x04rest\n",
    b"\x04",
    b"x\x04\x04y\n",
    b"re\x12print\n",
    b"a;b!c\n",
    b"cr\rnl\n",
    "汉字é\x7f\x7f\x7f!\n".encode(),
    "字 é_1".encode() + b"\x17\x17\x17\n",
    b"\x80\x81\x7f\x7f\n",
    b"\xff\xfe\x7f\n",
    b"stop\x13more\x11go\n",
    b"xy\x7f\x7f\x7f\x7fz\n",
    b"a\x08b\x1b[A\n",
]
FLAGS = {
    "sane": SANE,
    "utf8": SANE.replace(iflag=SANE.iflag | t.IUTF8),
    "keys": SANE.replace(cc=KEYS),
    "no echo": SANE.replace(lflag=SANE.lflag & ~t.ECHO),
    "echonl": SANE.replace(lflag=SANE.lflag & ~t.ECHO | t.ECHONL),
    "no echoe": SANE.replace(lflag=SANE.lflag & ~t.ECHOE),
    "no echoke": SANE.replace(lflag=SANE.lflag & ~t.ECHOKE),
    "no echok": SANE.replace(lflag=SANE.lflag & ~t.ECHOK),
    "echoprt": SANE.replace(lflag=SANE.lflag | t.ECHOPRT, iflag=SANE.iflag | t.IUTF8),
    "no echoctl": SANE.replace(lflag=SANE.lflag & ~t.ECHOCTL),
    "no iexten": SANE.replace(lflag=SANE.lflag & ~t.IEXTEN),
    "igncr": SANE.replace(iflag=SANE.iflag | t.IGNCR),
    "inlcr": SANE.replace(iflag=t.INLCR | t.IXON),
    "istrip": SANE.replace(iflag=SANE.iflag | t.ISTRIP),
    "iuclc": SANE.replace(iflag=SANE.iflag | t.IUCLC),
    "parmrk": SANE.replace(iflag=SANE.iflag | t.PARMRK),
    "xtabs": SANE.replace(oflag=SANE.oflag | t.XTABS),
    "no opost": SANE.replace(oflag=0),
    "ocrnl": SANE.replace(oflag=t.OPOST | t.OCRNL, iflag=t.IXON),
    "onlret": SANE.replace(oflag=t.OPOST | t.ONLRET),
    "onocr": SANE.replace(oflag=t.OPOST | t.ONOCR, iflag=t.IXON),
    "olcuc": SANE.replace(oflag=SANE.oflag | t.OLCUC),
    "raw": RAW,
    "raw echo": RAW.replace(lflag=t.ECHO | t.ECHOCTL),
    "cbreak": SANE.replace(lflag=SANE.lflag & ~t.ICANON),
    "ixany": SANE.replace(iflag=SANE.iflag | t.IXANY),
}


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("name", FLAGS)
def test_typing_gives_what_the_host_gives(name, typed):
    compare(FLAGS[name], [typed])


@pytest.mark.parametrize("sizes", [(3,), (2, 2), (6,), (1, 1, 1, 1), (5, 3)])
@pytest.mark.parametrize("typed", [b"abc\x04", b"abc\ndef\n", b"ab\x04\x04c\n", b"abcdef\x04gh\n"])
def test_reading_in_pieces_gives_what_the_host_gives(typed, sizes):
    compare(SANE, [typed], sizes)


@pytest.mark.parametrize("length", [4094, 4095, 4096, 4097, 5000])
def test_an_overlong_line_is_cut_where_the_host_cuts_it(length):
    quiet = SANE.replace(lflag=SANE.lflag & ~t.ECHO)
    # What the host drops depends on whether both arrive together, which a busy host may do.
    for settle in (0.1, 1.0, 3.0):
        with contextlib.suppress(AssertionError):
            compare(quiet, [b"x" * (length - 1) + b"y", b"z\n"], (4096, 4096), settle=settle)
            return
    pytest.fail("the host cuts it elsewhere, however long it has")


_BYTE = st.sampled_from(b"ab_ \t\n\r\x7f\x15\x17\x04\x16\x12\x01\x08;!\xff" + "é".encode() + b"Z9")
_FLAG_BITS = st.tuples(
    st.sampled_from([0, t.IUTF8, t.ISTRIP, t.PARMRK, t.IGNCR, t.INLCR, t.IUCLC]),
    st.sampled_from([0, t.XTABS, t.OCRNL, t.ONOCR, t.ONLRET, t.OLCUC]),
    st.sampled_from([0, t.ECHO, t.ECHOE, t.ECHOK, t.ECHOKE, t.ECHOCTL, t.ICANON, t.IEXTEN,
                     t.ISIG, t.ECHOPRT]),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    keys=st.lists(_BYTE, max_size=40).map(bytes),
    flags=_FLAG_BITS,
    sizes=st.lists(st.integers(1, 12), max_size=4),
)
def test_random_key_strokes_give_what_the_host_gives(keys, flags, sizes):
    iflag, oflag, lflag = flags
    termios = SANE.replace(
        iflag=SANE.iflag ^ iflag, oflag=SANE.oflag ^ oflag, lflag=SANE.lflag ^ lflag, cc=KEYS
    )
    compare(termios, [keys] if keys else [], sizes)
