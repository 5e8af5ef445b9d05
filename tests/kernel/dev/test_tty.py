"""A terminal with a UART below and files above, without a kernel."""

from types import SimpleNamespace

import pytest

from starrylab.abi import termios as t
from starrylab.abi.errno import EAGAIN, EIO
from starrylab.abi.fcntl import O_NONBLOCK, O_RDWR
from starrylab.abi.poll import POLLHUP, POLLIN, POLLOUT
from starrylab.abi.signal import SIGCONT, SIGHUP, SIGINT, SIGTTIN, SIGTTOU, SIGWINCH
from starrylab.devices.uart16550 import Uart16550
from starrylab.kernel.dev.interrupts import Interrupts
from starrylab.kernel.dev.pty import Ptys
from starrylab.kernel.dev.tty import Tty
from starrylab.kernel.dev.uart import UartDriver
from starrylab.kernel.files.pty import PtyMaster, open_slave
from starrylab.kernel.files.tty import TtyFile

SECOND = 1_000_000_000


class Group:
    def __init__(self, pgid, session, *, orphaned=False):
        self.pgid, self.session, self.orphaned = pgid, session, orphaned


class Around:
    """Surroundings that a test can set."""

    def __init__(self):
        self.time = 0
        self.timers = []
        self.thread = None
        self.sent = []
        self.refused = set()
        self.leaders = {}

    def now(self):
        return self.time

    def call_at(self, when, action):
        self.timers.append((when, action))

    def current(self):
        return self.thread

    def signal_group(self, group, signo):
        self.sent.append((group.pgid, signo))

    def signal_process(self, process, signo):
        self.sent.append((process.pid, signo))

    def refuses(self, thread, signo):
        return signo in self.refused

    def process(self, pid):
        return self.leaders.get(pid)


def place():
    mount = SimpleNamespace(users=0, writers=0, fs=SimpleNamespace(watched=0))
    return SimpleNamespace(mount=mount, node=SimpleNamespace(data=None), path=lambda: b"/dev/x")


class Serial:
    def __init__(self):
        self.around = Around()
        self.printed = b""
        self.uart = Uart16550(transmit=self.take)
        driver = UartDriver(self.uart, self.around)
        self.uart.irq = Interrupts().request(10, "uart", driver.interrupt)
        self.tty = Tty(b"ttyS0", (4, 64), driver, self.around)
        driver.start(self.tty)
        self.file = TtyFile(self.tty, place(), O_RDWR)
        self.session = SimpleNamespace(sid=1, terminal=None)

    def take(self, data):
        self.printed += data

    def settings(self, **changes):
        self.tty.set_termios(self.tty.termios.replace(**changes))

    def raw(self, least, time):
        cc = bytearray(self.tty.termios.cc)
        cc[t.VMIN], cc[t.VTIME] = least, time
        self.settings(iflag=0, oflag=0, lflag=0, cc=bytes(cc))

    def log_in(self, group):
        """Make the terminal control a session with ``group`` in the foreground."""
        self.tty.session = self.session
        self.session.terminal = self.tty
        self.tty.set_foreground(group)

    def run_as(self, group, *, tid=7, syscalls=0):
        process = SimpleNamespace(group=group, session=group.session)
        self.around.thread = SimpleNamespace(process=process, tid=tid, syscalls=syscalls)


@pytest.fixture
def serial():
    return Serial()


def test_a_line_typed_on_the_wire_is_read_and_echoed(serial):
    serial.uart.receive(b"hi\x7fo\r")
    assert serial.file.read(100) == b"ho\n"
    assert serial.printed == b"hi\b \bo\r\n"


def test_reading_without_a_line_has_to_wait(serial):
    serial.uart.receive(b"unfinished")
    with pytest.raises(EAGAIN):
        serial.file.read(1)
    assert not serial.file.poll() & POLLIN


def test_a_large_write_is_one_burst(serial):
    data = b"x" * 60000 + b"\n"
    assert serial.file.write(data) == len(data)
    assert serial.printed == b"x" * 60000 + b"\r\n"


