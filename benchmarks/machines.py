"""What the benchmarks of programs run on: one root tree, and Debian's own kernel under QEMU.

Everything is unmodified Debian, downloaded once: packages for the tree, a kernel with the modules
that it needs to find its disk, and busybox to load them.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from starrylab.base.folders import cache_folder
from tests.oracle import debian

PACKAGES = (
    *("bash", "coreutils", "dash", "findutils", "grep", "sed", "diffutils", "gcc", "libc6-dev"),
    *("make", "python3", "dpkg", "tar", "gzip", "libc-bin", "hello"),
)
KERNEL = ("linux-image-riscv64", "busybox-static")
#: what stands between the kernel and its disk, in the order in which it is loaded
MODULES = ("crc16", "crc32c_generic", "mbcache", "jbd2", "ext4", "virtio_blk")
DISK_SIZE = "1G"

#: Answers each line of standard input with its status; what the line prints goes nowhere.
LOOP = """\
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
stty raw -echo 2>/dev/null
echo "@ready"
while read -r number line; do
    eval "$line" < /dev/null > /tmp/output 2>&1
    echo "@$number $?"
done
"""

_INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
for module in MODULES; do /bin/busybox insmod /$module.ko; done
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /disk
for name in proc sys dev; do /bin/busybox mount --move /$name /disk/$name; done
/bin/busybox mount -t tmpfs none /disk/tmp
exec /bin/busybox switch_root /disk /bin/bash /bench/loop
"""


def make_root() -> Path:
    """Return a root tree with the packages, a dpkg database, and `LOOP`; raises Unavailable."""
    tree = debian.tree("programs-bench", PACKAGES)
    root = cache_folder() / "benchmarks" / f"root-{tree.name}"
    if not root.exists():
        scratch = root.with_name(f".{root.name}.{os.getpid()}")
        shutil.copytree(tree, scratch, symlinks=True)
        _register(scratch, tree)
        scratch.rename(root)
    (root / "bench/loop").write_text(LOOP)
    return root


def _register(root: Path, tree: Path) -> None:
    """Tell the tree's dpkg what is installed in it: all but the package that is to be."""
    (root / "bench").mkdir()
    info = root / "var/lib/dpkg/info"
    for folder in (info, info.with_name("updates"), info.with_name("triggers")):
        folder.mkdir(parents=True, exist_ok=True)
    status = ""
    for archive in debian.archives(tree, PACKAGES):
        if archive.name.startswith("hello_"):
            shutil.copy(archive, root / "bench/hello.deb")
            continue
        control = _output("dpkg-deb", "-f", archive).decode()
        fields = dict(line.split(": ", 1) for line in control.splitlines() if ": " in line)
        name = fields["Package"]
        if fields.get("Multi-Arch") == "same":
            name += ":" + fields["Architecture"]
        status += f"{control.strip()}\nStatus: install ok installed\n\n"
        names = _output("tar", "t", data=_output("dpkg-deb", "--fsys-tarfile", archive))
        (info / f"{name}.list").write_text("".join(_listed(names.decode())))
    (info.parent / "status").write_text(status)


def _listed(names: str) -> Iterator[str]:
    for name in names.splitlines():
        yield (name.strip("/").removeprefix(".") or "/.") + "\n"


def _output(*command: str | Path, data: bytes = b"") -> bytes:
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def make_disk(root: Path, folder: Path) -> Path:
    """Return an ext4 image of ``root`` in ``folder``."""
    disk = folder / "disk.ext4"
    subprocess.run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, disk, DISK_SIZE],
        check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"},
    )  # fmt: skip
    return disk


def make_kernel(folder: Path) -> tuple[Path, Path]:
    """Return Debian's kernel, and a first root with what it needs to mount a disk."""
    tree = debian.tree("linux", KERNEL)
    kernel = next((tree / "boot").glob("vmlinu[xz]-*"))
    found = {path.name.partition(".")[0]: path for path in tree.glob("usr/lib/modules/**/*.ko*")}
    folders = ("bin", "proc", "sys", "dev", "disk")
    files = dict.fromkeys(folders, (stat.S_IFDIR | 0o755, b""))
    files["bin/busybox"] = stat.S_IFREG | 0o755, (tree / "usr/bin/busybox").read_bytes()
    files["init"] = stat.S_IFREG | 0o755, _INIT.replace("MODULES", " ".join(MODULES)).encode()
    for name in MODULES:
        data = found[name].read_bytes()
        data = lzma.decompress(data) if found[name].suffix == ".xz" else data
        files[f"{name}.ko"] = stat.S_IFREG | 0o644, data
    archive = folder / "initrd"
    archive.write_bytes(b"".join(_cpio(files)))
    return kernel, archive


def _cpio(files: dict[str, tuple[int, bytes]]) -> Iterator[bytes]:
    """Yield a cpio archive (Linux, Documentation/driver-api/early-userspace/buffer-format.rst)."""
    for inode, (name, (mode, data)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))], 1):
        numbers = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + "".join(f"{number:08x}" for number in numbers).encode()
        yield from (_padded(head + name.encode() + b"\0"), _padded(data))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
