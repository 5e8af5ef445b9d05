"""Whose numbers a process uses: user namespaces, and its execution domain (user_namespaces(7))."""

from __future__ import annotations

from ._declare import Subject, task


@task("uid_map")
@task("gid_map")
def id_map(_: Subject) -> str:
    """proc_pid_uid_map(5): in the only user namespace each number stands for itself."""
    return f"{0:10d} {0:10d} {(1 << 32) - 1:10d}\n"


@task("setgroups")
def setgroups(_: Subject) -> str:
    """proc_pid_setgroups(5): setgroups(2) is permitted in the first user namespace."""
    return "allow\n"


@task("personality", mode=0o400, guarded=True)
def personality(task: Subject) -> str:
    """proc_pid_personality(5)."""
    return f"{task.process.persona:08x}\n"