def test_what_is_typed_during_a_flood_is_echoed_behind_it(serial):
    serial.uart.hold(True)
    while serial.file.poll() & POLLOUT:
        serial.file.write(b"y\n" * 1000)
    serial.uart.receive(b"typed")
    serial.uart.hold(False)
    assert serial.printed.endswith(b"y\r\ntyped") or serial.printed.endswith(b"ytyped")


def test_echoes_alone_cannot_fill_the_memory(serial):
    serial.uart.hold(True)
    for _ in range(100):
        serial.uart.receive(b"x" * 1000 + b"\r")
    serial.uart.hold(False)
    assert len(serial.printed) < 64 << 10


def test_output_waits_while_the_line_is_held_and_none_is_lost(serial):
    serial.uart.hold(True)
    done = 0
    data = bytes(range(32, 127)) * 2000
    while True:
        try:
            done += serial.file.write(data[done:])
        except EAGAIN:
            break
    assert done < len(data)
    assert not serial.file.poll() & POLLOUT
    serial.uart.hold(False)
    assert serial.file.poll() & POLLOUT
    assert serial.printed == data[:done]
    serial.file.write(data[done:])
    assert serial.printed == data


def test_stop_and_start_keys_hold_output(serial):
    serial.uart.receive(b"\x13")
    with pytest.raises(EAGAIN):
        serial.file.write(b"later")
    serial.uart.receive(b"\x11")
    assert serial.file.write(b"later") == 5


def test_input_beyond_the_buffer_waits_on_the_wire(serial):
    serial.raw(1, 0)
    data = bytes(range(256)) * 1000
    serial.uart.receive(data)
    got = b""
    while True:
        try:
            got += serial.file.read(5000)
        except EAGAIN:
            break
    assert got == data
    assert serial.tty.dropped == 0


@pytest.mark.parametrize(("least", "time"), [(0, 0), (3, 0)])
def test_min_without_time(serial, least, time):
    serial.raw(least, time)
    if least:
        with pytest.raises(EAGAIN):
            serial.file.read(10)
        serial.uart.receive(b"ab")
        with pytest.raises(EAGAIN):
            serial.file.read(10)
        assert serial.file.read(2) == b"ab"
        serial.uart.receive(b"cde")
        assert serial.file.read(10) == b"cde"
    else:
        assert serial.file.read(10) == b""


def test_time_without_min_ends_after_the_time(serial):
    serial.raw(0, 5)
    serial.run_as(Group(1, None), syscalls=1)
    with pytest.raises(EAGAIN):
        serial.file.read(10)
    assert serial.around.timers[0][0] == SECOND // 2
    serial.around.time = SECOND // 2
    assert serial.file.read(10) == b""
    serial.run_as(Group(1, None), syscalls=2)
    with pytest.raises(EAGAIN):  # another call waits anew
        serial.file.read(10)


def test_min_and_time_end_when_typing_pauses(serial):
    serial.raw(5, 10)
    serial.run_as(Group(1, None))
    with pytest.raises(EAGAIN):
        serial.file.read(10)
    serial.around.time = 3 * SECOND
    serial.uart.receive(b"ab")
    with pytest.raises(EAGAIN):
        serial.file.read(10)
    serial.around.time = 4 * SECOND
    assert serial.file.read(10) == b"ab"


def test_nonblocking_raw_read_takes_what_is_there(serial):
    serial.raw(5, 0)
    serial.file.flags |= O_NONBLOCK
    serial.uart.receive(b"ab")
    assert serial.file.read(10) == b"ab"


def test_interrupt_key_signals_the_foreground_and_drops_input(serial):
    serial.log_in(Group(5, serial.session))
    group = serial.tty._foreground  # a weak reference: the group above is gone
    assert group() is None
    group = Group(5, serial.session)
    serial.log_in(group)
    serial.uart.receive(b"abc")
    serial.uart.receive(b"\x03")
    assert serial.around.sent == [(5, SIGINT)]
    serial.uart.receive(b"x\r")
    assert serial.file.read(10) == b"x\n"


def test_background_reader_is_stopped(serial):
    front, back = Group(5, serial.session), Group(6, serial.session)
    serial.log_in(front)
    serial.uart.receive(b"line\r")
    serial.run_as(back)
    with pytest.raises(EAGAIN):
        serial.file.read(10)
    assert serial.around.sent == [(6, SIGTTIN)]
    serial.tty.set_foreground(back)
    assert serial.file.read(10) == b"line\n"


