"""The memory of a process: maps, smaps, pagemap, cmdline, environ, auxv (proc_pid_maps(5))."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Final

from ....abi.errno import EFAULT
from ...mm.areas import VM_LOCKED, VM_UFFD_MINOR, VM_UFFD_MISSING, VM_UFFD_WP
from ._declare import Subject, task

if TYPE_CHECKING:
    from ...mm.report import MapEntry
    from ...mm.space import AddressSpace

_NAME_COLUMN = 73
_FLAG_NAMES: Final = {
    VM_LOCKED: "lo",
    VM_UFFD_MISSING: "um",
    VM_UFFD_WP: "uw",
    VM_UFFD_MINOR: "ui",
}
_SHOWN: Final = sum(_FLAG_NAMES)


def _line(entry: MapEntry) -> bytes:
    device, inode = entry.key
    head = (
        f"{entry.start:08x}-{entry.end:08x} {_permissions(entry.prot, entry.shared)} "
        f"{entry.offset:08x} {os.major(device):02x}:{os.minor(device):02x} {inode} "
    )
    name = entry.name
    if not name and entry.place is not None:
        name = entry.place.path()
    if not name:
        return head.encode() + b"\n"
    return head.ljust(_NAME_COLUMN).encode() + name.replace(b"\n", b"\\012") + b"\n"


@task("maps", guarded=True)
def maps(task: Subject) -> bytes:
    """proc_pid_maps(5)."""
    mm = task.mm
    return b"" if mm is None else b"".join(_line(entry) for entry in mm.maps())


@task("smaps", guarded=True)
def smaps(task: Subject) -> bytes:
    """proc_pid_smaps(5)."""
    mm = task.mm
    if mm is None:
        return b""
    return b"".join(_line(entry) + _figures(mm.smaps(entry)) + _flags(entry) for entry in mm.maps())


@task("smaps_rollup", guarded=True)
def smaps_rollup(task: Subject) -> bytes:
    """Show the sums of smaps (proc_pid_smaps(5))."""
    mm = task.mm
    if mm is None:
        return b""
    total: dict[str, int] = {}
    entries = list(mm.maps())
    for entry in entries:
        for name, value in mm.smaps(entry).items():
            total[name] = total.get(name, 0) + value
    for name in ("Size", "KernelPageSize", "MMUPageSize"):
        total.pop(name, None)
    first = entries[0].start if entries else 0
    last = entries[-1].end if entries else 0
    head = f"{first:08x}-{last:08x} ---p 00000000 00:00 0 ".ljust(_NAME_COLUMN)
    return head.encode() + b"[rollup]\n" + _figures(total)


def _figures(values: dict[str, int]) -> bytes:
    return _template(tuple(values)) % tuple(values.values())


@cache
def _template(names: tuple[str, ...]) -> bytes:
    """Return the format of figures; a process may have a thousand areas to be shown in it."""
    return "".join(f"{name + ':':<16}%8d kB\n" for name in names).encode()


@cache
def _permissions(prot: int, shared: bool) -> str:
    letters = (letter if prot & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))
    return "".join(letters) + ("s" if shared else "p")


def _flags(entry: MapEntry) -> bytes:
    return _flag_line(entry.prot, entry.shared, entry.flags & _SHOWN)


@cache
def _flag_line(prot: int, shared: bool, flags: int) -> bytes:
    names = [("rd", prot & 1), ("wr", prot & 2), ("ex", prot & 4), ("sh", shared)]
    names += [(name, flags & bit) for bit, name in _FLAG_NAMES.items()]
    return b"VmFlags: " + "".join(f"{name} " for name, on in names if on).encode() + b"\n"


@task("numa_maps", guarded=True)
def numa_maps(task: Subject) -> bytes:
    """Show the memory policies, and on which node pages are (numa(7))."""
    mm = task.mm
    if mm is None:
        return b""
    own = task.kernel.mempolicies.get(task.thread)
    rows = []
    for entry in mm.maps():
        held = None if mm.policies is None else mm.policies.find(entry.start)
        policy = held or own
        row = f"{entry.start:08x} {'default' if policy is None else policy}".encode()
        name = entry.name if entry.name or entry.place is None else entry.place.path()
        if name in (b"[heap]", b"[stack]"):
            row += b" " + name[1:-1]
        elif name and not name.startswith(b"["):
            row += b" file=" + name.replace(b"\n", b"\\012")
        rows.append(row + _node_pages(mm, entry) + b"\n")
    return b"".join(rows)


def _node_pages(mm: AddressSpace, entry: MapEntry) -> bytes:
    """Return the figures of one area: all of its pages are on the only node."""
    pages = mm.page_states(entry.start, entry.end)
    anon, total = pages.copied + pages.cow, pages.resident
    if not total:
        return b""
    figures = [f"{name}={n}" for name, n in (("anon", anon), ("dirty", anon)) if n]
    if total not in (anon, 0):
        figures.append(f"mapped={total}")
    return f" {' '.join(figures)} N0={total} kernelpagesize_kB=4".encode()


def _strings(mm: AddressSpace | None, start: int, end: int) -> bytes:
    """Return what user memory holds between two addresses, as far as it is there."""
    if mm is None or end <= start:
        return b""
    try:
        return mm.read(start, end - start)
    except EFAULT:
        return b""


@task("cmdline")
def cmdline(task: Subject) -> bytes:
    """proc_pid_cmdline(5): it goes on into the environment when setproctitle took that."""
    mm = task.mm
    if mm is None:
        return b""
    arg_start, arg_end, env_start, env_end = mm.arguments
    text = _strings(mm, arg_start, arg_end)
    if text and text[-1] and env_start == arg_end:
        more = _strings(mm, env_start, env_end)
        text = (text + more).split(b"\0", 1)[0] + b"\0"
    return text


@task("environ", mode=0o400, guarded=True)
def environ(task: Subject) -> bytes:
    """proc_pid_environ(5)."""
    mm = task.mm
    return b"" if mm is None else _strings(mm, mm.arguments[2], mm.arguments[3])


@task("auxv", mode=0o400, guarded=True)
def auxv(task: Subject) -> bytes:
    """proc_pid_auxv(5)."""
    mm = task.mm
    return b"" if mm is None else mm.auxv
