"""Run the packages' maintainer scripts where they belong: inside a lab that boots the tree.

The lab is a `starrylab run` of its own.  Afterwards the guest's tar writes the whole tree, with the
owners and modes that only the guest knows, to a folder of the host.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .tree import RootfsError

#: architectures that a lab can execute
EXECUTABLE: Final = ("riscv64",)
_MEMORY: Final = "2G"
_TREE: Final = "root.tar"
_LINES: Final = 3  #: of what went wrong
_DONE: Final = "starrylab: configured"
_SCRIPT: Final = f"""
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C HOME=/root
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
dpkg --force-depends --configure -a || exit 1
rm -f /usr/sbin/policy-rc.d
tar --one-file-system --numeric-owner -C / -cf /mnt/{_TREE} . || exit 1
echo '{_DONE}'
"""


def configure(source: Path, target: Path, arch: str, say: Callable[[str], None]) -> None:
    """Configure the packages of the tree in `source`; the result becomes `target`.

    Raises RootfsError with the last lines that dpkg wrote.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".configure-") as folder:
        command = [sys.executable, "-m", "starrylab", "run", "--arch", arch, "--memory", _MEMORY,
                   "--rootfs", str(source), "--bind", f"{folder}:/mnt:rw",
                   "--", "/bin/sh", "-c", _SCRIPT]  # fmt: skip
        lines = _run(command, say)
        if not lines or lines[-1] != _DONE:
            reason = " / ".join(lines[-_LINES:]) or "the lab ended without a word"
            raise RootfsError(f"the packages could not be configured: {reason}")
        Path(folder, _TREE).replace(target)


def _run(command: list[str], say: Callable[[str], None]) -> list[str]:
    """Return what the lab wrote, telling each step; it is ended when we are."""
    lines = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as lab:
        try:
            assert lab.stdout is not None
            for line in lab.stdout:
                lines.append(line.strip())
                if line.startswith("Setting up "):
                    say(line.strip().removesuffix(" ..."))
        except BaseException:
            lab.kill()
            raise
    return [line for line in lines if line]
