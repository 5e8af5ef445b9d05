"""Labs for many tests: one that takes scripts, and shells on terminals."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.guest import Result
from tests.host_pty import HostTerminal

MEMORY = ("--memory", "1G")
SCRIPTS = Path(__file__).parent / "scripts"
PATIENCE_S = 30  #: for what takes a second on an idle host

#: the first process: runs the scripts whose numbers arrive, and says when each has ended.
SERVER = """
while read -r n; do
    cd /tmp
    bash /share/$n.sh </dev/null >/share/$n.out 2>/share/$n.err
    echo $? >/share/$n.status
    echo $n
done
"""


class Batch:
    """A lab whose first process runs one script after the other."""

    def __init__(self, process: subprocess.Popen[bytes], share: Path) -> None:
        self._process = process
        self._count = 0
        self.share = share  #: the guest's /share

    def __call__(self, script: str) -> Result:
        """Run ``script`` with bash, in /tmp; it has the lab for itself."""
        self._count += 1
        part = self.share / str(self._count)
        part.with_suffix(".sh").write_text(script)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{self._count}\n".encode())
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer == f"{self._count}\n".encode(), f"the lab ended in:\n{script}"
        out, err, status = (
            part.with_suffix(f".{x}").read_bytes() for x in ("out", "err", "status")
        )
        return Result(out, err, int(status))

    def prints(self, script: str) -> str:
        """Run ``script``, which must succeed; return what it printed."""
        result = self(script)
        assert result.status == 0, (result.stdout + result.stderr).decode(errors="replace")
        return result.stdout.decode(errors="replace")


class Shells:
    """A bash on a terminal for many tests; each finds it at its prompt, the screen empty."""

    def __init__(self, start: Callable[[], HostTerminal]) -> None:
        self._start = start
        self._terminal: HostTerminal | None = None

    def lend(self) -> HostTerminal:
        """Return the one that there is, or another where a test left it in disorder."""
        terminal, self._terminal = self._terminal, None
        if terminal is None:
            terminal = self._start()
            terminal.see_line("$ ")
        return terminal

    def give_back(self, terminal: HostTerminal) -> None:
        """Keep a terminal whose test passed."""
        terminal.type("\x15\x0c")
        terminal.wait_until(lambda: terminal.text == "$\n", "an empty screen")
        self._terminal = terminal
