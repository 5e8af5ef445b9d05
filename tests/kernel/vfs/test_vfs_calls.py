"""System calls on files: paths, permissions, locks, FIFOs, mounts, attributes, one by one."""

from __future__ import annotations

import stat

import pytest

from starrylab.abi import errno as e
from starrylab.kernel.fs.tmpfs import TmpDir
from starrylab.kernel.syscalls import declared
from starrylab.kernel.task.cred import Credentials
from tests.kernel.vfs.vfs_world import SCRATCH, Blocked, World, step

CWD = -100
USER = Credentials.user(1000, 1000)
O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND = 1, 2, 0o100, 0o200, 0o1000, 0o2000
O_NONBLOCK, O_DIRECTORY, O_NOFOLLOW, O_PATH = 0o4000, 0o200000, 0o400000, 0o10000000
O_TMPFILE = 0o20200000


@pytest.fixture
def world() -> World:
    world = World()
    t = world.thread()
    for path in (b"/d", b"/d/e", b"/mnt", b"/tmp"):
        t.call("mkdirat", CWD, path, 0o755)
    t.call("fchmodat", CWD, b"/tmp", 0o1777)
    t.call("fchmodat", CWD, b"/", 0o755)
    t.put(b"/f", b"content")
    t.put(b"/d/g", b"g")
    for target, path in ((b"d", b"/ld"), (b"d/", b"/lslash"), (b"/f", b"/lf"), (b"loop", b"/loop"),
                         (b"nowhere", b"/dangling"), (b"../f", b"/d/up"),
                         (b"e/..", b"/d/dot")):  # fmt: skip
        t.call("symlinkat", target, CWD, path)
    t.call("mkdirat", CWD, b"/secret", 0o700)
    t.put(b"/secret/s", b"s")
    return world


@pytest.fixture
def t(world: World):
    return world.thread()


WALKS = [
    (b"/", "/"), (b"//", "/"), (b"/..", "/"), (b"/../../d", "/d"), (b"/d/./e/../g", "/d/g"),
    (b"/d/", "/d"), (b"/d/e/.", "/d/e"), (b"/ld/g", "/d/g"), (b"/ld/", "/d"), (b"/lslash", "/d"),
    (b"/lf", "/f"), (b"/d/up", "/f"), (b"/d/dot", "/d"), (b"/d/dot/g", "/d/g"), (b"f", "/f"),
    (b".", "/"), (b"/f/", e.ENOTDIR), (b"/f/.", e.ENOTDIR), (b"/f/..", e.ENOTDIR),
    (b"/f/x", e.ENOTDIR), (b"/lf/", e.ENOTDIR), (b"/nope", e.ENOENT), (b"/nope/x", e.ENOENT),
    (b"", e.ENOENT), (b"/dangling", e.ENOENT), (b"/dangling/", e.ENOENT), (b"/loop", e.ELOOP),
    (b"/loop/x", e.ELOOP), (b"/" + b"n" * 256, e.ENAMETOOLONG), (b"/" + b"n" * 255, e.ENOENT),
    (b"/d" * 2048, e.ENAMETOOLONG), (b"/d/nope/..", e.ENOENT),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), WALKS, ids=lambda v: repr(v)[:24])
def test_path_resolution(t, path, expected) -> None:
    if isinstance(expected, str):
        assert t.stat(path).ino == t.stat(expected.encode()).ino
    else:
        with pytest.raises(expected):
            t.stat(path)


