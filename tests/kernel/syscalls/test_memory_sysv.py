"""System V shared memory: keys, permissions, attaching, removal."""

from __future__ import annotations

from starrylab.abi import errno as e
from starrylab.abi import ipc
from starrylab.abi.capability import CAP_SETUID
from starrylab.kernel.mm.sysv import ShmidDs, ShmInfo, ShmInfo64
from starrylab.kernel.task.cred import Credentials

PAGE = 4096
KEY = 0x1234


def status(m, shmid):
    assert (yield m.call("shmctl", shmid, ipc.IPC_STAT, m.scratch)) == 0
    return ShmidDs.from_buffer_copy(m.load(m.scratch, 112))


def finish(lab, program, **options):
    lab.run(program, **options)
    assert lab.exit_status == 42 << 8


def test_two_processes_see_each_others_writes(lab):
    def child(m):
        shmid = yield m.call("shmget", KEY, 0, 0)
        addr = yield m.call("shmat", shmid, 0, 0)
        assert m.load(addr, 6) == b"parent"
        m.store(addr + PAGE, b"child")
        yield m.call("exit_group", 0)

    def program(m):
        shmid = yield m.call("shmget", KEY, 2 * PAGE - 10, ipc.IPC_CREAT | 0o600)
        addr = yield m.call("shmat", shmid, 0, 0)
        m.store(addr, b"parent")
        yield m.fork(child)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        assert m.load(m.scratch, 4) == bytes(4)
        assert m.load(addr + PAGE, 5) == b"child"
        found = yield from status(m, shmid)
        assert (found.shm_nattch, found.shm_segsz) == (1, 2 * PAGE - 10)
        assert (found.shm_cpid, found.shm_perm.mode) == (1, 0o600)
        assert found.shm_perm.key == KEY
        assert found.shm_lpid > 1
        yield m.call("exit_group", 42)

    finish(lab, program)
    # Nobody has it attached now, and it is still there.
    assert [(s.nattch, len(s.pages)) for s in lab.kernel.shm] == [(0, 2)]


def test_removal_waits_for_the_last_detach(lab):
    def program(m):
        shmid = yield m.call("shmget", KEY, PAGE, ipc.IPC_CREAT | 0o600)
        addr = yield m.call("shmat", shmid, 0, 0)
        m.store(addr, b"kept")
        assert (yield m.call("shmctl", shmid, ipc.IPC_RMID, 0)) == 0
        assert m.load(addr, 4) == b"kept"
        found = yield from status(m, shmid)
        assert found.shm_perm.mode == 0o600 | ipc.SHM_DEST
        assert found.shm_perm.key == ipc.IPC_PRIVATE
        other = yield m.call("shmget", KEY, PAGE, ipc.IPC_CREAT | 0o600)
        assert other != shmid
        assert (yield m.call("shmdt", addr)) == 0
        assert (yield m.call("shmctl", shmid, ipc.IPC_STAT, m.scratch)) == -e.EINVAL.errno
        assert (yield m.call("shmdt", addr)) == -e.EINVAL.errno
        assert (yield m.call("shmctl", other, ipc.IPC_RMID, 0)) == 0
        yield m.call("exit_group", 42)

    finish(lab, program)
    assert len(lab.kernel.shm) == 0


def test_flags_of_shmget(lab):
    def program(m):
        create = ipc.IPC_CREAT | 0o600
        shmid = yield m.call("shmget", KEY, PAGE, create)
        assert (yield m.call("shmget", KEY, PAGE, create)) == shmid
        assert (yield m.call("shmget", KEY, PAGE, create | ipc.IPC_EXCL)) == -e.EEXIST.errno
        assert (yield m.call("shmget", KEY, 2 * PAGE, 0)) == -e.EINVAL.errno
        assert (yield m.call("shmget", KEY + 1, 0, create)) == -e.EINVAL.errno
        one = yield m.call("shmget", ipc.IPC_PRIVATE, PAGE, 0o600)
        two = yield m.call("shmget", ipc.IPC_PRIVATE, PAGE, 0o600)
        assert one != two
        yield m.call("exit_group", 42)

    finish(lab, program)


