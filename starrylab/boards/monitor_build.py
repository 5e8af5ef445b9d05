"""Build the monitor (boards/monitor) with the zig compiler, once, and keep it.

The result is a flat image, linked at 0 and position-independent: its first bytes are executed,
wherever they lie.  The same sources and compiler give the same bytes.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..base.folders import cache_folder
from ..image import elf
from ..userland import compiler_environment, compiler_version
from .errors import BoardError
from .loader import boards_folder

_FLAGS: Final = (
    *("-Os", "-std=gnu11", "-ffreestanding", "-nostdlib", "-fno-builtin", "-fno-stack-protector"),
    *("-fno-sanitize=all", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    # No table of addresses may be made: nobody relocates the image.
    *("-fno-PIC", "-fno-pie", "-fno-jump-tables", "-fvisibility=hidden"),
    *("-Wall", "-Wextra", "-Werror", "-g0", "-Wl,--build-id=none"),
)
#: architecture -> compiler arguments; the monitor itself uses no floating-point registers
_TARGETS: Final = {
    "riscv64": (
        *("-target", "riscv64-freestanding-none"),
        *("-mcpu=generic_rv64+m+a+c+zicsr+zifencei", "-mcmodel=medany"),
    ),
    "loongarch64": (
        *("-target", "loongarch64-freestanding-none"),
        *("-mcpu=generic_la64+d+f-ual", "-mcmodel=medium"),
    ),
}
COMMON: Final = (
    *("main", "operations", "run", "tables", "memory", "cache", "hints"),
    *("coding", "frame", "uart", "string", "inflate"),
)
_ONLY: Final = {
    "riscv64": ("riscv64.S", "riscv64.c"),
    "loongarch64": ("loongarch64.S", "loongarch64.c", "unaligned.c"),
}

_SHT_RELA, _SHT_REL = 4, 9


def sources_folder() -> Path:
    """Return the folder of the monitor's sources."""
    return boards_folder() / "monitor"


def monitor_elf(arch: str, *, cache: Path | None = None) -> bytes:
    """Return the monitor as an ELF file, built on first use; raises `BoardError`."""
    if arch not in _TARGETS:
        raise BoardError(f"there is no monitor for {arch}; known: {', '.join(_TARGETS)}")
    folder = sources_folder()
    sources = [folder / name for name in (*_ONLY[arch], *(f"{name}.c" for name in COMMON))]
    place = (cache or cache_folder()) / "monitor"
    output = place / f"{arch}-{_key(folder, arch)}.elf"
    try:
        if not output.exists():
            place.mkdir(parents=True, exist_ok=True)
            with (place / f".{arch}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not output.exists():
                    _build(sources, arch, output)
        return output.read_bytes()
    except OSError as error:
        raise BoardError(
            f"cannot keep the monitor in {place}: {error.strerror}; "
            f"make room there, or set XDG_CACHE_HOME to another folder"
        ) from error


def monitor_image(arch: str, *, cache: Path | None = None) -> bytes:
    """Return the monitor as it lies in memory, for no board yet (see monitor_config.patch)."""
    return flatten(monitor_elf(arch, cache=cache))


def flatten(file: bytes) -> bytes:
    """Return the bytes of the loadable segments; raises `BoardError` if there are relocations."""
    (offset,) = struct.unpack_from("<Q", file, 40)
    size, count = struct.unpack_from("<2H", file, 58)
    for index in range(count):
        (kind,) = struct.unpack_from("<I", file, offset + index * size + 4)
        if kind in (_SHT_RELA, _SHT_REL):
            raise BoardError("the monitor was linked with relocations: it would run nowhere")
    return elf.flatten(file).data


def _key(folder: Path, arch: str) -> str:
    digest = hashlib.sha256(
        "\0".join((compiler_version(), arch, *_TARGETS[arch], *_FLAGS)).encode()
    )
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        digest.update(f"\0{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _build(sources: Sequence[Path], arch: str, output: Path) -> None:
    environment = compiler_environment()
    folder = sources[0].parent
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".build-") as scratch:
        built = Path(scratch) / "monitor.elf"
        command = [
            *(sys.executable, "-m", "ziglang", "cc", *_TARGETS[arch], *_FLAGS),
            *(f"-ffile-prefix-map={folder}=/monitor", f"-Wl,-T,{folder / 'monitor.ld'}"),
            *("-o", str(built), *map(str, sources)),
        ]
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            if "NoSpaceLeft" in result.stderr or "No space left" in result.stderr:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if "No module named ziglang" in result.stderr:
                raise BoardError("the C compiler is missing; install it with: pip install ziglang")
            raise BoardError(f"the C compiler could not build the monitor:\n{result.stderr}")
        flatten(built.read_bytes())
        built.replace(output)
