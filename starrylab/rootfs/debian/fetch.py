"""Fetch files over HTTP into a cache addressed by hash: resumable, parallel, always verified."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from ..tree import RootfsError

_CHUNK: Final = 1 << 16
_PARALLEL: Final = 4
_TIMEOUT_S: Final = 30
_LARGEST_TEXT: Final = 16 << 20  #: bytes of a file whose hash nobody knows
_TRIES: Final = 3
_PAUSE_S: Final = 0.05  #: between looks whether another process has done with a part

Report = Callable[[int, int], None]  #: bytes here, bytes in all


class Unreachable(RootfsError):
    """The mirror does not answer; what is cached may do."""


class Missing(RootfsError):
    """The mirror has no such file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file at an address, with what is known of it."""

    url: str
    sha256: str
    size: int = 0


def fetch_text(url: str) -> bytes:
    """Return a small file whose hash nobody knows; raise Missing, Unreachable."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            data: bytes = answer.read(_LARGEST_TEXT + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _explain(url, error) from None
    if len(data) > _LARGEST_TEXT:
        raise RootfsError(f"{url} has more than {_LARGEST_TEXT >> 20} MiB; is this a mirror?")
    return data


class Cache:
    """Files by their SHA-256 in one folder; a file with its final name is whole and verified."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where a file with this hash is, or will be."""
        return self._folder / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether a file is here."""
        return self.path(sha256).is_file()

    def fetch_all(self, files: Iterable[Wanted], report: Report) -> None:
        """Fetch what is not here yet; raise RootfsError.  Parts stay for the next time."""
        missing = [file for file in files if not self.has(file.sha256)]
        total = sum(file.size for file in missing)
        done = [0]
        lock = threading.Lock()

        def arrived(count: int) -> None:
            with lock:
                done[0] += count
                report(done[0], total)

        self._stop.clear()
        pool = ThreadPoolExecutor(_PARALLEL)
        try:
            for job in as_completed([pool.submit(self._fetch, f, arrived) for f in missing]):
                job.result()
        except OSError as error:
            raise RootfsError(f"cannot write {self._folder}: {error.strerror}") from None
        finally:
            self._stop.set()  # also what Ctrl-C meets
            pool.shutdown(cancel_futures=True)

    def _fetch(self, file: Wanted, arrived: Callable[[int], None]) -> None:
        for left in reversed(range(_TRIES)):
            try:
                return self._try(file, arrived)
            except Unreachable:
                if not left or self._stop.is_set():
                    raise
                time.sleep(1)
        return None

    def _try(self, file: Wanted, arrived: Callable[[int], None]) -> None:
        part = self._folder / f"{file.sha256}.part"
        with self._part(part) as output:
            if self.has(file.sha256):  # somebody else was faster
                part.unlink()
                return
            start = output.tell()
            answer = _ask(file.url, start)
            if answer is not None:
                with answer:
                    if start and answer.status != http.client.PARTIAL_CONTENT:
                        output.truncate(0)
                        start = 0
                    arrived(start)
                    self._copy(file, answer, output, start, arrived)
            output.flush()
            self._verify(file, part)

    def _part(self, part: Path) -> IO[bytes]:
        """Open a part for nobody else to write, in this process or another."""
        while not self._stop.is_set():
            output = part.open("ab")
            try:
                fcntl.flock(output, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(output.fileno()), part.stat()):
                    return output
            except FileNotFoundError:
                pass  # it was finished, or thrown away, before we had it
            except BlockingIOError:
                time.sleep(_PAUSE_S)
            output.close()
        raise Unreachable(f"{part.name}: stopped")

    def _copy(
        self,
        file: Wanted,
        answer: http.client.HTTPResponse,
        output: IO[bytes],
        here: int,
        arrived: Callable[[int], None],
    ) -> None:
        while not self._stop.is_set():
            try:
                data = answer.read(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _explain(file.url, error) from None
            if not data:
                return
            here += len(data)
            if file.size and here > file.size:
                os.unlink(output.name)
                raise RootfsError(
                    f"{file.url} is longer than the {file.size} bytes that the index says: the "
                    "mirror is broken or lies; try another --mirror"
                )
            output.write(data)
            arrived(len(data))
        raise Unreachable(f"{file.url}: stopped")

    def _verify(self, file: Wanted, part: Path) -> None:
        if file.size and part.stat().st_size < file.size:
            raise Unreachable(f"{file.url} ended early; try again, what is here is kept")
        with part.open("rb") as data:
            found = hashlib.file_digest(data, "sha256").hexdigest()
        if found != file.sha256:
            part.unlink()
            raise RootfsError(
                f"{file.url} has the wrong hash: the mirror is broken, out of date, or lies; "
                "try again later, or another --mirror"
            )
        os.replace(part, self.path(file.sha256))


def _ask(url: str, start: int) -> http.client.HTTPResponse | None:
    """Ask for a file from a byte on; return None if the server has nothing behind that."""
    request = urllib.request.Request(url)
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _explain(url, error) from None
        error.close()
        return None  # the part was whole already, or it is wrong
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _explain(url, error) from None
    return answer


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once; raise RootfsError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise RootfsError(f"cannot write {path}: {error.strerror}") from None


def _explain(url: str, error: Exception) -> RootfsError:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if error.code == http.client.NOT_FOUND:
            return Missing(f"the mirror has no {url}")
        return Unreachable(f"{url}: the mirror answers {error.code} {error.reason}")
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return Unreachable(f"{url} cannot be reached: {reason}")
