"""The same random operations here and in a real directory: same results, same errno."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import LinuxError
from starrylab.kernel.fs.hostfs import HostFs
from starrylab.kernel.fs.hostfs_access import HostFolder
from starrylab.kernel.fs.overlay import OverlayFs
from tests.kernel.vfs.vfs_world import World

NAMES = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "a/x", "d/..", "d/.", "a/", "d/", "l",
         "l/a", "nope/a", "."]  # fmt: skip
names = st.sampled_from(NAMES)
targets = st.sampled_from(["a", "d", "l", "nope", "d/e", "../root/a", "d/"])
sizes = st.integers(0, 9000)
operation = st.one_of(
    st.tuples(st.just("mkdir"), names),
    st.tuples(st.just("rmdir"), names),
    st.tuples(st.just("unlink"), names),
    st.tuples(st.just("write"), names, sizes, sizes),
    st.tuples(st.just("truncate"), names, sizes),
    st.tuples(st.just("create"), names),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("link"), names, names),
    st.tuples(st.just("symlink"), targets, names),
    st.tuples(st.just("chmod"), names, st.sampled_from([0o600, 0o755, 0o4711])),
    st.tuples(st.just("listdir"), names),
    st.tuples(st.just("read"), names),
    st.tuples(st.just("readlink"), names),
)


def seed(root: Path) -> None:
    (root / "d/e").mkdir(parents=True)
    (root / "a").write_bytes(b"alpha" * 1000)
    (root / "d/a").write_bytes(bytes(range(256)) * 40)
    os.link(root / "d/a", root / "c")
    os.symlink("d", root / "l")


class Host:
    """The oracle: the host's own file system."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def __call__(self, op: str, *args):
        join = lambda name: f"{self.root}/{name}"  # noqa: E731
        if op in ("rename", "link"):
            if op == "link":
                return os.link(join(args[0]), join(args[1]), follow_symlinks=False)
            return os.rename(join(args[0]), join(args[1]))
        if op == "symlink":
            return os.symlink(args[0], join(args[1]))
        path = join(args[0])
        if op == "write":
            fd = os.open(path, os.O_WRONLY)
            try:
                return os.pwrite(fd, b"w" * args[1], args[2])
            finally:
                os.close(fd)
        if op == "create":
            return os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
        if op == "read":
            fd = os.open(path, os.O_RDONLY)
            try:
                return os.read(fd, 1 << 16)
            finally:
                os.close(fd)
        if op == "listdir":
            return sorted(os.listdir(path))
        if op == "mkdir":
            return os.mkdir(path, 0o755)
        return getattr(os, op)(path, *args[1:])


class Guest:
    """The same operations as system calls."""

    def __init__(self, world: World) -> None:
        self.t = world.thread()
        self.t.call("umask", 0o022)

    def __call__(self, op: str, *args):
        t = self.t
        if op == "symlink":
            return t.call("symlinkat", args[0].encode(), -100, b"/" + args[1].encode())
        path = b"/" + args[0].encode()
        if op in ("rename", "link"):
            name, last = ("renameat2", 0) if op == "rename" else ("linkat", 0)
            return t.call(name, -100, path, -100, b"/" + args[1].encode(), last)
        if op == "write":
            fd = t.open(path, 1)
            try:
                t.mm.write(t.base, b"w" * args[1])
                return t.call("pwrite64", fd, t.base, args[1], args[2])
            finally:
                t.call("close", fd)
        if op == "create":
            return t.call("close", t.open(path, 0o101, 0o666))
        if op == "read":
            fd = t.open(path)
            try:
                return t.read(fd, 1 << 16)
            finally:
                t.call("close", fd)
        if op == "listdir":
            return [n.decode() for n in t.listing(path)]
        if op == "readlink":
            return t.out(t.call("readlinkat", -100, path, t.base, 4096)).decode()
        number = {"mkdir": ("mkdirat", 0o755), "rmdir": ("unlinkat", 0x200),
                  "unlink": ("unlinkat", 0), "chmod": ("fchmodat",)}  # fmt: skip
        if op == "truncate":
            return t.call("truncate", path, args[1])
        call, *rest = number[op]
        return t.call(call, -100, path, *rest, *args[1:])


