"""/proc/sysvipc: the System V objects of the reader's IPC namespace (sysvipc(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._declare import proc, seen_from, viewer

if TYPE_CHECKING:
    from ...ipc.objects import IpcObject
    from ...kernel import Kernel
    from ...mm.sysv import Segment


@proc("sysvipc/shm")
def shm(kernel: Kernel) -> str:
    """List the System V shared memory segments (shmget(2))."""
    head = (
        "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid"
        "  cgid      atime      dtime      ctime                   rss                  swap\n"
    )
    return head + "".join(
        f"{s.ipc_key:10d} {s.shmid:10d}  {s.mode:4o} {s.size:21d} {_pids(kernel, s.cpid, s.lpid)}  "
        f"{s.nattch:5d} {_owners(kernel, s)} {s.atime:10d} "
        f"{s.dtime:10d} {s.ctime:10d} {len(s.pages) << 12:21d} {0:21d}\n"
        for s in seen_from(kernel).ipc.shm
    )


@proc("sysvipc/msg")
def msg(kernel: Kernel) -> str:
    """List the System V message queues (msgget(2))."""
    head = (
        "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
        "      stime      rtime      ctime\n"
    )
    return head + "".join(
        f"{q.key:10d} {q.id:10d}  {q.mode:4o}  {q.cbytes:10d} {len(q.letters):10d} "
        f"{_pids(kernel, q.lspid, q.lrpid)} {_owners(kernel, q)} {q.stime:10d} "
        f"{q.rtime:10d} {q.ctime:10d}\n"
        for q in seen_from(kernel).ipc.messages
    )


@proc("sysvipc/sem")
def sem(kernel: Kernel) -> str:
    """List the System V semaphore sets (semget(2))."""
    head = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"
    return head + "".join(
        f"{s.key:10d} {s.id:10d}  {s.mode:4o} {len(s.values):10d} {_owners(kernel, s)} "
        f"{s.otime:10d} {s.ctime:10d}\n"
        for s in seen_from(kernel).ipc.semaphores
    )


def _owners(kernel: Kernel, thing: IpcObject | Segment) -> str:
    """Return owner and maker in the ids of whoever reads."""
    cred = viewer(kernel)
    uids = cred.shown_uid(thing.uid), cred.shown_uid(thing.cuid)
    gids = cred.shown_gid(thing.gid), cred.shown_gid(thing.cgid)
    return f"{uids[0]:5d} {gids[0]:5d} {uids[1]:5d} {gids[1]:5d}"


def _pids(kernel: Kernel, first: int, second: int) -> str:
    """Return two process numbers as whoever reads has them."""
    process = getattr(kernel.executor.current, "process", None)
    shown = [n if process is None else process.shown(n) for n in (first, second)]
    return f"{shown[0]:5d} {shown[1]:5d}"
