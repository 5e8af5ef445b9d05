"""Audit hooks: Python itself refuses, by name and before the kernel is asked (PEP 578).

It is what there is on hosts without Landlock and seccomp, and tells the student what was
refused.  It does not hold against somebody who gets hold of raw memory; the kernel's rules do.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from .places import Places

_REFUSED: Final = (
    "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.kill",
    "os.killpg", "pty.spawn", "subprocess.Popen", "socket.", "ftplib.", "urllib.", "http.client",
    "webbrowser.open", "signal.pthread_kill",
)  # fmt: skip
#: events that change the tree of files, with the places of paths in their arguments
_CHANGES: Final = {
    "os.remove": (0,), "os.rename": (0, 1), "os.rmdir": (0,), "os.mkdir": (0,), "os.link": (0, 1),
    "os.symlink": (1,), "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,),
    "shutil.rmtree": (0,),
}  # fmt: skip
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LISTS: Final = frozenset({"os.listdir", "os.scandir"})


def restrict(places: Places) -> None:
    """From now on refuse other files, processes and sockets with ``PermissionError``."""
    real, inside = os.path.realpath, _inside
    reads = tuple(real(path) for path in (*places.readable, *places.writable))
    writes = tuple(real(path) for path in places.writable)
    lists = frozenset(real(path) for path in places.listable)
    starts = _REFUSED
    fspath = os.fspath

    def check(path: Any, allowed: tuple[str, ...], what: str) -> None:
        if isinstance(path, int) or path is None:
            return
        place = real(os.fsdecode(fspath(path)))
        if not inside(place, allowed):
            raise PermissionError(f"a lab must not {what} {place}")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args[:3]
            wants = flags & _WRITES if isinstance(flags, int) else any(c in mode for c in "wax+")
            check(path, writes if wants else reads, "write" if wants else "read")
        elif event in _CHANGES:
            for index in _CHANGES[event]:
                check(args[index], writes, "change")
        elif event in _LISTS:
            if args[0] is not None and real(os.fsdecode(args[0])) not in lists:
                check(args[0], reads, "list")
        elif event.startswith(starts):
            raise PermissionError(f"a lab must not do {event}")

    sys.addaudithook(hook)


def _inside(place: str, allowed: tuple[str, ...]) -> bool:
    return any(place == folder or place.startswith(folder + os.sep) for folder in allowed)