def test_attaching(lab):
    def program(m):
        shmid = yield m.call("shmget", KEY, 3 * PAGE, ipc.IPC_CREAT | 0o600)
        at = 0x2000_0000
        assert (yield m.call("shmat", shmid, at + 5, 0)) == -e.EINVAL.errno
        assert (yield m.call("shmat", shmid, at + 5, ipc.SHM_RND)) == at
        assert (yield m.call("shmat", shmid, at + PAGE, 0)) == -e.EINVAL.errno
        assert (yield m.call("shmat", shmid, 0, ipc.SHM_REMAP)) == -e.EINVAL.errno
        # A hole and other rights in the middle: shmdt still finds all parts.
        yield m.call("munmap", at + PAGE, PAGE)
        found = yield from status(m, shmid)
        assert found.shm_nattch == 2
        assert (yield m.call("shmdt", at)) == 0
        found = yield from status(m, shmid)
        assert found.shm_nattch == 0
        view = yield m.call("shmat", shmid, 0, ipc.SHM_RDONLY)
        assert (yield m.call("mprotect", view, PAGE, 3)) == -e.EACCES.errno
        assert (yield m.call("read", 0, view, 1)) < 0
        assert (yield m.call("shmctl", shmid, ipc.IPC_STAT, 0x7000_0000_0000)) == -e.EFAULT.errno
        yield m.call("exit_group", 42)

    finish(lab, program)


def test_permissions(lab):
    user = Credentials.user(1000, 1000)
    assert not user.capable(CAP_SETUID)

    def program(m):
        shmid = yield m.call("shmget", KEY, PAGE, ipc.IPC_CREAT | 0o640)
        yield m.call("setresuid", 1000, 1000, 1000)
        assert (yield m.call("shmat", shmid, 0, ipc.SHM_RDONLY)) > 0  # by its group
        assert (yield m.call("shmat", shmid, 0, 0)) == -e.EACCES.errno
        assert (yield m.call("shmget", KEY, 0, 0o600)) == -e.EACCES.errno
        assert (yield m.call("shmctl", shmid, ipc.IPC_RMID, 0)) == -e.EPERM.errno
        yield m.call("exit_group", 42)

    finish(lab, program)


def test_set_and_figures(lab):
    def program(m):
        shmid = yield m.call("shmget", KEY, 2 * PAGE, ipc.IPC_CREAT | 0o600)
        found = yield from status(m, shmid)
        found.shm_perm.uid = 77
        found.shm_perm.mode = 0o7644
        m.store(m.scratch, bytes(found))
        assert (yield m.call("shmctl", shmid, ipc.IPC_SET, m.scratch)) == 0
        found = yield from status(m, shmid)
        assert (found.shm_perm.uid, found.shm_perm.mode) == (77, 0o644)
        assert (yield m.call("shmctl", shmid, ipc.SHM_LOCK, 0)) == 0
        assert (yield m.call("shmctl", 0, ipc.SHM_STAT, m.scratch)) == shmid
        assert (yield m.call("shmctl", 1, ipc.SHM_STAT, m.scratch)) == -e.EINVAL.errno
        found = ShmidDs.from_buffer_copy(m.load(m.scratch, 112))
        assert found.shm_perm.mode & ipc.SHM_LOCKED
        assert (yield m.call("shmctl", 0, ipc.IPC_INFO, m.scratch)) == 0
        assert ShmInfo64.from_buffer_copy(m.load(m.scratch, 72)).shmmni == 4096
        assert (yield m.call("shmctl", 0, ipc.SHM_INFO, m.scratch)) == 0
        info = ShmInfo.from_buffer_copy(m.load(m.scratch, 48))
        assert (info.used_ids, info.shm_tot, info.shm_rss) == (1, 2, 0)
        yield m.call("exit_group", 42)

    finish(lab, program)
