"""/proc as programs read it: formats that are parsed, links that lead somewhere, permissions."""

import os
import re
import struct

import pytest

from starrylab.abi.errno import EACCES, EINVAL, ENOENT
from starrylab.abi.fcntl import AT_FDCWD
from starrylab.abi.time import CLOCK_BOOTTIME
from starrylab.kernel.files.pipe import make_pipe
from starrylab.kernel.fs.host_content import BytesContent
from starrylab.kernel.fs.proc._declare import declared
from starrylab.kernel.fs.tmpfs_file import TmpFile
from starrylab.kernel.task.cred import Credentials

STAT_FIELDS = 52  # proc_pid_stat(5)


@pytest.fixture
def look(lab):
    """Return a function that reads a file as process 1."""
    thread = lab.start(lambda m: iter(()))
    lab.kernel.executor.current = thread

    def read(path, flags=os.O_RDONLY):
        from starrylab.kernel.files.opening import open_place

        place = thread.fs.walk(path, thread.cred)
        file = open_place(thread, place, flags, thread.cred)
        file.acquire()
        try:
            found = b""
            while data := file.read(4096):
                found += data
            return found
        finally:
            file.release()

    read.lab, read.thread = lab, thread
    return read


def write(look, path, data):
    from starrylab.kernel.files.opening import open_place

    thread = look.thread
    place = thread.fs.walk(path, thread.cred)
    file = open_place(thread, place, os.O_WRONLY, thread.cred)
    return file.write(data)


def names(look, path):
    thread = look.thread
    return [entry.name for entry in thread.fs.walk(path, thread.cred).node.entries(0)]


def test_every_declared_file_can_be_read(look):
    for file in declared():
        path = f"/proc/1/{file.path}" if file.per_task else f"/proc/{file.path}"
        assert isinstance(look(path.encode()), bytes), path


def test_stat_has_the_fields_of_the_manual_page_and_of_the_host(look):
    text = look(b"/proc/1/stat").decode()
    pid, comm, rest = re.fullmatch(r"(\d+) \((.*)\) (.*)\n", text, re.DOTALL).groups()
    assert (pid, comm) == ("1", "init")
    assert len(rest.split()) + 2 == STAT_FIELDS
    assert rest.split()[0] in "RSDTZ"
    with open("/proc/self/stat") as host:
        assert len(host.read().rpartition(")")[2].split()) + 2 == STAT_FIELDS


def test_status_keys_appear_on_the_host_in_the_same_order(look):
    ours = [line.split(":")[0] for line in look(b"/proc/1/status").decode().splitlines()]
    with open("/proc/self/status") as host:
        theirs = [line.split(":")[0] for line in host]
    assert [key for key in theirs if key in ours] == ours


def test_meminfo_adds_up_with_memory_by_kind(look):
    rows = dict(line.split()[:2] for line in look(b"/proc/memory2").decode().splitlines())
    total = int(rows.pop("total"))
    assert sum(map(int, rows.values())) == total == look.lab.kernel.ram.size
    assert look(b"/proc/meminfo").startswith(b"MemTotal:       ")


def test_mounts_shows_what_is_mounted(look):
    lines = look(b"/proc/mounts").splitlines()
    assert b"proc /proc proc rw,relatime 0 0" in lines
    assert [line.split()[1] for line in lines][:2] == [b"/", b"/dev"]


def test_self_and_task_lead_to_the_reader(look):
    assert look(b"/proc/self/comm") == b"init\n"
    assert look(b"/proc/thread-self/comm") == b"init\n"
    assert names(look, b"/proc/self/task") == [b"1"]
    assert b"1" in names(look, b"/proc")


def test_ended_process_has_no_directory(look):
    for path in (b"/proc/99", b"/proc/99/stat", b"/proc/01"):
        with pytest.raises(ENOENT):
            look.thread.fs.walk(path, look.thread.cred)


