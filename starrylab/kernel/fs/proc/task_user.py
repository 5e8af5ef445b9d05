"""Whose numbers a process uses: user namespaces, and its execution domain (user_namespaces(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.capability import CAP_SYS_ADMIN, CAP_SYS_TIME
from ....abi.errno import EACCES
from ...namespaces.clocks import write_offsets
from ...namespaces.id_maps import write_map, write_setgroups
from ...namespaces.user import Extent, IdMap
from ...task.cred import ROOT
from ._declare import Subject, task
from ._namespaces import user_namespace

if TYPE_CHECKING:
    from ...namespaces.user import UserNamespace
    from ...thread import Thread

_NS: Final = 1_000_000_000
_ALL: Final = (1 << 32) - 1  #: the number of ids, and the one that is none


def _set_uid_map(task: Subject, thread: Thread | None, data: bytes) -> None:
    opener = ROOT if thread is None else thread.cred
    write_map(user_namespace(task.kernel, task.thread.cred), "uid", data, opener)


def _set_gid_map(task: Subject, thread: Thread | None, data: bytes) -> None:
    opener = ROOT if thread is None else thread.cred
    write_map(user_namespace(task.kernel, task.thread.cred), "gid", data, opener)


@task("uid_map", mode=0o644, write=_set_uid_map)
def uid_map(task: Subject) -> str:
    """proc_pid_uid_map(5)."""
    ns, seer = task.thread.cred.user_ns, _parent_seen(task)
    return _rows(None if ns is None else ns.uids, None if seer is None else seer.uids)


@task("gid_map", mode=0o644, write=_set_gid_map)
def gid_map(task: Subject) -> str:
    """proc_pid_uid_map(5)."""
    ns, seer = task.thread.cred.user_ns, _parent_seen(task)
    return _rows(None if ns is None else ns.gids, None if seer is None else seer.gids)


def _parent_seen(task: Subject) -> UserNamespace | None:
    """Return the user namespace whose ids the second column shows: the reader's, or its parent."""
    ns, seer = task.thread.cred.user_ns, task.cred.user_ns
    return ns.parent if ns is not None and seer is ns else seer


def _rows(shown: IdMap | None, below: IdMap | None) -> str:
    """Return a map, with ids of the namespace of ``below`` at the right; ``None``: the initial."""
    rows = []
    for first, kernel, size in (Extent(0, 0, _ALL),) if shown is None else shown.extents:
        found = kernel if below is None else below.inside(kernel)
        rows.append(f"{first:10d} {_ALL if found is None else found:10d} {size:10d}\n")
    return "".join(rows)


def _set_setgroups(task: Subject, thread: Thread | None, data: bytes) -> None:
    ns = user_namespace(task.kernel, task.thread.cred)
    opener = ROOT if thread is None else thread.cred
    if not opener.capable_in(task.thread.cred.user_ns, CAP_SYS_ADMIN):
        raise EACCES
    write_setgroups(ns, data)


@task("setgroups", mode=0o644, write=_set_setgroups)
def setgroups(task: Subject) -> str:
    """proc_pid_setgroups(5)."""
    ns = task.thread.cred.user_ns
    return "allow\n" if ns is None or ns.may_set_groups else "deny\n"


def _set_offsets(task: Subject, thread: Thread | None, data: bytes) -> None:
    ns = task.thread.namespaces.time_for_children
    opener = ROOT if thread is None else thread.cred
    opener.require_in(ns.user_ns, CAP_SYS_TIME)
    write_offsets(ns, data, task.kernel.clock.monotonic())


@task("timens_offsets", mode=0o644, write=_set_offsets)
def timens_offsets(task: Subject) -> str:
    """Show how far the clocks of children are ahead (time_namespaces(7))."""
    ns = task.thread.namespaces.time_for_children
    shown = (("monotonic", ns.monotonic_ns), ("boottime", ns.boottime_ns))
    return "".join(f"{name:<10} {ns // _NS:10d} {ns % _NS:9d}\n" for name, ns in shown)


@task("personality", mode=0o400, guarded=True)
def personality(task: Subject) -> str:
    """proc_pid_personality(5)."""
    return f"{task.process.persona:08x}\n"