REFUSED = [
    ("openat", (CWD, b"/f", O_CREAT | O_EXCL), e.EEXIST),
    ("openat", (CWD, b"/dangling", O_CREAT | O_EXCL), e.EEXIST),
    ("openat", (CWD, b"/lf", O_NOFOLLOW), e.ELOOP),
    ("openat", (CWD, b"/d", O_WRONLY), e.EISDIR),
    ("openat", (CWD, b"/d", O_CREAT), e.EISDIR),
    ("openat", (CWD, b"/new/", O_CREAT | O_WRONLY), e.EISDIR),
    ("openat", (CWD, b"/f", O_DIRECTORY), e.ENOTDIR),
    ("openat", (99, b"f", 0), e.EBADF),
    ("mkdirat", (CWD, b"/d", 0o755), e.EEXIST),
    ("mkdirat", (CWD, b"/", 0o755), e.EEXIST),
    ("mkdirat", (CWD, b"/f/x", 0o755), e.ENOTDIR),
    ("mkdirat", (CWD, b"/nope/x", 0o755), e.ENOENT),
    ("unlinkat", (CWD, b"/d", 0), e.EISDIR),
    ("unlinkat", (CWD, b"/f", 0x200), e.ENOTDIR),
    ("unlinkat", (CWD, b"/d", 0x200), e.ENOTEMPTY),
    ("unlinkat", (CWD, b"/d/.", 0x200), e.EINVAL),
    ("unlinkat", (CWD, b"/d/..", 0x200), e.ENOTEMPTY),
    ("unlinkat", (CWD, b"/", 0x200), e.EBUSY),
    ("unlinkat", (CWD, b"/f", 1), e.EINVAL),
    ("renameat2", (CWD, b"/d", CWD, b"/d/e/x", 0), e.EINVAL),
    ("renameat2", (CWD, b"/d/e", CWD, b"/d", 0), e.ENOTEMPTY),
    ("renameat2", (CWD, b"/f", CWD, b"/d/g", 1), e.EEXIST),
    ("renameat2", (CWD, b"/f", CWD, b"/none", 2), e.ENOENT),
    ("renameat2", (CWD, b"/f", CWD, b"/d/g", 3), e.EINVAL),
    ("renameat2", (CWD, b"/f", CWD, b"/d", 0), e.EISDIR),
    ("renameat2", (CWD, b"/d", CWD, b"/f", 0), e.ENOTDIR),
    ("renameat2", (CWD, b"/d/.", CWD, b"/x", 0), e.EBUSY),
    ("linkat", (CWD, b"/d", CWD, b"/x", 0), e.EPERM),
    ("linkat", (CWD, b"/f", CWD, b"/d/g", 0), e.EEXIST),
    ("symlinkat", (b"", CWD, b"/x"), e.ENOENT),
    ("readlinkat", (CWD, b"/f", 1, 10), e.EINVAL),
    ("truncate", (b"/d", 0), e.EISDIR),
    ("truncate", (b"/f", -1), e.EINVAL),
    ("mknodat", (CWD, b"/x", stat.S_IFDIR, 0), e.EPERM),
    ("getxattr", (b"/f", b"user.none", 0, 0), e.ENODATA),
    ("getxattr", (b"/f", b"weird", 0, 0), e.EOPNOTSUPP),
    ("chdir", (b"/f",), e.ENOTDIR),
    ("name_to_handle_at", (CWD, b"/f", 0, 0, 0), e.EFAULT),
    ("mount", (b"x", b"/mnt", b"nosuchfs", 0, 0), e.ENODEV),
    ("umount2", (b"/d", 0), e.EINVAL),
    ("newfstatat", (CWD, b"/f", 8, 0), e.EFAULT),
    ("newfstatat", (CWD, b"/f", 8, 0x8000), e.EINVAL),
]


@pytest.mark.parametrize(("name", "args", "error"), REFUSED)
def test_refused(t, name, args, error) -> None:
    with pytest.raises(error):
        t.call(name, *args)


def test_every_call_on_a_descriptor_answers_ebadf(t) -> None:
    families = ("io", "fd", "copy", "locks", "stat", "path", "directory", "sync", "xattr")
    checked = 0
    for name, entry in declared().items():
        if not entry.args:
            continue
        if entry.where.split("/")[-1].split(".")[0] in families and entry.args[0][0] in (
            "file", "fd", "source", "out",
        ):  # fmt: skip
            with pytest.raises(e.EBADF):
                t.call(name, 77, *[0] * (len(entry.args) - 1))
            checked += 1
    assert checked > 25