def outcome(run, op):
    try:
        result = run(*op)
    except OSError as error:
        return errno.errorcode[error.errno]
    except LinuxError as error:
        return errno.errorcode[error.errno]
    return result or 0


def tree(run, t, root: str) -> dict[str, tuple]:
    """What is there: path -> type, permissions, links, content."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            st_ = os.lstat(path)
            relative = os.path.relpath(path, root)
            found[relative] = describe(st_.st_mode, st_.st_nlink, lambda p=path: content(p))
    return found


def content(path):
    if os.path.islink(path):
        return os.readlink(path)
    return Path(path).read_bytes()


def describe(mode, nlink, read):
    if stat.S_ISDIR(mode):
        return (stat.S_IFMT(mode), mode & 0o7777)
    return (stat.S_IFMT(mode), mode & 0o7777, nlink, read())


def guest_tree(t, folder: bytes = b"/") -> dict[str, tuple]:
    found = {}
    for name in t.listing(folder):
        path = folder + name
        s = t.stat(path, 0x100)
        link = stat.S_ISLNK(s.mode)

        def read(path=path, link=link):
            if link:
                return t.out(t.call("readlinkat", -100, path, t.base, 4096)).decode()
            return t.get(path)

        found[path[1:].decode()] = describe(s.mode, s.nlink, read)
        if stat.S_ISDIR(s.mode):
            found |= guest_tree(t, path + b"/")
    return found


def snapshot(root: Path) -> list:
    result = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            s = os.lstat(path)
            data = None if stat.S_ISDIR(s.st_mode) else content(path)
            result.append((path, s.st_mode, s.st_nlink, s.st_mtime_ns, s.st_ino, data))
    return result


def compare(ops, make) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as tmp:
        old = os.umask(0o022)
        try:
            oracle_root, lower = Path(tmp, "root"), Path(tmp, "low", "root")
            seed(oracle_root)
            lower.parent.mkdir()
            shutil.copytree(oracle_root, lower, symlinks=True)
            (lower / "c").unlink()
            os.link(lower / "d/a", lower / "c")
            before = snapshot(lower)
            world, immutable = make(lower)
            guest, host = Guest(world), Host(oracle_root)
            for op in ops:
                assert outcome(guest, op) == outcome(host, op), op
            assert guest_tree(guest.t) == tree(None, None, str(oracle_root))
            if immutable:
                assert snapshot(lower) == before
        finally:
            os.umask(old)


def on_tmpfs(lower: Path):
    world = World()
    t = world.thread()
    for path in (b"d", b"d/e"):
        t.call("mkdirat", -100, path, 0o755)
    t.put(b"a", (lower / "a").read_bytes())
    t.put(b"d/a", (lower / "d/a").read_bytes())
    t.call("linkat", -100, b"d/a", -100, b"c", 0)
    t.call("symlinkat", b"d", -100, b"l")
    return world, True


def on_overlay(lower: Path):
    return World(root=lambda w: OverlayFs(w.now, w.pool, HostFolder(lower))), True


def on_hostfs(lower: Path):
    return World(root=lambda w: HostFs(w.now, w.pool, HostFolder(lower))), False


# Names that climb above the root differ: the guest's root is a wall, the host's is not.
checked = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("make", [on_tmpfs, on_overlay, on_hostfs])
def test_random_operations_end_as_on_the_host(make) -> None:
    @checked
    @given(st.lists(operation, min_size=1, max_size=25))
    def run(ops):
        compare([op for op in ops if "../" not in str(op[1:])], make)

    run()
