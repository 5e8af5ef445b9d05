"""Root trees made of unmodified Debian packages, downloaded by apt without touching the host.

apt gets its own sources list, lists and cache (apt.conf(5), apt-get(8)) and another architecture;
dependencies are resolved against an empty dpkg status, and dpkg-deb only unpacks.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starrylab.userland import cache_folder

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

BUSYBOX = ("busybox-static",)
SYSTEM = (
    *("bash", "coreutils", "dash", "grep", "sed", "mawk", "tar", "gzip", "findutils", "diffutils"),
    *("util-linux", "procps", "nano", "vim-tiny", "less", "ncurses-base", "htop"),
)

#: a program that makes terminals of its own, script(1), and what it needs
TERMINAL = ("bash", "dash", "coreutils", "procps", "bsdutils", "libc-bin", "ncurses-base")

#: names that busybox may have been built with; those that it has become links
_APPLETS = """
[ ash awk basename bunzip2 bzip2 cat chgrp chmod chown clear cmp cp cpio cut date dd df diff
dirname dmesg du echo egrep env expand expr false fgrep find fold free grep gunzip gzip head
hexdump hostname id kill killall less ln ls md5sum mkdir mkfifo mknod mktemp more mount mv nice
nl nohup od paste pidof ping printf ps pwd readlink realpath rev rm rmdir sed seq setsid sh
sha1sum sha256sum shuf sleep sort split stat strings stty sync tac tail tar tee test time
timeout top touch tr true truncate tty umount uname uncompress uniq unxz unzip uptime usleep vi
wc wget which who whoami xargs xxd xz xzcat yes zcat
"""

#: the links of a merged /usr, which base-files would bring
_MERGED = ("bin", "sbin", "lib")


class Unavailable(Exception):
    """The packages cannot be had here; the message says why."""


def mirror() -> str:
    """Return the address of the Debian archive that this host's own apt uses."""
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    text = "\n".join(file.read_text() for file in files if file.is_file())
    found = re.findall(r"^URIs:\s*(\S+)|^deb\s+(?:\[[^]]*\]\s*)?(\S+)", text, re.MULTILINE)
    for address in (first or second for first, second in found):
        if re.search(r"/debian/?$", address):
            return address
    raise Unavailable("apt on this host knows no Debian archive")


def tree(
    name: str, packages: tuple[str, ...], *, arch: str = "riscv64", suite: str = "trixie",
    fetch: bool = True,
) -> Path:  # fmt: skip
    """Return a folder with the packages and all that they depend on, unpacked once and kept.

    Raises Unavailable; without ``fetch`` also when that has not been done before.
    """
    key = hashlib.sha256(" ".join((arch, suite, *packages)).encode()).hexdigest()[:12]
    base = cache_folder() / "debian"
    root = base / f"{name}-{suite}-{arch}-{key}"
    if root.is_dir():
        return root
    if not fetch:
        raise Unavailable(f"{', '.join(packages)} for {arch} are big, and have not been fetched")
    base.mkdir(parents=True, exist_ok=True)
    with _locked(base / ".lock"):
        if not root.is_dir():
            _make(base, root, packages, arch, suite)
    return root


def archives(root: Path, packages: tuple[str, ...]) -> list[Path]:
    """Return the .deb files that `tree` unpacked into ``root``; raises Unavailable."""
    _, suite, arch, _ = root.name.rsplit("-", 3)
    return _download(root.parent / f"apt-{suite}-{arch}", packages, arch, suite)


def host_command(root: Path, program: str) -> tuple[str, ...]:
    """Return the command that runs an amd64 program of a tree with the tree's own C library."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    loader = root / "usr/lib64/ld-linux-x86-64.so.2"
    return (str(loader), "--library-path", str(libraries), str(root / "usr/bin" / program))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(base: Path, root: Path, packages: tuple[str, ...], arch: str, suite: str) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Unavailable(f"{tool} is missing: Debian packages need a Debian-like host")
    if not KEYRING.exists():
        raise Unavailable(f"{KEYRING} is missing; install debian-archive-keyring")
    archives = _download(base / f"apt-{suite}-{arch}", packages, arch, suite)
    scratch = base / f".{root.name}.{os.getpid()}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for part in _MERGED:
        (scratch / "usr" / part).mkdir(parents=True)
        (scratch / part).symlink_to(f"usr/{part}")
    for archive in archives:
        _run(["dpkg-deb", "-x", str(archive), str(scratch)])
    _complete(scratch)
    scratch.rename(root)


def _download(folder: Path, packages: tuple[str, ...], arch: str, suite: str) -> list[Path]:
    """Return the packages' archives and those of everything that they need."""
    key = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    archives = folder / f"archives-{key}"  # a folder for each set: all that is in it belongs to it
    for sub in ("lists/partial", f"{archives.name}/partial", "cache", "state"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").write_text("")
    source = f"deb [arch={arch} signed-by={KEYRING}] {mirror()} {suite} main\n"
    (folder / "sources.list").write_text(source)
    settings = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State": folder / "state",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::Status": folder / "state" / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Cache::Archives": archives,
        "APT::Architecture": arch,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "true",
    }
    lines = [f'{key} "{value}";\n' for key, value in settings.items()]
    (folder / "apt.conf").write_text("".join(lines) + f'APT::Architectures {{"{arch}";}};\n')
    # A configuration file, not -o options: only so does it win over the host's own settings.
    environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
    if not list((folder / "lists").glob("*Packages*")):
        _run(["apt-get", "-q", "update"], environment)
    _run(["apt-get", "-qq", "-y", "install", "--download-only", *packages], environment)
    return sorted(archives.glob("*.deb"))


def _complete(root: Path) -> None:
    """Do by hand what the packages' scripts would do at their installation."""
    for name in ("etc", "tmp", "proc", "dev", "sys", "run", "root", "var/tmp", "home"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
    )
    (root / "etc/group").write_text("root:x:0:\ntty:x:5:\nnogroup:x:65534:\n")
    binaries = root / "usr/bin"
    for name, target in (("sh", "dash"), ("awk", "mawk"), ("vi", "vim.tiny"), ("pager", "less")):
        if (binaries / target).exists() and not (binaries / name).exists():
            (binaries / name).symlink_to(target)
    if (binaries / "busybox").exists():
        table = (binaries / "busybox").read_bytes()  # which holds the names one behind the other
        for name in _APPLETS.split():
            has = f"\0{name}\0".encode() in table
            if has and not os.path.lexists(binaries / name):
                (binaries / name).symlink_to("busybox")


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    if result.returncode != 0:
        reason = " ".join(result.stderr.split())[-300:]
        raise Unavailable(f"{' '.join(command[:2])} failed: {reason}")
    return result.stdout