@pytest.mark.parametrize("name", ["read", "write", "pread64", "pwrite64", "getdents64", "fstat"])
def test_a_bad_buffer_is_efault(t, name) -> None:
    fd = t.open(b"/d" if name == "getdents64" else b"/f", 0 if name == "getdents64" else O_RDWR)
    with pytest.raises(e.EFAULT):
        t.call(name, fd, 8, 500, 0)


def test_a_transfer_that_meets_a_bad_page_is_partial(t) -> None:
    fd = t.open(b"/big", O_CREAT | O_RDWR)
    end = t.base + SCRATCH
    t.mm.write(end - 6000, b"q" * 6000)
    assert t.call("write", fd, end - 6000, 20000) == 6000
    t.call("ftruncate", fd, 20000)
    assert t.call("pread64", fd, end - 5000, 20000, 0) == 5000
    assert t.mm.read(end - 5000, 5000) == b"q" * 5000


# Permissions.


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (("openat", CWD, b"/f", O_WRONLY), e.EACCES),
        (("openat", CWD, b"/new", O_CREAT | O_WRONLY, 0o644), e.EACCES),
        (("openat", CWD, b"/secret/s", 0), e.EACCES),
        (("newfstatat", CWD, b"/secret/s", 0, 0), e.EACCES),
        (("fchmodat", CWD, b"/f", 0o777), e.EPERM),
        (("fchownat", CWD, b"/f", 1000, 1000, 0), e.EPERM),
        (("unlinkat", CWD, b"/f", 0), e.EACCES),
        (("unlinkat", CWD, b"/tmp/root", 0), e.EPERM),
        (("renameat2", CWD, b"/tmp/root", CWD, b"/tmp/mine", 0), e.EPERM),
        (("chroot", b"/d"), e.EPERM),
        (("mount", b"none", b"/mnt", b"tmpfs", 0, 0), e.EPERM),
        (("mknodat", CWD, b"/tmp/dev", stat.S_IFCHR | 0o666, 0x103), e.EPERM),
        (("setxattr", b"/f", b"user.a", b"v", 1, 0), e.EACCES),
        (("setxattr", b"/tmp/root", b"trusted.a", b"v", 1, 0), e.EPERM),
        (("truncate", b"/f", 0), e.EACCES),
        (("faccessat", CWD, b"/f", 2), e.EACCES),
        (("utimensat", CWD, b"/f", bytes(32), 0), e.EPERM),
        (("utimensat", CWD, b"/f", None, 0), e.EACCES),
        (("chdir", b"/secret"), e.EACCES),
    ],
)
def test_what_a_user_may_not(world, t, call, error) -> None:
    t.put(b"/tmp/root", b"")
    user = world.thread(USER)
    with pytest.raises(error):
        user.call(*call)


def test_umask_setgid_sticky_and_set_id_bits(world, t) -> None:
    t.call("umask", 0o027)
    t.put(b"/tmp/a", b"", 0o666)
    assert t.stat(b"/tmp/a").mode == 0o100640
    t.call("mkdirat", CWD, b"/tmp/sg", 0o777)
    t.call("fchownat", CWD, b"/tmp/sg", 0, 50, 0)
    t.call("fchmodat", CWD, b"/tmp/sg", 0o2777)
    user = world.thread(USER)
    user.put(b"/tmp/sg/f", b"x")
    user.call("mkdirat", CWD, b"/tmp/sg/d", 0o755)
    assert user.stat(b"/tmp/sg/f").gid == 50
    assert (user.stat(b"/tmp/sg/d").gid, user.stat(b"/tmp/sg/d").mode) == (50, 0o42755)
    user.call("fchmodat", CWD, b"/tmp/sg/f", 0o6755)
    assert user.stat(b"/tmp/sg/f").mode & 0o7777 == 0o4755  # not in the group: no setgid
    user.call("close", user.open(b"/tmp/sg/f", O_WRONLY | O_TRUNC))
    assert user.stat(b"/tmp/sg/f").mode & 0o7777 == 0o755
    t.call("fchmodat", CWD, b"/tmp/a", 0o4755)
    t.call("fchownat", CWD, b"/tmp/a", 7, 7, 0)
    assert t.stat(b"/tmp/a").mode & 0o7777 == 0o755


