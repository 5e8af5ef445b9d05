"""Run riscv64 Linux programs under qemu-user: the oracle that StarryLab is compared with.

qemu-user cannot execute a child program itself; the host's kernel must hand it over through
binfmt_misc (Documentation/admin-guide/binfmt-misc.rst). Since Linux 6.7 each user namespace has its
own binfmt_misc, so the handler is registered in a private namespace and nobody else sees it.
Flag F opens the interpreter at registration, so it works inside a chroot as well; P keeps argv[0],
which is how busybox knows what it is to be.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MAGIC = r"\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf3\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"

#: Runs inside the namespaces: $1 interpreter, $2 root or "", $3 working folder, $4 not empty: the
#: host's own /tmp; then the command.
_SETUP = r"""
set -e
guest_path=$PATH PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' ":starrylab-riscv64:M::MAGIC:MASK:$1:POCF" > /proc/sys/fs/binfmt_misc/register
root=$2 folder=$3 keep=$4
shift 4
set +e
if [ -n "$keep" ]; then
    :
elif [ -z "$root" ]; then
    # The share may itself lie in the /tmp that is about to disappear: hold it by the cwd.
    cd "${STARRYLAB_SHARE:-/}"
    mount -t tmpfs -o mode=1777 none /tmp
    if [ -n "$STARRYLAB_SHARE" ]; then
        mkdir /tmp/share
        mount --no-canonicalize --bind . /tmp/share
    fi
    unset STARRYLAB_SHARE
else
    mount --rbind /dev "$root/dev"
    mount -t proc none "$root/proc"
    mount -t tmpfs -o mode=1777 none "$root/tmp"
    if [ -n "$STARRYLAB_SHARE" ]; then
        mkdir "$root/tmp/share"
        mount --bind "$STARRYLAB_SHARE" "$root/tmp/share"
    fi
    unset STARRYLAB_SHARE
    chroot "$root" /bin/sh -c 'PATH=$1; cd "$0"; shift; exec "$@"' "$folder" "$guest_path" "$@"
    exit $?
fi
mount -t proc none /proc
cd "$folder"
PATH=$guest_path
# Not exec: the first process of a process namespace is immune to signals.
"$@"
exit $?
""".replace("MAGIC", _MAGIC).replace("MASK", _MASK)


class Unavailable(Exception):
    """qemu-user or namespaces are not to be had here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a program left behind; `status` is as the shell's $?, 128 + N for a signal."""

    stdout: bytes
    stderr: bytes
    status: int


def interpreter() -> str:
    """Return the path of qemu-riscv64; raises Unavailable."""
    for name in ("qemu-riscv64-static", "qemu-riscv64"):
        path = shutil.which(name)
        if path is not None:
            return path
    raise Unavailable("qemu-riscv64-static is missing; install qemu-user-static")


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    cwd: Path | None = None,
    timeout: float = 60,
) -> Result:
    """Run one static program that starts no others; raises Unavailable."""
    return _finish([interpreter(), *argv], env, stdin, cwd, timeout)


def run_tree(
    root: Path | None,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    cwd: str = "/",
    share: Path | None = None,
    keep_tmp: bool = False,
    timeout: float = 120,
) -> Result:
    """Run a program and its children, inside `root` or on the host's files, with an empty /tmp.

    `keep_tmp` (only without `root`): with the host's /tmp.

    `share` is a folder that the programs find at /tmp/share. Raises Unavailable.
    """
    _check_namespaces()
    environment = {"PATH": "/bin:/usr/bin", **(env or {})}
    if share is not None:
        environment["STARRYLAB_SHARE"] = str(share)
    return _finish(
        [*namespace_command(root, cwd, keep_tmp=keep_tmp), *argv],
        environment,
        stdin,
        Path("/"),
        timeout,
    )


def namespace_command(root: Path | None, cwd: str = "/", *, keep_tmp: bool = False) -> list[str]:
    """Return the command line before `argv` that makes riscv64 programs executable."""
    # A process namespace, so that nothing that a script leaves behind outlives it.
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "--kill-child", "--pid", "--fork"]
    flags = [interpreter(), str(root or ""), cwd, "keep" if keep_tmp else ""]
    return [*unshare, "/bin/sh", "-c", _SETUP, "sh", *flags]


@functools.cache
def _check_namespaces() -> None:
    if shutil.which("unshare") is None:
        raise Unavailable("unshare is missing; install util-linux")
    result = subprocess.run(
        [*namespace_command(None), "true"], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        reason = " ".join(result.stderr.split())
        raise Unavailable(f"no private binfmt_misc here (Linux 6.7 or later has it): {reason}")


def _finish(
    command: list[str],
    env: Mapping[str, str] | None,
    stdin: bytes,
    cwd: Path | None,
    timeout: float,
) -> Result:
    result = subprocess.run(
        command,
        env={"PATH": os.defpath, **(env or {})},
        input=stdin,
        cwd=cwd,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    status = result.returncode
    return Result(result.stdout, result.stderr, status if status >= 0 else 128 - status)
