"""/proc/sys/fs/protected_*: expectations from proc_sys_fs(5) and Linux's fs/namei.c."""

from __future__ import annotations

import pytest

from starrylab.abi.errno import EACCES, EPERM, LinuxError
from starrylab.kernel.task.cred import Credentials
from tests.kernel.vfs.vfs_world import AT_FDCWD, Thread, World

O_CREAT, O_EXCL, O_RDWR, O_NONBLOCK = 0o100, 0o200, 2, 0o4000
RESOLVE_NO_XDEV = 1
ALICE, BOB = Credentials.user(1, 1), Credentials.user(2, 2)


class Shared:
    """A directory that everybody may write to, and its users."""

    def __init__(self, mode: int = 0o1777) -> None:
        world = World()
        self.root = world.thread()
        self.root.call("umask", 0)
        self.root.call("mkdirat", AT_FDCWD, b"/s", 0o755)
        self.root.call("fchmodat", AT_FDCWD, b"/s", mode)
        self.root.put(b"/target", b"secret", 0o644)
        self.alice = world.thread(ALICE, self.root)
        self.bob = world.thread(BOB, self.root)
        self.on = self.root.fs.protections


def refused(t: Thread, call: str, *args: object) -> type[LinuxError] | None:
    try:
        t.call(call, *args)
    except LinuxError as error:
        return type(error)
    return None


def opened(t: Thread, path: bytes, flags: int = 0) -> type[LinuxError] | None:
    return refused(t, "openat", AT_FDCWD, path, flags, 0o666)


def test_all_processes_share_them_and_they_are_off() -> None:
    shared = Shared()
    assert shared.alice.fs.protections is shared.bob.fs.protections is shared.on
    assert (shared.on.symlinks, shared.on.hardlinks, shared.on.fifos, shared.on.regular) == (0,) * 4


def test_links_of_others_at_the_end_of_a_path_are_not_followed() -> None:
    shared = Shared()
    shared.alice.call("symlinkat", b"/target", AT_FDCWD, b"/s/link")
    shared.alice.call("symlinkat", b"/", AT_FDCWD, b"/s/up")
    shared.root.call("symlinkat", b"/target", AT_FDCWD, b"/s/owner")
    shared.root.call("symlinkat", b"/s/link", AT_FDCWD, b"/by")
    assert opened(shared.bob, b"/s/link") is None
    shared.on.symlinks = 1
    assert opened(shared.bob, b"/s/link") is EACCES
    assert opened(shared.bob, b"/s/link", O_CREAT | O_RDWR) is EACCES
    assert opened(shared.bob, b"/by") is EACCES
    assert opened(shared.root, b"/s/link") is EACCES  # it is for root that the trap is laid
    assert refused(shared.bob, "chdir", b"/s/up/") is EACCES
    assert refused(shared.bob, "faccessat", AT_FDCWD, b"/s/link", 4) is EACCES
    how = shared.bob.base
    shared.bob.mm.write(how, bytes(16) + RESOLVE_NO_XDEV.to_bytes(8, "little"))
    assert refused(shared.bob, "openat2", AT_FDCWD, b"/s/link", how, 24) is EACCES
    assert opened(shared.bob, b"/s/up/target") is None  # not at the end
    assert opened(shared.bob, b"/s/owner") is None
    assert opened(shared.alice, b"/s/link") is None
    assert shared.bob.call("readlinkat", AT_FDCWD, b"/s/link", shared.bob.base, 99) == 7


@pytest.mark.parametrize("mode", [0o777, 0o1755, 0o1775])
def test_elsewhere_links_are_followed(mode: int) -> None:
    shared = Shared(mode)
    shared.root.call("symlinkat", b"/target", AT_FDCWD, b"/s/link")
    shared.root.call("fchownat", AT_FDCWD, b"/s/link", 1, 1, 0x100)
    shared.on.symlinks = 1
    assert opened(shared.bob, b"/s/link") is None


def test_who_may_not_write_a_file_makes_no_hard_links() -> None:
    shared = Shared()
    files = [(b"/s/open", 0o666, 1), (b"/s/read", 0o644, 1), (b"/s/set", 0o4666, 1),
             (b"/s/group", 0o2676, 1), (b"/s/lock", 0o2666, 1), (b"/s/own", 0o600, 2)]  # fmt: skip
    for name, mode, uid in files:
        shared.root.put(name, b"")
        shared.root.call("fchownat", AT_FDCWD, name, uid, uid, 0)
        shared.root.call("fchmodat", AT_FDCWD, name, mode)
    shared.root.call("mknodat", AT_FDCWD, b"/s/fifo", 0o10666, 0)

    def link(t: Thread, name: bytes) -> type[LinuxError] | None:
        found = refused(t, "linkat", AT_FDCWD, name, AT_FDCWD, b"/s/new", 0)
        if found is None:
            shared.root.call("unlinkat", AT_FDCWD, b"/s/new", 0)
        return found

    names = (b"/s/open", b"/s/read", b"/s/set", b"/s/group", b"/s/lock", b"/s/own", b"/s/fifo")
    assert [link(shared.bob, name) for name in names] == [None] * 7
    shared.on.hardlinks = 1
    wanted = [None, EPERM, EPERM, EPERM, None, None, EPERM]
    assert [link(shared.bob, name) for name in names] == wanted
    assert [link(shared.root, name) for name in names] == [None] * 7


@pytest.mark.parametrize(
    ("mode", "level", "wanted"),
    [(0o1777, 0, None), (0o1777, 1, EACCES), (0o1777, 2, EACCES), (0o1775, 1, None),
     (0o1775, 2, EACCES), (0o777, 2, None), (0o1755, 2, None)],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["regular", "fifos"])
def test_files_of_others_are_not_created_again(
    kind: str, mode: int, level: int, wanted: type[LinuxError] | None
) -> None:
    shared = Shared(mode)
    made = 0o100666 if kind == "regular" else 0o10666
    shared.root.call("mknodat", AT_FDCWD, b"/s/trap", made, 0)
    shared.root.call("mknodat", AT_FDCWD, b"/s/root", made, 0)
    shared.root.call("fchownat", AT_FDCWD, b"/s/trap", 1, 1, 0)
    setattr(shared.on, kind, level)
    flags = O_RDWR | O_NONBLOCK
    assert opened(shared.bob, b"/s/trap", flags | O_CREAT) is wanted
    assert opened(shared.root, b"/s/trap", flags | O_CREAT) is wanted
    assert opened(shared.bob, b"/s/trap", flags) is None
    assert opened(shared.alice, b"/s/trap", flags | O_CREAT) is None
    assert opened(shared.bob, b"/s/root", flags | O_CREAT) is None  # the directory's owner's