# Open files.


def test_an_unlinked_file_lives_until_it_is_closed_and_gives_its_pages_back(world, t) -> None:
    before = world.fs.account.used
    fd = t.open(b"/gone", O_CREAT | O_RDWR)
    t.write(fd, b"z" * 50000)
    t.call("unlinkat", CWD, b"/gone", 0)
    t.call("lseek", fd, 0, 0)
    assert t.read(fd) == b"z" * 50000
    assert t.fstat(fd).nlink == 0
    assert t.fds[fd].path() == b"/gone (deleted)"
    assert world.fs.account.used == before + 13
    t.call("close", fd)
    assert world.fs.account.used == before


def test_a_file_being_executed_is_not_written(t) -> None:
    node = t.fs.walk(b"/f", t.cred).node
    node.deny_write()
    for flags in (O_WRONLY, O_RDWR | O_TRUNC):
        with pytest.raises(e.ETXTBSY):
            t.open(b"/f", flags)
    with pytest.raises(e.ETXTBSY):
        t.call("truncate", b"/f", 0)
    assert t.get(b"/f") == b"content"
    node.allow_write()
    fd = t.open(b"/f", O_WRONLY)
    with pytest.raises(e.ETXTBSY):
        node.deny_write()
    t.call("close", fd)


def test_tmpfile_can_be_linked_once(t) -> None:
    fd = t.open(b"/tmp", O_TMPFILE | O_RDWR)
    t.write(fd, b"named later")
    assert t.listing(b"/tmp") == []
    t.call("linkat", fd, b"", CWD, b"/tmp/named", 0x1000)
    assert t.get(b"/tmp/named") == b"named later"


def test_offsets_are_shared_by_dup_and_append_always_appends(t) -> None:
    fd = t.open(b"/f", O_RDWR | O_APPEND)
    other = t.call("dup", fd)
    assert t.read(fd, 3) == b"con"
    assert t.read(other, 3) == b"ten"
    t.write(fd, b"!")
    assert t.get(b"/f") == b"content!"
    assert t.call("lseek", other, 0, 1) == 8
    with pytest.raises(e.EINVAL):
        t.call("lseek", fd, -1, 0)


def test_path_descriptors_only_name(t) -> None:
    fd = t.open(b"/f", O_PATH)
    for name, *args in (("read", t.base, 1), ("fchmod", 0o600), ("ioctl", 0x541B, t.base),
                        ("fgetxattr", b"user.a", 0, 0), ("lseek", 0, 0),
                        ("ftruncate", 0)):  # fmt: skip
        with pytest.raises(e.EBADF):
            t.call(name, fd, *args)
    assert t.fstat(fd).size == 7
    link = t.open(b"/lf", O_PATH | O_NOFOLLOW)
    assert t.out(t.call("readlinkat", link, b"", t.base, 100)) == b"/f"


def test_getdents_goes_on_while_names_come_and_go(t) -> None:
    for i in range(200):
        t.put(b"/tmp/%03d" % i, b"")
    fd = t.open(b"/tmp", O_DIRECTORY)
    seen = []
    while count := t.call("getdents64", fd, t.base, 400):
        data = t.out(count)
        while data:
            length = int.from_bytes(data[16:18], "little")
            name = data[19:length].split(b"\0", 1)[0]
            if not name.startswith(b"."):
                seen.append(name)
                t.call("unlinkat", CWD, b"/tmp/" + name, 0)
            data = data[length:]
    assert seen == [b"%03d" % i for i in range(200)]
    assert t.listing(b"/tmp") == []


