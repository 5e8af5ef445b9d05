"""Mount calls on the host's own kernel, in a mount namespace that ends with them.

``python native_mounts.py FOLDER`` answers JSON lines: each is a list of calls, made in a child
whose root is an empty tmpfs at FOLDER.  Not imported by anything: it runs on any Python by itself.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
from typing import Any

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18

#: calls without a function in every libc; all architectures share these numbers
NUMBERS = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "mount_setattr": 442,
    "statmount": 457,
    "listmount": 458,
    "open_tree_attr": 467,
}

PROC = os.open("/proc", os.O_RDONLY)  #: outside of the new root: no mount is in the way
libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *args: Any) -> Any:
    """Return the result of a call, or -errno; what is bytes is passed by address.

    With a buffer among the arguments: the result and what is in the buffer then, in hexadecimal.
    """
    buffers = [ctypes.create_string_buffer(a, len(a) + 1) if type(a) is bytes else a for a in args]
    buffers = [
        (ctypes.c_char * len(a)).from_buffer(a) if type(a) is bytearray else a for a in buffers
    ]
    values = [b if not isinstance(b, int) else ctypes.c_long(b) for b in buffers]
    ctypes.set_errno(0)
    if name in NUMBERS:
        result = libc.syscall(ctypes.c_long(NUMBERS[name]), *values)
    else:
        result = getattr(libc, name)(*values)
    result = -ctypes.get_errno() if result == -1 else int(result)
    out = next((a for a in args if type(a) is bytearray), None)
    return result if out is None else [result, out.hex()]


def mount_id(path: bytes) -> int:
    """Return the number of the mount at a path that is never given again (statx(2))."""
    buffer = ctypes.create_string_buffer(256)
    if libc.statx(-100, path, 0x100, 0x4000, buffer):
        return -ctypes.get_errno()
    return struct.unpack_from("<Q", buffer, 144)[0]


def other(name: str, *args: Any) -> Any:
    """What is no mount call: file system calls by Python's names, and looking."""
    if name == "mount_id":
        return mount_id(args[0])
    if name == "unshare":
        return libc.unshare(CLONE_NEWNS)
    if name == "mountinfo":
        with open(os.open("self/mountinfo", os.O_RDONLY, dir_fd=PROC), "rb") as file:
            return file.read().decode()
    try:
        if name == "read":
            return os.read(args[0], 4096).decode()
        if name == "write_file":
            os.close(os.open(args[0], os.O_CREAT | os.O_WRONLY, 0o644))
            return 0
        result = getattr(os, name)(*args)
    except OSError as error:
        return -(error.errno or 0)
    return 0 if result is None else result


def value(arg: Any, results: list[Any]) -> Any:
    """Return an argument: "$N" is what the N-th call returned, other text goes by address.

    A list is a structure: its layout and its fields.  ``{"out": N}`` is a buffer of N bytes.
    """
    if isinstance(arg, str) and arg.startswith("$"):
        return results[int(arg[1:])]
    if isinstance(arg, list):
        return struct.pack(arg[0], *(value(each, results) for each in arg[1:]))
    if isinstance(arg, dict):
        return bytearray(arg["out"])
    return arg.encode("latin-1") if isinstance(arg, str) else arg


def perform(calls: list[list[Any]], folder: str) -> list[Any]:
    """Make all calls in a namespace of their own; return their results."""
    libc.unshare(CLONE_NEWNS)
    assert call("mount", 0, b"/", 0, MS_REC | MS_PRIVATE, 0) == 0, "no rights to mount here"
    assert call("mount", b"root", folder.encode(), b"tmpfs", 0, 0) == 0
    os.chroot(folder)
    os.chdir("/")
    results = []
    for name, *args in calls:
        values = [value(a, results) for a in args]
        known = name in NUMBERS or name in ("mount", "umount2", "pivot_root")
        results.append(call(name, *values) if known else other(name, *values))
    return results


def main() -> None:
    """Answer until the end of input."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                answer = perform(json.loads(line), sys.argv[1])
            except BaseException as error:
                answer = [f"{type(error).__name__}: {error}"]
            with os.fdopen(writing, "w") as file:
                file.write(json.dumps(answer))
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as file:
            print(file.read(), flush=True)  # noqa: T201
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
