"""This host's own bpf(2), where it lets us: does Linux load a program, and what does it return?"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from functools import cache

from starrylab.abi import bpf as b

_NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280}
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attr: bytes) -> tuple[int, bytes]:
    """Do bpf(2); return its result, or a negative error, and what it left in ``attr``."""
    buffer = ctypes.create_string_buffer(attr.ljust(b.ATTR_SIZE, b"\0"), b.ATTR_SIZE)
    number = _NUMBERS[platform.machine()]
    result = _libc.syscall(number, command, buffer, b.ATTR_SIZE)
    return (result if result >= 0 else -ctypes.get_errno()), buffer.raw


@cache
def works() -> bool:
    """Say whether this process may load programs."""
    if platform.machine() not in _NUMBERS:
        return False
    map_fd = create_map(b.BPF_MAP_TYPE_ARRAY, 4, 8, 1)
    if map_fd < 0:
        return False
    os.close(map_fd)
    fd, _ = load(bytes.fromhex("b700000000000000 9500000000000000"))
    if fd < 0:
        return False
    os.close(fd)
    return True


def create_map(kind: int, key: int, value: int, entries: int, flags: int = 0) -> int:
    """Return a new descriptor, or a negative error."""
    return _bpf(b.BPF_MAP_CREATE, struct.pack("<5I", kind, key, value, entries, flags))[0]


def lookup(map_fd: int, key: bytes, size: int) -> bytes | int:
    """Return a value, or a negative error."""
    found = ctypes.create_string_buffer(size)
    wanted = ctypes.create_string_buffer(key, len(key))
    attr = b.MAP_ELEMENT.pack(map_fd, ctypes.addressof(wanted), ctypes.addressof(found), 0)
    result = _bpf(b.BPF_MAP_LOOKUP_ELEM, attr)[0]
    return result or found.raw


def update(map_fd: int, key: bytes, value: bytes, flags: int = 0) -> int:
    """Set a value; return 0 or a negative error."""
    wanted = ctypes.create_string_buffer(key, max(1, len(key)))
    put = ctypes.create_string_buffer(value, len(value))
    at = ctypes.addressof(wanted) if key else 0
    return _bpf(
        b.BPF_MAP_UPDATE_ELEM, b.MAP_ELEMENT.pack(map_fd, at, ctypes.addressof(put), flags)
    )[0]


def load(code: bytes, kind: int = b.BPF_PROG_TYPE_SOCKET_FILTER) -> tuple[int, str]:
    """Load a program; return its descriptor, or a negative error, and the log."""
    insns = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(1 << 20)
    attr = struct.pack(
        "<IIQQIIQ", kind, len(code) // 8, ctypes.addressof(insns), ctypes.addressof(licence),
        1, len(log), ctypes.addressof(log),
    )  # fmt: skip
    return _bpf(b.BPF_PROG_LOAD, attr)[0], log.value.decode("ascii", "replace")


def run(program_fd: int, packet: bytes) -> int:
    """Run a program over a packet; return what it returned, or a negative error."""
    data = ctypes.create_string_buffer(packet, len(packet))
    attr = struct.pack("<IIIIQQI", program_fd, 0, len(packet), 0, ctypes.addressof(data), 0, 1)
    result, after = _bpf(b.BPF_PROG_TEST_RUN, attr)
    return result or int(struct.unpack_from("<I", after, 4)[0])
