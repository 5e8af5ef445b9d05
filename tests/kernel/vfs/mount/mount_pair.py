"""The same mount calls on this kernel and on the host's, and what both say of them."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from starrylab.abi.errno import ENODEV, LinuxError
from starrylab.abi.fcntl import AT_FDCWD, AT_SYMLINK_NOFOLLOW
from starrylab.abi.mount import STATMOUNT
from starrylab.abi.stat import STATX_MNT_ID_UNIQUE
from starrylab.kernel.fs.proc.task_misc import mountinfo
from starrylab.kernel.task.cred import Credentials
from starrylab.kernel.vfs.mount import MountNamespace
from tests.kernel.vfs.vfs_world import Thread, World

SERVER = Path(__file__).parents[3] / "oracle" / "native_mounts.py"
RECORD = Path(__file__).with_name("linux.json")

Call = list[Any]  #: name of a call and its arguments; "$3" is the fourth call's result


class Native:
    """The host's kernel: each list of calls has a mount namespace of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(SERVER), str(folder)]
        pipe = subprocess.PIPE
        self.server = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def perform(self, calls: list[Call]) -> list[Any]:
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(json.dumps(calls) + "\n")
        self.server.stdin.flush()
        answer: list[Any] = json.loads(self.server.stdout.readline())
        assert len(answer) == len(calls), answer
        return comparable(calls, answer)

    def close(self) -> None:
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()


class Linux:
    """What Linux 6.18 answers: recorded, and looked at again where the host is one."""

    def __init__(self, native: Native | None, path: Path = RECORD) -> None:
        self.native = native
        self.path = path
        self.recorded: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.writes = bool(os.environ.get("RECORD_MOUNTS"))  # set by who has such a host

    def answers(self, name: str, calls: list[Call], *, digest: bool = False) -> list[Any]:
        """Return the answers, or with ``digest`` what `digest_of` makes of them."""
        known = self.recorded.get(name)
        if self.native is None:
            return known  # type: ignore[no-any-return]
        found = json.loads(json.dumps(self.native.perform(calls)))
        if digest:
            found = digest_of(found)
        if self.writes:
            self.recorded[name] = found
        else:
            differ = [
                row for row in zip(calls, known or (), found, strict=False) if row[1] != row[2]
            ]
            assert known == found, f"the record of {name!r} is not true of this host: {differ}"
        return found  # type: ignore[no-any-return]

    def close(self) -> None:
        if self.writes:
            rows = (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(self.recorded.items()))
            self.path.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def digest_of(answers: list[Any]) -> list[str]:
    """Return a few letters for each answer, which is enough to find the first that differs."""
    return ["".join(sha256(json.dumps(a).encode()).hexdigest()[:6] for a in answers)]


def check(linux: Linux, name: str, calls: list[Call]) -> None:
    """Make calls here; the answers must be those of Linux."""
    ours, theirs = json.loads(json.dumps(perform(calls))), linux.answers(name, calls)
    for done, (call, mine, other) in enumerate(zip(calls, ours, theirs, strict=True)):
        assert mine == other, f"after {calls[:done]}: {call}"


def perform(calls: list[Call]) -> list[Any]:
    """Make the calls on this kernel; the root is a mount in another one, as on the host."""
    world = World(ram=4 << 20)
    world.kernel.filesystems |= dict.fromkeys(("proc", "sysfs", "devpts", "devtmpfs"), _refuse)
    thread = world.thread()
    thread.call("mkdirat", AT_FDCWD, b"/r", 0o755)
    thread.call("mount", b"root", b"/r", b"tmpfs", 0, 0)
    thread.call("chroot", b"/r")
    thread.call("chdir", b"/")
    results: list[Any] = []
    for name, *args in calls:
        values = [value(a, results) for a in args]
        try:
            results.append(_call(thread, name, values))
        except LinuxError as error:
            results.append(-error.errno)
    return comparable(calls, results)


def _refuse(*_: object) -> None:
    """Stand for a file system that is configured only: a `World` is no whole kernel."""
    raise ENODEV


def value(arg: Any, results: list[Any]) -> Any:
    """Return an argument; see `tests.oracle.native_mounts.value`."""
    if isinstance(arg, str) and arg.startswith("$"):
        return results[int(arg[1:])]
    if isinstance(arg, list):
        return struct.pack(arg[0], *(value(each, results) for each in arg[1:]))
    return arg.encode("latin-1") if isinstance(arg, str) else arg