def test_a_large_folder_is_listed_in_one_pass(t, monkeypatch) -> None:
    """Else a listing takes time with the square of the folder's size."""
    for i in range(300):
        t.put(b"/tmp/%03d" % i, b"")
    passes = []
    entries = TmpDir.entries

    def counted(self, cookie):
        passes.append(cookie)
        return entries(self, cookie)

    monkeypatch.setattr(TmpDir, "entries", counted)
    fd = t.open(b"/tmp", O_DIRECTORY)

    def rest() -> int:
        count = 0
        while size := t.call("getdents64", fd, t.base, 400):
            data = t.out(size)
            while data:
                data = data[int.from_bytes(data[16:18], "little") :]
                count += 1
        return count

    assert rest() == 302
    assert len(passes) == 2  # the listing, and what came after its end
    t.put(b"/tmp/late", b"")
    assert rest() == 1
    t.call("lseek", fd, 0, 0)
    t.call("getdents64", fd, t.base, 400)
    t.call("lseek", fd, 0, 0)
    assert rest() == 303


def test_fallocate_punches_holes_and_seek_finds_them(t) -> None:
    fd = t.open(b"/h", O_CREAT | O_RDWR)
    t.call("fallocate", fd, 0, 0, 40960)
    assert (t.fstat(fd).size, t.fstat(fd).blocks) == (40960, 80)
    t.call("fallocate", fd, 3, 4096, 8192)
    assert t.fstat(fd).blocks == 64
    assert t.call("lseek", fd, 0, 4) == 4096
    assert t.call("lseek", fd, 4096, 3) == 12288
    with pytest.raises(e.EOPNOTSUPP):
        t.call("fallocate", fd, 8, 0, 4096)
    t.call("fallocate", fd, 1, 40960, 4096)
    assert (t.fstat(fd).size, t.fstat(fd).blocks) == (40960, 72)


def test_times(world, t) -> None:
    times = (
        (5).to_bytes(8, "little") + (6).to_bytes(8, "little") + (2**64 - 1).to_bytes(8, "little")
    )
    t.call("utimensat", CWD, b"/f", times + (7).to_bytes(8, "little"), 0)
    s = t.stat(b"/f")
    assert s.atime == 5 * 10**9 + 6
    t.get(b"/f")
    assert t.stat(b"/f").atime > 10**18, "relatime: the access time was older than the change"
    read_at = t.stat(b"/f").atime
    t.get(b"/f")
    assert t.stat(b"/f").atime == read_at, "relatime: it is newer now"
    fd = t.open(b"/f", O_WRONLY)
    t.write(fd, b"w")
    assert t.stat(b"/f").mtime > read_at


def test_memfd_seals(t) -> None:
    fd = t.call("memfd_create", b"m", 2)
    t.write(fd, b"abc")
    assert t.fds[fd].path() == b"/memfd:m (deleted)"
    t.call("fcntl", fd, 1033, 2 | 4)
    with pytest.raises(e.EPERM):
        t.write(fd, b"grow")
    with pytest.raises(e.EPERM):
        t.call("ftruncate", fd, 1)
    addr = t.mm.map(0, 4096, 3, 1, source=t.fds[fd].mappable(3, 1))
    with pytest.raises(e.EBUSY):
        t.call("fcntl", fd, 1033, 8)
    t.mm.unmap(addr, 4096)
    t.call("fcntl", fd, 1033, 8 | 1)
    assert t.call("fcntl", fd, 1034, 0) == 15
    with pytest.raises(e.EPERM):
        t.call("pwrite64", fd, t.base, 1, 0)


def test_file_size_limit_cuts_and_signals(t) -> None:
    t.process.limits.set(1, 10, 10, t.cred)
    fd = t.open(b"/f", O_WRONLY)
    assert t.write(fd, b"x" * 20) == 10
    with pytest.raises(e.EFBIG):
        t.write(fd, b"y")
    assert t.signals == [25]


# Locks.


def flock_struct(kind, start, length, whence=0, pid=0):
    return (kind.to_bytes(2, "little") + whence.to_bytes(2, "little") + bytes(4)
            + start.to_bytes(8, "little") + length.to_bytes(8, "little")
            + pid.to_bytes(4, "little") + bytes(4))  # fmt: skip


SETLK, SETLKW, GETLK, RD, WR, UN = 6, 7, 5, 0, 1, 2