@pytest.mark.parametrize("orphaned", [True, False])
def test_background_reader_that_cannot_be_stopped_gets_an_error(serial, orphaned):
    front = Group(5, serial.session)
    back = Group(6, serial.session, orphaned=orphaned)
    serial.log_in(front)
    serial.run_as(back)
    if not orphaned:
        serial.around.refused = {SIGTTIN}
    with pytest.raises(EIO):
        serial.file.read(10)
    assert serial.around.sent == []


def test_background_writer_is_stopped_with_tostop_only(serial):
    front, back = Group(5, serial.session), Group(6, serial.session)
    serial.log_in(front)
    serial.run_as(back)
    assert serial.file.write(b"x") == 1
    serial.settings(lflag=serial.tty.termios.lflag | t.TOSTOP)
    with pytest.raises(EAGAIN):
        serial.file.write(b"x")
    assert serial.around.sent == [(6, SIGTTOU)]


def test_resize_tells_the_foreground_once(serial):
    group = Group(5, serial.session)
    serial.log_in(group)
    serial.tty.resize(24, 80)
    serial.tty.resize(24, 80)
    assert serial.around.sent == [(5, SIGWINCH)]


def test_hang_up_ends_every_use(serial):
    group = Group(5, serial.session)
    serial.log_in(group)
    serial.around.leaders[1] = SimpleNamespace(pid=1)
    serial.tty.hang_up()
    assert serial.around.sent == [(1, SIGHUP), (1, SIGCONT)]
    assert serial.file.read(10) == b""
    with pytest.raises(EIO):
        serial.file.write(b"x")
    assert serial.file.poll() & POLLHUP
    assert serial.session.terminal is None


class Pair:
    def __init__(self):
        self.around = Around()
        self.ptys = Ptys(self.around)
        driver, slave = self.ptys.make()
        self.master = PtyMaster(self.ptys, driver, slave, place(), O_RDWR)
        driver.locked = False
        self.slave = open_slave(slave, None, place(), O_RDWR)


@pytest.fixture
def pair():
    return Pair()


def test_pty_carries_both_ways(pair):
    pair.master.write(b"ls\r")
    assert pair.slave.read(10) == b"ls\n"
    pair.slave.write(b"file\n")
    assert pair.master.read(100) == b"ls\r\nfile\r\n"
    with pytest.raises(EAGAIN):
        pair.master.read(1)


def test_locked_slave_cannot_be_opened(pair):
    pair.master.driver.locked = True
    with pytest.raises(EIO):
        open_slave(pair.master.tty, None, place(), O_RDWR)


def test_master_sees_the_slave_close_after_its_last_words(pair):
    pair.slave.write(b"bye")
    pair.slave.closed()
    assert pair.master.poll() & POLLHUP
    assert pair.master.read(10) == b"bye"
    with pytest.raises(EIO):
        pair.master.read(10)
    again = open_slave(pair.master.tty, None, place(), O_RDWR)
    again.write(b"back")
    assert pair.master.read(10) == b"back"


def test_slave_is_hung_up_when_the_master_closes(pair):
    pair.master.closed()
    assert pair.slave.read(10) == b""
    with pytest.raises(EIO):
        pair.slave.write(b"x")
    assert len(pair.ptys) == 0
    assert pair.ptys.make()[0].index == 0


def test_packet_mode_reports_flow_and_flush(pair):
    pair.master.driver.packet = True
    pair.slave.write(b"data")
    assert pair.master.read(10) == b"\0data"
    pair.master.write(b"\x13")
    assert pair.master.read(10) == b"\x04"
    pair.master.write(b"\x11")
    assert pair.master.read(10) == b"\x08"
    pair.slave.flush_queue(t.TCIFLUSH)
    assert pair.master.read(10) == b"\x01"


def test_a_full_pty_makes_the_writer_wait(pair):
    total = 0
    while pair.slave.poll() & POLLOUT:
        total += pair.slave.write(b"x" * 10000)
    with pytest.raises(EAGAIN):
        pair.slave.write(b"x")
    assert len(pair.master.read(1 << 20)) == total
    assert pair.slave.write(b"more") == 4