def test_cached_pages_can_be_dropped(look):
    kernel = look.lab.kernel
    backing = BytesContent(b"kept" * 4096)
    node = TmpFile(kernel.root.fs, 0o100644, 0, 0, backing=backing, size=4 * 4096)
    assert node.read_at(4 * 4096, 0) == backing.data
    node.write_at(b"new", 0)
    assert kernel.pool.evictable == 4
    for wrong in (b"0", b"5", b"x"):
        with pytest.raises(EINVAL):
            write(look, b"/proc/sys/vm/drop_caches", wrong)
    write(look, b"/proc/sys/vm/drop_caches", b"2\n")
    assert kernel.pool.evictable == 4
    write(look, b"/proc/sys/vm/drop_caches", b"3\n")
    assert kernel.pool.evictable == 1  # what was written stays
    assert node.read_at(4 * 4096, 0) == b"new" + backing.data[3:]


def test_comm_and_hostname_can_be_written(look):
    write(look, b"/proc/self/comm", b"a-name-that-is-too-long\n")
    assert look(b"/proc/1/comm") == b"a-name-that-is-\n"
    write(look, b"/proc/sys/kernel/hostname", b"house\n")
    assert look.lab.kernel.uts.nodename == b"house"


def test_fd_links_name_and_reach_the_file(look):
    from starrylab.kernel.files.opening import open_place

    thread = look.thread
    place = thread.fs.walk(b"/dev/null", thread.cred)
    fd = thread.install(open_place(thread, place, os.O_RDWR, thread.cred))
    link = thread.fs.walk(b"/proc/self/fd/%d" % fd, thread.cred, None, 1 << 8).node
    assert link.readlink() == b"/dev/null"
    assert thread.fs.walk(b"/dev/fd/%d" % fd, thread.cred).same(place)
    assert look(b"/proc/self/fdinfo/%d" % fd).startswith(b"pos:\t0\nflags:\t02\n")
    pipe = thread.install(make_pipe(ino=77)[0])
    assert b"\nino:\t77\n" in look(b"/proc/self/fdinfo/%d" % pipe)


def test_another_users_secrets_are_closed(look):
    thread = look.thread
    other = Credentials.user(1000, 1000)
    look.lab.kernel.executor.current = None
    thread.cred, root = other, thread.cred
    thread.process.dumpable = 0
    from starrylab.kernel.fs.proc._nodes import may_inspect

    class Viewer:
        process = object()
        cred = Credentials.user(1001, 1001)

    assert not may_inspect(Viewer(), thread.process)
    Viewer.cred = root
    assert may_inspect(Viewer(), thread.process)
    node = thread.fs.walk(b"/proc/1/environ", root).node
    Viewer.cred = Credentials.user(1001, 1001)
    with pytest.raises(EACCES):
        node.open(Viewer(), None, 0)


def test_a_different_uuid_each_time(look):
    path = b"/proc/sys/kernel/random/uuid"
    assert look(path) != look(path)
    boot = b"/proc/sys/kernel/random/boot_id"
    assert look(boot) == look(boot)


def test_every_name_below_a_process_can_be_looked_up(look):
    thread = look.thread
    for folder in (b"/proc/1", b"/proc/1/task/1"):
        for name in names(look, folder):
            assert thread.fs.walk(folder + b"/" + name, thread.cred, None, 1 << 8).node


def test_processes_share_their_namespaces(look):
    thread = look.thread
    for name in names(look, b"/proc/self/ns"):
        link = thread.fs.walk(b"/proc/self/ns/" + name, thread.cred, None, 1 << 8).node
        node = thread.fs.walk(b"/proc/1/ns/" + name, thread.cred).node
        kind = name.removesuffix(b"_for_children")
        assert link.readlink() == b"%s:[%d]" % (kind, node.ino)


