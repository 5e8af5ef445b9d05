"""One at a time: who changes a root has its lock (flock(2)), which ends with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from .errors import RootfsError


class Lock:
    """The lock of a root, held as long as this object exists."""

    def __init__(self, path: Path, busy: str) -> None:
        """Take the lock at once; raise RootfsError, with `busy`, if somebody else has it."""
        self._fd = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
            who = f" (process {holder})" if holder else ""
            self.release()
            raise RootfsError(busy.format(who=who)) from None
        except OSError as error:
            self.release()
            raise RootfsError(f"cannot lock {path}: {error.strerror}") from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let others have it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()