def _call(thread: Thread, name: str, args: list[Any]) -> Any:
    if name == "mountinfo":
        return mountinfo(SimpleNamespace(mm=1, thread=thread)).decode()  # type: ignore[arg-type]
    if name == "read":
        return thread.read(args[0], 4096).decode()
    if name == "write_file":
        return thread.put(args[0], b"")
    if name == "mkdir":
        return thread.call("mkdirat", AT_FDCWD, args[0], 0o755)
    if name == "unshare":
        left = thread.namespaces.mnt.tree
        thread.namespaces.mnt.tree = left.copy(thread.fs)
        left.dissolve()  # nobody is there any more
        return 0
    if name == "setuid":
        thread.cred = Credentials.user(args[0], args[0])
        return 0
    if name == "symlink":
        return thread.call("symlinkat", args[0], AT_FDCWD, args[1])
    if name == "open":
        return thread.open(args[0], args[1])
    if name == "mount_id":
        thread.call(
            "statx", AT_FDCWD, args[0], AT_SYMLINK_NOFOLLOW, STATX_MNT_ID_UNIQUE, thread.base
        )
        return int.from_bytes(thread.out(152)[144:], "little")
    buffers = [each for each in args if isinstance(each, dict)]
    if not buffers:
        return thread.call(name, *args)
    size = buffers[0]["out"]
    thread.mm.write(thread.base, bytes(size))
    try:
        result = thread.call(name, *(thread.base if each in buffers else each for each in args))
    except LinuxError as error:
        result = -error.errno
    return [result, thread.out(size).hex()]


# -- what may differ -------------------------------------------------------------------------


class _Numbers:
    """Numbers by the order in which they are first seen."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def __call__(self, number: str) -> str:
        return str(self.seen.setdefault(number, len(self.seen) + 1))


#: fields of struct statmount with numbers that each kernel gives as it likes; peer groups are
#: counted for the whole host, where other tests make some at the same time
_OWN_NUMBERS = (4, 8, 9, 10, 11, 14, 15, 16, 19)


def comparable(calls: list[Call], answers: list[Any]) -> list[Any]:
    """Return answers without what may differ."""
    listed = {
        i: _ids(a) for i, a in enumerate(answers) if calls[i][0] == "listmount" and _has_data(a)
    }
    order = sorted({each for ids in listed.values() for each in ids if each})
    made = []
    for index, (call, answer) in enumerate(zip(calls, answers, strict=True)):
        if index in listed:
            made.append([answer[0], [each and order.index(each) for each in listed[index]]])
        elif call[0] == "statmount" and _has_data(answer):
            made.append(_stat(answer))
        else:
            made.append(normal(answer))
    return made


def _has_data(answer: Any) -> bool:
    return isinstance(answer, list)


def _ids(answer: Any) -> tuple[int, ...]:
    raw = bytes.fromhex(answer[1])
    return struct.unpack(f"<{len(raw) // 8}Q", raw)


def _stat(answer: Any) -> Any:
    raw = bytes.fromhex(answer[1])
    if len(raw) < STATMOUNT.size:
        return answer
    fields: list[Any] = list(STATMOUNT.unpack(raw[: STATMOUNT.size]))
    for index in _OWN_NUMBERS:
        fields[index] = bool(fields[index])
    return [answer[0], fields, raw[STATMOUNT.size :].decode("latin-1")]


def normal(answer: Any) -> Any:
    """Return an answer without what may differ: numbers, and the order in which mounts came."""
    if not isinstance(answer, str) or not re.match(r"\d+ \d+ \d+:", answer):
        return 0 if answer is None or (isinstance(answer, int) and answer >= 0) else answer
    rows = [line.split(" ") for line in answer.splitlines()]
    known = {row[0] for row in rows}
    below: dict[str, list[list[str]]] = {}
    for row in rows:
        below.setdefault(row[1] if row[1] in known - {row[0]} else "", []).append(row)
    devices, groups = _Numbers(), _Numbers()
    shown: list[str] = []

    def show(parent: str, depth: int) -> None:
        for ident, _, device, *rest in sorted(below.get(parent, ()), key=lambda row: row[4]):
            fields = re.sub(
                r"((?:shared|master|propagate_from):)(\d+)",
                lambda m: m[1] + groups(m[2]),
                " ".join(rest),
            )
            shown.append(f"{'  ' * depth}{devices(device)} {fields}")
            show(ident, depth + 1)

    show("", 0)
    return shown


def tree(namespace: MountNamespace) -> list[str]:
    """Return the mounts of a namespace as text."""
    return [f"{m.source.decode()} {m.root_location.path().decode()}" for m in namespace]
