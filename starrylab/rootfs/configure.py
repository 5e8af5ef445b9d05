"""Run the packages' maintainer scripts where they belong: inside a lab that boots the tree.

The lab is a `starrylab run` of its own.  Afterwards the guest's tar writes the whole tree, with the
owners and modes that only the guest knows, to a folder of the host.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .debian.deb import without_compression
from .debian.offline import SOURCE as ARCHIVE
from .tree import RootfsError

if TYPE_CHECKING:
    from .debian.build import Built

#: architectures that a lab can execute
EXECUTABLE: Final = ("riscv64",)
_MEMORY: Final = "2G"
_TREE: Final = "root.tar"
_PREINSTS: Final = "preinsts"
_LATER: Final = "later"
#: `starrylab` that Linux kills when its parent, whose number comes first, ends however it does
_CHILD: Final = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
from starrylab.cli import main
sys.exit(main(sys.argv[2:]))
"""
_LINES: Final = 3  #: of what went wrong
_DONE: Final = "starrylab: configured"
_SCRIPT: Final = f"""
cd /
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C HOME=/root
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
export DPKG_ROOT= DPKG_ADMINDIR=/var/lib/dpkg DPKG_MAINTSCRIPT_NAME=preinst
export DPKG_MAINTSCRIPT_ARCH=$(dpkg --print-architecture) DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1
export DPKG_RUNNING_VERSION=$(dpkg-query -f '${{Version}}' -W dpkg)
while read name; do
    DPKG_MAINTSCRIPT_PACKAGE=${{name%:*}} /var/lib/dpkg/info/$name.preinst install </dev/null || {{
        echo "the preinst script of $name failed"; exit 1; }}
done </mnt/{_PREINSTS}
unset DPKG_ROOT DPKG_ADMINDIR DPKG_RUNNING_VERSION
unset DPKG_MAINTSCRIPT_NAME DPKG_MAINTSCRIPT_ARCH DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT
for file in /mnt/{_LATER}/*.deb; do
    [ -e "$file" ] || continue
    dpkg --force-depends --unpack "$file" || exit 1
done
dpkg --force-depends --configure -a || exit 1
if [ -e /{ARCHIVE} ]; then
    apt-get -qq update -o Dir::Etc::sourcelist=/{ARCHIVE} -o Dir::Etc::sourceparts=- || exit 1
fi
rm -f /usr/sbin/policy-rc.d
tar --one-file-system --numeric-owner --acls --xattrs --xattrs-include='*' \\
    -C / -cf /mnt/{_TREE} . || exit 1
echo '{_DONE}'
"""


def configure(
    source: Path, target: Path, arch: str, say: Callable[[str], None], built: Built | None = None
) -> None:
    """Configure the packages of the tree in `source`; the result becomes `target`.

    `built` tells what has to be done before that. A folder beside `target` is used meanwhile.
    Raises RootfsError with the last lines that dpkg wrote.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".configure-") as name:
        folder = Path(name)
        _prepare(folder, built)
        command = [sys.executable, "-c", _CHILD, str(os.getpid()),
                   "run", "--arch", arch, "--memory", _MEMORY,
                   "--rootfs", str(source), "--bind", f"{folder}:/mnt:rw",
                   "--", "/bin/sh", "-c", _SCRIPT]  # fmt: skip
        lines = _run(command, say)
        if not lines or lines[-1] != _DONE:
            reason = " / ".join(lines[-_LINES:]) or "the lab ended without a word"
            raise RootfsError(f"the packages could not be configured: {reason}")
        (folder / _TREE).replace(target)


def _prepare(folder: Path, built: Built | None) -> None:
    """Put what the script reads into the folder that the lab sees."""
    (folder / _LATER).mkdir()
    (folder / _PREINSTS).write_text("".join(f"{n}\n" for n in built.preinsts) if built else "")
    for number, path in enumerate(built.later if built else ()):
        plain = without_compression(path, path.name)
        (folder / _LATER / f"{number:04}.deb").write_bytes(plain)


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
                if line.startswith(("Setting up ", "Unpacking ")):
                    say(line.strip().removesuffix(" ..."))
        except BaseException:
            lab.kill()
            raise
    return [line for line in lines if line]
