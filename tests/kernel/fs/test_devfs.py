"""/dev: nodes, numbers, and what opening them gives."""

import os

import pytest

from starrylab.abi.errno import EAGAIN, ENOSPC, ENXIO
from starrylab.abi.stat import S_IFCHR, major, makedev, minor
from starrylab.kernel.dev.device import Device
from starrylab.kernel.files.opening import open_place
from starrylab.kernel.files.pty import PtyMaster


@pytest.fixture
def dev(lab):
    thread = lab.start(lambda m: iter(()))
    lab.kernel.executor.current = thread

    def open_(path, flags=os.O_RDWR):
        place = thread.fs.walk(path, thread.cred)
        return open_place(thread, place, flags, thread.cred)

    open_.lab, open_.thread = lab, thread
    return open_


def test_device_numbers_round_trip():
    for number in ((1, 3), (136, 300), (4, 64), (0xFFF, 0xFFFFF)):
        assert (major(makedev(*number)), minor(makedev(*number))) == number
    assert makedev(136, 300) == os.makedev(136, 300)


def test_null_zero_full_random(dev):
    null = dev(b"/dev/null")
    assert (null.read(9), null.write(b"abc")) == (b"", 3)
    assert null.write_user(None, 0, 123) == 123  # the data is not looked at
    zero = dev(b"/dev/zero")
    assert zero.read(4) == bytes(4)
    with pytest.raises(ENOSPC):
        dev(b"/dev/full").write(b"x")
    assert len(set(dev(b"/dev/urandom").read(64))) > 8


def test_nodes_bear_linux_numbers(dev):
    thread = dev.thread
    expected = {b"null": (1, 3), b"zero": (1, 5), b"tty": (5, 0), b"ptmx": (5, 2), b"kmsg": (1, 11)}
    for name, number in expected.items():
        node = thread.fs.walk(b"/dev/" + name, thread.cred).node
        assert (node.mode & 0o170000, node.rdev) == (S_IFCHR, makedev(*number))


def test_a_node_made_elsewhere_opens_the_same_device(dev):
    root = dev.lab.kernel.root.root_location
    node = root.entry.directory.create(b"n", S_IFCHR | 0o666, 0, 0, makedev(1, 7))
    root.entry.attach(b"n", node)
    with pytest.raises(ENOSPC):
        dev(b"/n").write(b"x")
    node = root.entry.directory.create(b"m", S_IFCHR | 0o666, 0, 0, makedev(99, 99))
    root.entry.attach(b"m", node)
    with pytest.raises(ENXIO):
        dev(b"/m")


def test_a_lab_adds_a_device_in_a_few_lines(dev):
    class Answer(Device):
        name, major, minor = b"answer", 240, 0

        def read_at(self, size, offset):
            return b"42\n"[offset : offset + size]

    dev.lab.kernel.devices.add(Answer())
    file = dev(b"/dev/answer")
    assert file.read(10) + file.read(10) == b"42\n"


def test_ptmx_makes_a_pair_that_devpts_shows(dev):
    thread = dev.thread
    master = dev(b"/dev/ptmx")
    assert isinstance(master, PtyMaster)
    master.driver.locked = False
    slave = dev(b"/dev/pts/0")
    master.write(b"x\r")
    assert slave.read(9) == b"x\n"
    listed = [e.name for e in thread.fs.walk(b"/dev/pts", thread.cred).node.entries(0)]
    assert listed == [b"ptmx", b"0"]
    assert thread.process.session.terminal is slave.tty  # a session leader got it by opening
    master.closed()
    assert [e.name for e in thread.fs.walk(b"/dev/pts", thread.cred).node.entries(0)] == [b"ptmx"]


def test_current_tty_needs_one(dev):
    with pytest.raises(ENXIO):
        dev(b"/dev/tty")


def test_kmsg_gives_one_record_a_read(dev):
    dev.lab.kernel.log("hello\n")
    file = dev(b"/dev/kmsg")
    priority, rest = file.read(999).split(b",", 1)
    assert (priority, rest.split(b";")[1]) == (b"6", b"hello\\x0a\n")
    file.write(b"<3>from user")
    assert file.read(999).split(b",")[0] == b"11"
    with pytest.raises(EAGAIN):
        file.read(999)