def test_locks_are_listed_with_their_kind_and_range(look):
    from starrylab.kernel.files.opening import open_place
    from starrylab.kernel.vfs.locks import TO_THE_END, Lock, LockTable

    thread = look.thread
    assert look(b"/proc/locks") == b""
    place = thread.fs.walk(b"/dev/null", thread.cred)
    file = open_place(thread, place, os.O_RDWR, thread.cred)
    thread.install(file)
    table = LockTable.of(place.node)
    table.flock(file, True)
    table.acquire(Lock(thread.fds, 1, 5, 9, False))
    table.acquire(Lock(file, -1, 20, TO_THE_END, True))
    device = f"{place.node.fs.dev >> 8:02x}:{place.node.fs.dev & 0xFF:02x}:{place.node.ino}"
    assert look(b"/proc/locks").decode().splitlines() == [
        f"1: FLOCK  ADVISORY  WRITE 1 {device} 0 EOF",
        f"2: POSIX  ADVISORY  READ  1 {device} 5 9",
        f"3: OFDLCK ADVISORY  WRITE -1 {device} 20 EOF",
    ]
    table.closed(file)
    table.release(thread.fds)
    assert look(b"/proc/locks") == b""


def test_io_counts_what_calls_moved_also_after_waiting_and_of_children(lab):
    def child(m):
        yield m.call("write", 1, m.scratch, 7)
        yield m.call("exit", 0)

    def program(m):
        m.store(m.scratch, b"/proc/self/io\0")
        assert (yield m.call("pipe2", m.scratch + 64, 0)) == 0
        reader, writer = struct.unpack("<ii", m.load(m.scratch + 64, 8))
        assert writer == 1
        io = yield m.call("openat", AT_FDCWD, m.scratch, os.O_RDONLY, 0)
        pid = yield m.fork(child)
        assert (yield m.call("read", reader, m.scratch + 128, 100)) == 7
        assert (yield m.call("read", 99, m.scratch, 1)) < 0  # is not counted
        assert (yield m.call("wait4", pid, 0, 0, 0)) == pid
        size = yield m.call("read", io, m.scratch + 128, 500)
        rows = dict(row.split(": ") for row in m.load(m.scratch + 128, size).decode().splitlines())
        assert rows == {
            "rchar": "7",
            "wchar": "7",
            "syscr": "1",
            "syscw": "1",
            **dict.fromkeys(("read_bytes", "write_bytes", "cancelled_write_bytes"), "0"),
        }

    lab.run(program)


def test_fdinfo_tells_what_is_special(lab):
    def program(m):
        def info(fd):
            m.store(m.scratch + 512, b"/proc/self/fdinfo/%d\0" % fd)
            file = yield m.call("openat", AT_FDCWD, m.scratch + 512, os.O_RDONLY, 0)
            size = yield m.call("read", file, m.scratch + 1024, 2048)
            yield m.call("close", file)
            text = m.load(m.scratch + 1024, size).decode()
            assert text.startswith("pos:\t0\nflags:\t0")
            return text.split("\n", 4)[4]

        event = yield m.call("eventfd2", 0x2A, 1)
        assert (yield from info(event)) == f"eventfd-count: {0x2A:16x}\neventfd-semaphore: 1\n"

        epoll = yield m.call("epoll_create1", 0)
        m.store(m.scratch, struct.pack("<IIQ", 1, 0, 0x1234))
        assert (yield m.call("epoll_ctl", epoll, 1, event, m.scratch)) == 0
        shown = yield from info(epoll)
        assert shown.startswith(f"tfd: {event:8d} events: {0x19:8x} data: {0x1234:16x}  pos:0 ino:")

        timer = yield m.call("timerfd_create", CLOCK_BOOTTIME, 0)
        m.store(m.scratch, struct.pack("<qqqq", 2, 5, 100, 0))
        assert (yield m.call("timerfd_settime", timer, 1, m.scratch, 0)) == 0
        left = 100 * 10**9 - (lab.door.now - lab.kernel.boot_monotonic_ns)
        assert (yield from info(timer)).splitlines() == [
            "clockid: 7", "ticks: 0", "settime flags: 01",
            f"it_value: ({left // 10**9}, {left % 10**9})", "it_interval: (2, 5)",
        ]  # fmt: skip

        m.store(m.scratch, struct.pack("<Q", 1 << 9))
        signals = yield m.call("signalfd4", -1, m.scratch, 8, 0)
        assert (yield from info(signals)) == "sigmask:\t0000000000000200\n"

        m.store(m.scratch, b"/proc\0")
        watcher = yield m.call("inotify_init1", 0)
        assert (yield m.call("inotify_add_watch", watcher, m.scratch, 0x100)) == 1
        assert re.fullmatch(
            r"inotify wd:1 ino:[0-9a-f]+ sdev:[0-9a-f]+ mask:100 ignored_mask:0 "
            r"fhandle-bytes:c fhandle-type:81 f_handle:[0-9a-f]{24}\n",
            (yield from info(watcher)),
        )
        process = yield m.call("pidfd_open", 1, 0)
        assert (yield from info(process)) == "Pid:\t1\nNSpid:\t1\n"

        m.store(m.scratch, b"/dev/null\0")
        null = yield m.call("openat", AT_FDCWD, m.scratch, os.O_RDWR, 0)
        assert (yield m.call("flock", null, 1)) == 0
        assert re.fullmatch(
            r"lock:\t1: FLOCK  ADVISORY  READ  1 \w\w:\w\w:\d+ 0 EOF\n", (yield from info(null))
        )

    lab.run(program)


