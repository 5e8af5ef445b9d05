"""uname, sysinfo, host names, getrandom, getcpu, syslog and vhangup."""

import struct

from starrylab.abi.errno import EFAULT, EINVAL, EPERM
from starrylab.kernel.task.cred import Credentials

BUF = 0x10_0000
BAD = 8


def run(lab, *calls, **options):
    """Make each call; return its result and the buffer after it."""
    seen = []

    def program(m):
        memory = lab.kernel.threads[1].mm
        for name, *arguments in calls:
            if arguments and isinstance(arguments[-1], bytes):
                memory.write(BUF, arguments.pop())
            result = yield m.call(name, *arguments)
            seen.append((result, memory.read(BUF, 512)))
        yield m.call("exit_group", 0)

    lab.run(program, **options)
    return seen


def test_uname_shows_a_new_host_name(lab):
    (first, _), (second, names) = run(lab, ("sethostname", BUF, 5, b"house"), ("uname", BUF))
    assert (first, second) == (0, 0)
    fields = [names[i * 65 : i * 65 + 65].rstrip(b"\0") for i in range(6)]
    assert fields[:3] == [b"Linux", b"house", b"10.0.0"]
    assert fields[4] == b"riscv64"


def test_host_name_rules(lab):
    results = run(lab, ("sethostname", BUF, 65), ("sethostname", BAD, 4), ("setdomainname", BUF, 3))
    assert [r for r, _ in results] == [-EINVAL.errno, -EFAULT.errno, 0]


def test_host_name_needs_a_privilege(lab):
    results = run(lab, ("sethostname", BUF, 1), cred=Credentials.user(1000, 1000))
    assert results[0][0] == -EPERM.errno


def test_sysinfo_has_the_layout_of_linux(lab):
    ((result, data),) = run(lab, ("sysinfo", BUF))
    uptime, *rest = struct.unpack_from("<q3Q6QH", data)
    assert result == 0
    assert uptime == 0
    assert rest[3] == lab.kernel.ram.size
    assert 0 < rest[4] < lab.kernel.ram.size
    assert rest[9] == 1  # threads
    assert struct.unpack_from("<I", data, 104) == (1,)


def test_getrandom_flags_and_pointers(lab):
    results = run(
        lab,
        ("getrandom", BUF, 32, 0),
        ("getrandom", BUF, 32, 8),
        ("getrandom", BUF, 32, 6),
        ("getrandom", BAD, 32, 0),
    )
    assert [r for r, _ in results] == [32, -EINVAL.errno, -EINVAL.errno, -EFAULT.errno]
    assert len(set(results[0][1][:32])) > 4


def test_getcpu_names_the_only_one(lab):
    assert run(lab, ("getcpu", BUF, BUF + 4, 0))[0] == (0, bytes(512))


def test_syslog_reads_and_clears(lab):
    lab.kernel.log("first")
    results = run(
        lab,
        ("syslog", 10, 0, 0),
        ("syslog", 3, BUF, 500),
        ("syslog", 2, BUF, 500),
        ("syslog", 5, 0, 0),
        ("syslog", 3, BUF, 500),
        ("syslog", 99, 0, 0),
        ("syslog", 8, 0, 9),
    )
    assert results[0][0] == 1 << 17
    assert b"first\n" in results[1][1]
    assert results[2][0] == results[1][0]
    assert [r for r, _ in results[3:]] == [0, 0, -EINVAL.errno, -EINVAL.errno]


def test_vhangup_without_a_terminal_does_nothing(lab):
    assert run(lab, ("vhangup",))[0][0] == 0


def test_vhangup_is_refused_to_a_user(lab):
    results = run(lab, ("vhangup",), cred=Credentials.user(1000, 1000))
    assert results[0][0] == -EPERM.errno
