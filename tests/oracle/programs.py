"""The C programs of tests/programs, and what they print on a real Linux kernel.

They run under qemu-user where the code is of one architecture. Where qemu-user itself differs from
Linux, the same source is built for the host and runs on the host's kernel instead.
"""

from __future__ import annotations

import functools
import platform
import subprocess
from pathlib import Path

from starrylab.userland import compile_c

from . import qemu

FOLDER = Path(__file__).parents[1] / "programs"

#: what every test program is started with, here and on StarryLab, in an empty /tmp
ARGUMENTS = ("one", "two words")

#: programs that meet a difference between qemu-user 7.2 and Linux, and which
NATIVE = {
    "aio": "has none of these calls",
    "bad_pointers": "checks nanosleep's time before its address; no robust list",
    "clone_flags": "makes every clone without CLONE_THREAD a fork",
    "errors": "checks timerfd_settime's time before its descriptor",
    "every_pointer": "checks much in another order",
    "io_uring": "has no io_uring",
    "io_uring_sockets": "has no io_uring",
    "fanotify_handles": "does not know what fanotify gives",
    "fanotify_random": "does not know what fanotify gives",
    "fork_wait": "its own helper thread takes the adopted child",
    "inotify_more": "is opened itself by every program that it runs",
    "mempolicy": "has no get_mempolicy",
    "message_queues": "aborts where msgrcv has a bad pointer",
    "mmap_basics": "ignores MAP_FIXED_NOREPLACE and unknown madvise",
    "ptrace": "has no ptrace",
    "ns_others": "has a thread of its own, with which nobody leaves a user namespace",
    "ns_pid": "has a thread of its own, with which nobody leaves a user namespace",
    "ns_user": "has a thread of its own, with which nobody leaves a user namespace",
    "process_vm": "has neither these calls nor kcmp",
    "ptys": "TIOCGSID is not passed on",
    "robust": "has no robust list",
    "rseq": "has no rseq",
    "sealing": "has neither these calls nor remap_file_pages",
    "seccomp": "filters itself",
    "secret": "has no memfd_secret",
    "sessions": "now and then never ends: a signal to a stopped group is lost",
    "signals": "siginfo of a blocked signal is left over from another",
    "socket_filter": "has neither SO_DETACH_FILTER nor SO_LOCK_FILTER",
    "user_dispatch": "has no PR_SET_SYSCALL_USER_DISPATCH",
    "vfork_exec": "vfork does not share memory; reverses the environment",
}


def names() -> list[str]:
    """All test programs, by the name of their source without its suffix."""
    return sorted(path.stem for path in FOLDER.glob("*.c"))


def build(name: str, arch: str = "riscv64") -> Path:
    """Return a test program as a static ELF; raises userland.BuildError."""
    return compile_c([FOLDER / f"{name}.c"], arch)


@functools.cache
def expected(name: str) -> tuple[bytes, int]:
    """Return (stdout, status) of a program on real Linux; raises qemu.Unavailable."""
    try:
        return observe(name)
    except subprocess.TimeoutExpired:  # qemu-user now and then waits for ever on a busy host
        return observe(name)


def observe(name: str) -> tuple[bytes, int]:
    """Run a program on its oracle once more, without remembering what it did."""
    program = build(name, platform.machine() if name in NATIVE else "riscv64")
    command = [f"/tmp/share/{program.name}", *ARGUMENTS]
    result = qemu.run_tree(None, command, cwd="/tmp", share=program.parent, timeout=60)
    if result.status in (126, 127):
        raise RuntimeError(f"{name} was not started: {result.stderr.decode(errors='replace')}")
    return result.stdout, result.status
