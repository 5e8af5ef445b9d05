"""What gdb 13 cannot ask for on riscv64, and what no gdb would do, with packets of our own."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import struct
import subprocess

import pytest

from starrylab.debug.gdb.packets import frame
from tests.debug.gdb.sessions import ListeningLab, RawClient, program

_EXIT_GROUP, _WRITE, _WRITEV = 94, 64, 66


@pytest.fixture(scope="module")
def steps():
    return program("steps")


@pytest.fixture(scope="module")
def many():
    return program("many")


@pytest.fixture
def lab(steps):
    with ListeningLab(steps) as lab:
        yield lab


@pytest.fixture
def client(lab):
    client = RawClient(lab.port)
    client.begin()
    yield client
    client.close()


def field(reply, name):
    """Return the value of ``name:value;`` in a stop reply."""
    return re.search(rb"%s:([^;]*);" % name, reply)[1]


def pc_of(reply):
    return struct.unpack("<Q", bytes.fromhex(field(reply, b"20").decode()))[0]


def test_calls_are_caught_at_entry_and_exit(client):
    assert client.ask(b"QCatchSyscalls:1;%x;%x" % (_WRITEV, _EXIT_GROUP)) == b"OK"
    entry = client.ask(b"vCont;c")
    assert field(entry, b"syscall_entry") == b"%x" % _WRITEV
    leave = client.ask(b"vCont;c")
    assert field(leave, b"syscall_return") == b"%x" % _WRITEV
    assert client.ask(b"QCatchSyscalls:0") == b"OK"
    assert client.ask(b"vCont;c") == b"W07;process:1"


def test_all_calls_are_caught(client):
    assert client.ask(b"QCatchSyscalls:1") == b"OK"
    seen = []
    while b"syscall" in (reply := client.ask(b"vCont;c")):
        kind = b"syscall_entry" if b"syscall_entry" in reply else b"syscall_return"
        seen.append((kind, int(field(reply, kind), 16)))
    assert seen[-1] == (b"syscall_entry", _EXIT_GROUP)
    pairs = list(zip(seen[:-1:2], seen[1::2], strict=True))
    assert all(a == (b"syscall_entry", n) and b == (b"syscall_return", n)
               for a, b in pairs for n in [a[1]])  # fmt: skip
    assert (b"syscall_entry", _WRITEV) in seen


def test_single_steps_and_ranges(client):
    first = client.ask(b"?")
    start = pc_of(first)
    after = pc_of(client.ask(b"vCont;s:p1.1"))
    assert after - start in (2, 4)
    stepped = client.ask(b"vCont;r%x,%x:p1.1" % (after, after + 4))
    assert not after <= pc_of(stepped) < after + 4
    assert field(stepped, b"thread") == b"p1.1"


def test_registers_can_be_written_one_by_one_and_together(client):
    assert client.ask(b"P0a=1122334455667788") == b"OK"
    assert client.ask(b"pa") == b"1122334455667788"
    everything = client.ask(b"g")
    assert len(everything) == 2 * (33 * 8 + 32 * 8 + 3 * 4)
    assert client.ask(b"P45=ff000000") == b"E.there is no register 69"
    assert client.ask(b"P44=e5000000") == b"OK"  # fcsr: rounding mode 7, flags 5
    assert [client.ask(p) for p in (b"p42", b"p43", b"p44")] == [
        b"05000000",
        b"07000000",
        b"e5000000",
    ]
    assert client.ask(b"G" + everything) == b"OK"
    assert client.ask(b"g") == everything
    assert client.ask(b"P0=0100000000000000") == b"OK"
    assert client.ask(b"p0") == b"0000000000000000"


def test_memory_can_be_read_and_written(client):
    sp = struct.unpack("<Q", bytes.fromhex(client.ask(b"p2").decode()))[0]
    before = client.ask(b"m%x,10" % sp)
    assert client.ask(b"M%x,2:beef" % sp) == b"OK"
    assert client.ask(b"m%x,10" % sp) == b"beef" + before[4:]
    assert client.ask(b"X%x,3:}\x03}\x04}]" % sp) == b"OK"  # '#', '$' and '}' escaped
    assert client.ask(b"m%x,3" % sp) == b"23247d"
    assert client.ask(b"x%x,3" % sp) == b"b#$}"
    assert client.ask(b"m10,4") == b"E.no memory at 0x10"
    assert client.ask(b"M10,1:00").startswith(b"E.")
    assert client.ask(b"X10,0:") == b"OK"
    assert client.ask(b"M%x,2:00" % sp).startswith(b"E.")


def test_guest_files(client, steps):
    name = b"/prog/steps".hex().encode()
    assert client.ask(b"vFile:setfs:1") == b"F0"
    assert client.ask(b"vFile:open:%s,0,0" % name) == b"F0"
    assert client.ask(b"vFile:pread:0,4,0") == b"F4;\x7fELF"
    stat = client.ask(b"vFile:fstat:0").partition(b";")[2]
    assert struct.unpack(">7I3Q3I", stat)[7] == steps.stat().st_size
    assert client.ask(b"vFile:pread:0,10,%x" % steps.stat().st_size) == b"F0;"
    assert client.ask(b"vFile:close:0") == b"F0"
    assert client.ask(b"vFile:close:0") == b"F-1,9"
    assert client.ask(b"vFile:open:%s,1,0" % name) == b"F-1,1e"  # EROFS
    assert client.ask(b"vFile:open:%s,0,0" % b"/none".hex().encode()) == b"F-1,2"
    assert client.ask(b"vFile:open:%s,0,0" % b"/dev/null".hex().encode()) == b"F-1,d"
    exe = b"/proc/1/exe".hex().encode()
    assert client.ask(b"vFile:readlink:%s" % exe) == b"Fb;/prog/steps"
    assert client.ask(b"vFile:unlink:%s" % name) == b""
    assert client.ask(b"vFile:pread:zz,1,1") == b"F-1,16"


def test_a_whole_file_through_the_protocol(client, steps):
    client.ask(b"vFile:open:%s,0,0" % b"/prog/steps".hex().encode())
    data = b""
    while piece := client.ask(b"vFile:pread:0,2000,%x" % len(data)).partition(b";")[2]:
        data += piece
    assert data == steps.read_bytes()


def test_packets_that_come_too_early_wait(client):
    client.send(b"vCont;c")
    client.send(b"qC")
    assert client.receive() == b"W07;process:1"


def test_unknown_and_broken_packets(client):
    assert client.ask(b"vMustReplyEmpty") == b""
    assert client.ask(b"qNonsense") == b""
    assert client.ask(b"vCont;q").startswith(b"E.vCont: unknown action")
    assert client.ask(b"Hgp63.63") == b"E.there is no thread 99"
    assert client.ask(b"Tp1.77").startswith(b"E.")
    assert client.ask(b"Z9,0,0") == b""
    assert client.ask(b"D;63").startswith(b"E.")
    assert client.ask(b"vAttach;63") == b"E.there is no process 99"
    assert client.ask(b"qXfer:features:read:none.xml:0,10").startswith(b"E.")
    assert client.ask(b"qXfer:features:write:target.xml:0,10") == b""
    assert client.ask(b"vCont;c") == b"W07;process:1"


def test_old_gdbs_get_numbers_for_errors(lab):
    client = RawClient(lab.port)
    client.begin("swbreak+")
    assert client.ask(b"m10,4") == b"E0e"
    assert client.ask(b"qC") == b"QC1"
    assert client.ask(b"c") == b"W07"
    client.close()


def test_old_ways_to_go_on(lab):
    client = RawClient(lab.port)
    client.begin("")
    first = pc_of(client.ask(b"?"))
    second = pc_of(client.ask(b"s"))
    assert second != first
    assert client.ask(b"Hc1") == b"OK"
    assert pc_of(client.ask(b"S00")) != second
    assert pc_of(client.ask(b"s%x" % first)) == second
    assert client.ask(b"k") == b""  # no reply: the lab ends
    client.close()
    assert lab.finish()[0] == 137


def test_a_client_that_vanishes_leaves_nothing_behind(lab):
    client = RawClient(lab.port)
    client.begin()
    assert client.ask(b"?").startswith(b"T05")
    # Breakpoints, a watchpoint, a catchpoint, half a packet, and away.
    pc = pc_of(client.ask(b"?"))
    assert client.ask(b"Z0,%x,4" % pc) == b"OK"
    sp = struct.unpack("<Q", bytes.fromhex(client.ask(b"p2").decode()))[0]
    assert client.ask(b"Z2,%x,8" % (sp - 8)) == b"OK"
    assert client.ask(b"QCatchSyscalls:1") == b"OK"
    client.socket.sendall(b"$vCont;")
    client.close()
    status, out, said = lab.finish()
    assert (status, out) == (7, "total 6 counter 6\n")
    assert "gdb is gone; the lab goes on" in said


def test_a_client_that_vanishes_while_the_lab_runs(many):
    with ListeningLab(many, "loop") as lab:
        with RawClient(lab.port) as client:
            client.begin()
            client.send(b"vCont;c")
        lab.wait_for(re.compile(b"gdb is gone"))
        with RawClient(lab.port) as client:
            client.begin()
            assert client.ask(b"?").startswith(b"T05")
            assert client.ask(b"vKill;1") == b"OK"
        assert lab.finish()[0] == 137


def test_a_stranger_is_sent_away(lab):
    with socket.create_connection(("127.0.0.1", lab.port)) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n" * 3)
        lab.wait_for(re.compile(b"connection closed: what connected does not speak"))
        browser.settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            assert browser.recv(100) == b""
    with RawClient(lab.port) as client:
        client.begin()
        assert client.ask(b"vCont;c") == b"W07;process:1"


def test_a_second_gdb_is_told(lab, client):
    with RawClient(lab.port) as second:
        second.send(b"qSupported:swbreak+")
        assert second.receive() == b"E.another gdb is connected to this lab"
        assert second.receive() == b""
    assert client.ask(b"qC") == b"QCp1.1"
    lab.wait_for(re.compile(b"a second gdb was refused"))


def test_a_port_in_use(lab, steps):
    with pytest.raises(AssertionError, match=f"--gdb port {lab.port}: Address already in use"):
        ListeningLab(steps, option=str(lab.port))


@pytest.mark.parametrize("option", ["70000", "x", "1,wait", "-1", ""])
def test_bad_options(steps, option):
    with pytest.raises(AssertionError, match=r"--gdb.*give PORT or PORT,nowait"):
        ListeningLab(steps, option=f"={option}" if option.startswith("-") else option)


def test_the_interrupt_is_not_lost_before_the_first_instruction(client):
    client.send(b"vCont;c")
    client.socket.sendall(b"\x03")
    reply = client.receive()
    assert reply.startswith(b"T02") or reply == b"W07;process:1"


def test_no_acknowledgements_after_both_agreed(lab):
    client = RawClient(lab.port)
    client.begin()
    assert client.ask(b"QStartNoAckMode") == b"OK"
    client.socket.sendall(frame(b"qC"))
    client.socket.settimeout(30)
    data = b""
    while b"#" not in data or len(data) < data.index(b"#") + 3:
        data += client.socket.recv(100)
    assert data == frame(b"QCp1.1")
    client.close()


def test_the_hosts_signals_end_a_lab_that_waits_or_is_held(steps):
    with ListeningLab(steps) as lab:
        lab.process.send_signal(signal.SIGINT)
        status, _, said = lab.finish()
    assert status == -signal.SIGINT
    assert said.endswith("starrylab: interrupted\n")
    with ListeningLab(steps) as lab, RawClient(lab.port) as client:
        client.begin()
        assert client.ask(b"?").startswith(b"T05")
        for seconds in (0.5, 30, 30):  # the first is passed on, the second ends the lab
            if lab.process.poll() is None:  # a busy host may take the first two for one
                lab.process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    lab.process.wait(seconds)
        assert lab.finish()[0] == 143