def test_record_locks_conflict_split_and_go_with_any_close(world, t) -> None:
    other = world.thread()
    a, b = t.open(b"/f", O_RDWR), other.open(b"/f", O_RDWR)
    t.call("fcntl", a, SETLK, flock_struct(WR, 0, 100))
    t.call("fcntl", a, SETLK, flock_struct(UN, 40, 10))
    other.call("fcntl", b, SETLK, flock_struct(WR, 40, 10))
    with pytest.raises(e.EAGAIN):
        other.call("fcntl", b, SETLK, flock_struct(RD, 39, 1))
    other.mm.write(other.base, flock_struct(RD, 0, 0))
    other.call("fcntl", b, GETLK, other.base)
    assert other.out(32) == flock_struct(WR, 0, 40, pid=t.process.pid)
    second = t.open(b"/f")
    t.call("close", second)
    other.call("fcntl", b, SETLK, flock_struct(WR, 0, 0))


def test_setlkw_waits_and_a_circle_is_a_deadlock(world, t) -> None:
    other = world.thread()
    a, b = t.open(b"/f", O_RDWR), other.open(b"/f", O_RDWR)
    t.call("fcntl", a, SETLK, flock_struct(WR, 0, 1))
    other.call("fcntl", b, SETLK, flock_struct(WR, 1, 1))
    with pytest.raises(Blocked) as blocked:
        t.call("fcntl", a, SETLKW, flock_struct(WR, 1, 1))
    with pytest.raises(e.EDEADLK):
        other.call("fcntl", b, SETLKW, flock_struct(WR, 0, 1))
    other.call("close", b)
    assert step(blocked.value.coroutine) == 0


def test_flock_belongs_to_the_description(world, t) -> None:
    a, b = t.open(b"/d", O_DIRECTORY), t.open(b"/d", O_DIRECTORY)
    t.call("flock", a, 2)
    with pytest.raises(e.EAGAIN):
        t.call("flock", b, 1 | 4)
    dup = t.call("dup", a)
    t.call("close", a)
    with pytest.raises(Blocked) as blocked:
        t.call("flock", b, 2)
    t.call("close", dup)
    assert step(blocked.value.coroutine) == 0


# FIFOs.


def test_a_fifo_open_waits_for_the_other_end(world, t) -> None:
    t.call("mknodat", CWD, b"/p", stat.S_IFIFO | 0o666, 0)
    other = world.thread()
    with pytest.raises(e.ENXIO):
        t.open(b"/p", O_WRONLY | O_NONBLOCK)
    with pytest.raises(Blocked) as blocked:
        t.open(b"/p", 0)
    w = other.open(b"/p", O_WRONLY)
    r = step(blocked.value.coroutine)
    other.write(w, b"through")
    assert t.read(r, 100) == b"through"
    assert stat.S_ISFIFO(t.fstat(r).mode)
    other.call("close", w)
    assert t.read(r, 100) == b""
    t.call("close", r)
    assert t.fs.walk(b"/p", t.cred).node.data == {}


def test_an_interrupted_fifo_open_leaves_nothing(world, t) -> None:
    t.call("mknodat", CWD, b"/p", stat.S_IFIFO | 0o666, 0)
    users = world.root.users
    with pytest.raises(Blocked) as blocked:
        t.open(b"/p", O_WRONLY)
    with pytest.raises(e.EINTR):
        blocked.value.coroutine.throw(e.EINTR())
    assert (world.root.users, len(t.fds)) == (users, 0)


def test_a_pipe_write_goes_on_until_all_is_taken(world, t) -> None:
    t.call("mknodat", CWD, b"/p", stat.S_IFIFO | 0o666, 0)
    fd = t.open(b"/p", O_RDWR)
    t.mm.write(t.base, bytes(range(256)) * 800)
    with pytest.raises(Blocked) as blocked:
        t.call("write", fd, t.base, 204800)
    got = b""
    call = blocked.value.coroutine
    while len(got) < 204800:
        got += t.fds[fd].read(70000)
        if call is not None:
            try:
                assert step(call) == 204800
                call = None
            except Blocked as again:
                call = again.coroutine
    assert got == bytes(range(256)) * 800
    assert call is None


