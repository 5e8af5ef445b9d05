"""Start a lab process: a fresh interpreter that owns one machine and knows no screens.

The connection is one end of a Unix socket pair, passed by number.  The process leads its
own session, so that a Ctrl-C on the host's terminal does not reach it, and it asks the
host to be killed when its parent dies (prctl(2) PR_SET_PDEATHSIG), on top of noticing the
end of the connection.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence

LAB_MODULE = "starrylab.session.lab"
_STDERR_TAIL = 8192  #: bytes kept of what the process complains


class LabProcess:
    """A running lab process, seen from its parent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stderr = bytearray()
        self._reading = asyncio.create_task(self._read_stderr())

    @property
    def pid(self) -> int:
        """The host's process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for the end; return the exit status, negative for a signal."""
        status = await self._process.wait()
        await asyncio.shield(self._reading)
        return status

    def kill(self) -> None:
        """End it at once; harmless when it has ended."""
        if self._process.returncode is None:
            self._process.kill()

    def stderr_tail(self) -> str:
        """Return the last lines the process wrote to its standard error."""
        return self._stderr.decode(errors="replace").strip()

    async def _read_stderr(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        while data := await stream.read(4096):
            self._stderr += data
            del self._stderr[:-_STDERR_TAIL]


async def spawn_lab(command: Sequence[str] = ()) -> tuple[LabProcess, socket.socket]:
    """Start a lab process; return it and the front end's end of the connection.

    ``command`` replaces the interpreter and module (for tests); the socket's number is
    appended to it.
    """
    ours, theirs = socket.socketpair()
    argv = tuple(command) or (sys.executable, "-m", LAB_MODULE)
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            str(theirs.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return LabProcess(process), ours


def describe_exit(status: int) -> str:
    """Say in words how a host process ended (`asyncio` convention: negative is a signal)."""
    if status >= 0:
        return f"the lab process ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"the lab process was killed by {name}"