def shape(text):
    """Replace what is a number, and the state, by what it stands for."""
    text = re.sub(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{8,16}\b|\b\d+\b", "N", text)
    return re.sub(r" +", " ", text)


@pytest.mark.parametrize("name", ["uid_map", "gid_map", "setgroups", "personality", "io", "statm"])
def test_small_files_look_as_on_the_host(look, name):
    with open(f"/proc/self/{name}") as host:
        assert shape(look(b"/proc/1/" + name.encode()).decode()) == shape(host.read())


def test_limits_have_the_hosts_columns(look):
    ours = look(b"/proc/1/limits").decode().splitlines()
    with open("/proc/self/limits") as host:
        theirs = host.read().splitlines()
    columns = (0, 26, 47, 68)
    assert ours[0] == theirs[0]
    for mine, line in zip(ours, theirs, strict=True):
        assert len(mine) == len(line)
        assert mine[:26] == line[:26]
        assert mine[68:] == line[68:]
        assert all(mine[at] != " " for at in columns[:3])


def test_mountinfo_has_the_hosts_fields(look):
    ours = look(b"/proc/1/mountinfo").decode()
    with open("/proc/self/mountinfo") as host:
        for line in (ours + host.read()).splitlines():
            mount, _, source = line.partition(" - ")
            assert re.fullmatch(r"\d+ \d+ \d+:\d+ \S+ /\S* r[wo]\S*( \w+(:\d+)?)*", mount), line
            assert len(source.split(" ")) == 3


def test_smaps_has_names_of_the_host_in_its_order(look):
    def names_of(text):
        first = re.split(r"(?m)^[0-9a-f]+-", text)[1].splitlines()[1:]
        return [line.split(":")[0] for line in first]

    with open("/proc/self/smaps") as host:
        theirs = names_of(host.read())
    ours = names_of(look(b"/proc/1/smaps").decode())
    assert [name for name in theirs if name in ours] == ours


@pytest.mark.parametrize(
    ("name", "most"), [(b"symlinks", 1), (b"hardlinks", 1), (b"fifos", 2), (b"regular", 2)]
)
def test_protections_take_0_up_to_what_they_know(look, name, most):
    path = b"/proc/sys/fs/protected_" + name
    for value in (*range(1, most + 1), 0):
        write(look, path, b"%d\n" % value)
        assert look(path) == b"%d\n" % value
    for wrong in (b"-1\n", b"%d\n" % (most + 1)):
        with pytest.raises(EINVAL):
            write(look, path, wrong)