# Mounts.


def test_stacked_mounts_busy_bind_and_move(world, t) -> None:
    t.call("mount", b"one", b"/mnt", b"tmpfs", 0, b"size=64k")
    t.put(b"/mnt/a", b"1")
    t.call("mount", b"two", b"/mnt", b"tmpfs", 0, 0)
    assert t.listing(b"/mnt") == []
    assert t.stat(b"/mnt/..").ino == t.stat(b"/").ino
    fd = t.open(b"/mnt", O_DIRECTORY)
    with pytest.raises(e.EBUSY):
        t.call("umount2", b"/mnt", 0)
    t.call("close", fd)
    t.call("umount2", b"/mnt", 0)
    assert t.listing(b"/mnt") == [b"a"]
    with pytest.raises(e.EBUSY):
        t.call("unlinkat", CWD, b"/mnt", 0x200)
    with pytest.raises(e.EXDEV):
        t.call("renameat2", CWD, b"/mnt/a", CWD, b"/a", 0)
    with pytest.raises(e.EXDEV):
        t.call("linkat", CWD, b"/mnt/a", CWD, b"/a", 0)
    t.call("mount", b"/mnt", b"/d/e", 0, 0x1000, 0)
    assert t.get(b"/d/e/a") == b"1"
    t.call("mount", b"", b"/d/e", 0, 0x1000 | 32 | 1, 0)
    with pytest.raises(e.EROFS):
        t.open(b"/d/e/new", O_CREAT | O_WRONLY)
    t.put(b"/mnt/new", b"")
    t.call("mount", b"/mnt", b"/tmp", 0, 0x2000, 0)
    assert t.listing(b"/tmp") == [b"a", b"new"]
    assert t.listing(b"/mnt") == []
    t.call("umount2", b"/tmp", 0)
    t.call("umount2", b"/d/e", 0)
    assert len(list(world.mounts)) == 1


def test_a_user_does_not_leave_a_chroot(world, t) -> None:
    t.call("chroot", b"/d")
    t.call("chdir", b"/")
    assert t.stat(b"/../../..").ino == t.stat(b"/").ino
    assert t.get(b"/g") == b"g"
    with pytest.raises(e.ENOENT):
        t.stat(b"/f")
    t.call("chdir", b"/e")
    assert t.out(t.call("getcwd", t.base, 100)) == b"/e\0"


def test_openat2_restrictions(t) -> None:
    d = t.open(b"/d", O_DIRECTORY)

    def how(resolve, flags=0):
        return b"".join(v.to_bytes(8, "little") for v in (flags, 0, resolve))

    for path, resolve, error in (
        (b"../f", 8, e.EXDEV), (b"/f", 8, e.EXDEV), (b"up", 8, e.EXDEV), (b"up", 4, e.ELOOP),
        (b"/f", 0x10, e.ENOENT), (b"g", 0x18, e.EINVAL),
    ):  # fmt: skip
        with pytest.raises(error):
            t.call("openat2", d, path, how(resolve), 24)
    for path, resolve in ((b"g", 8), (b"e/../g", 8), (b"/../g", 0x10)):
        assert t.read(t.call("openat2", d, path, how(resolve), 24)) == b"g"


def test_xattrs(t) -> None:
    t.call("setxattr", b"/f", b"user.k", b"value", 5, 0)
    assert t.call("getxattr", b"/f", b"user.k", t.base, 100) == 5
    assert t.out(5) == b"value"
    with pytest.raises(e.EEXIST):
        t.call("setxattr", b"/f", b"user.k", b"v", 1, 1)
    with pytest.raises(e.ERANGE):
        t.call("getxattr", b"/f", b"user.k", t.base, 2)
    assert t.call("listxattr", b"/f", t.base, 100) == 7
    t.call("removexattr", b"/f", b"user.k")
    assert t.call("listxattr", b"/f", 0, 0) == 0
