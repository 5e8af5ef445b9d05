"""An ELF core file of a living process, as Linux writes it (core(5), <linux/elfcore.h>).

Registers of every thread, the auxiliary vector, the mapped files, the signal, and memory.  gdb
and other tools read it beside the program.  What of the memory is written follows
/proc/PID/coredump_filter (core(5)): by default anonymous memory and the first page of ELF files.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO, Final

from ..abi import elf
from ..abi.arch import ARCHES
from ..kernel.mm.areas import ANON, VM_DONTDUMP, VM_SHARED
from ..machine.api import EXEC, READ, WRITE
from .peek import ZEROS, Peek

if TYPE_CHECKING:
    from ..kernel.mm.areas import Area
    from ..kernel.signal.info import SignalInfo
    from ..kernel.task.process import Process
    from ..kernel.thread import Thread

ANON_PRIVATE: Final = 1  #: bits of /proc/PID/coredump_filter
ANON_SHARED: Final = 2
FILE_PRIVATE: Final = 4
FILE_SHARED: Final = 8
ELF_HEADERS: Final = 16
DEFAULT_FILTER: Final = ANON_PRIVATE | ANON_SHARED | ELF_HEADERS
EVERYTHING: Final = DEFAULT_FILTER | FILE_PRIVATE | FILE_SHARED

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
#: pr_info (signo, code, errno), pr_cursig, pr_sigpend, pr_sighold, pids, four times
_PRSTATUS: Final = struct.Struct("<iii h2x QQ iiii 8Q")
_PRPSINFO: Final = struct.Struct("<bsbb4x Q II iiii 16s 80s")
_PAGE: Final = 4096
_ALIGNED: Final = -4096


def write_core(
    process: Process,
    file: BinaryIO,
    *,
    current: Thread | None = None,
    info: SignalInfo | None = None,
    wanted: int = DEFAULT_FILTER,
) -> None:
    """Write a core file of ``process`` to ``file``, which must be empty and able to seek.

    Memory that was never touched becomes a hole.

    ``current`` (the default is the first thread) comes first, as the one that debuggers show;
    ``info`` is the signal that ends the process.  Raises ``ValueError`` for a process without
    threads: a zombie has neither registers nor memory.
    """
    threads = list(process.threads.values())
    if not threads:
        raise ValueError(f"process {process.pid} has ended: it has no memory")
    first = current if current is not None else threads[0]
    threads.sort(key=lambda thread: thread is not first)
    space = first.mm
    peek = Peek(space)
    shown = [(area, _dumped(area, peek, wanted)) for area in space.areas]
    notes = _notes(process, threads, info)
    at = _HEADER.size + _SEGMENT.size * (len(shown) + 1)
    headers = [_SEGMENT.pack(elf.PT_NOTE, 0, at, 0, 0, len(notes), 0, 4)]
    data_at = (at + len(notes) + _PAGE - 1) & _ALIGNED
    offset = data_at
    for area, size in shown:
        headers.append(
            _SEGMENT.pack(
                elf.PT_LOAD, _flags(area), offset, area.start, 0, size,
                area.end - area.start, _PAGE,
            )
        )  # fmt: skip
        offset += size
    file.write(_elf_header(ARCHES[first.kernel.arch].elf_machine, len(headers)))
    file.write(b"".join(headers) + notes + bytes(data_at - at - len(notes)))
    for area, size in shown:
        _write_area(file, peek, area, size)
    end = file.tell()
    if file.seek(0, os.SEEK_END) < end:  # the last page is a hole
        file.seek(end - 1)
        file.write(b"\0")


def _write_area(file: BinaryIO, peek: Peek, area: Area, size: int) -> None:
    for vpn in range(area.start >> 12, area.start + size >> 12):
        page = peek.page(vpn)
        if page is None or page is ZEROS:
            file.seek(_PAGE, os.SEEK_CUR)
        else:
            file.write(page)


def _elf_header(machine: int, count: int) -> bytes:
    ident = b"\x7fELF" + bytes((elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EV_CURRENT)) + bytes(9)
    return _HEADER.pack(
        ident, elf.ET_CORE, machine, elf.EV_CURRENT, 0, _HEADER.size, 0, 0, _HEADER.size,
        _SEGMENT.size, count, 0, 0, 0,
    )  # fmt: skip


def _flags(area: Area) -> int:
    pairs = ((READ, elf.PF_R), (WRITE, elf.PF_W), (EXEC, elf.PF_X))
    return sum(flag for access, flag in pairs if area.prot & access)


def _dumped(area: Area, peek: Peek, wanted: int) -> int:
    """Return how many bytes of an area go into the file (vma_dump_size() of Linux)."""
    size = area.end - area.start
    if area.flags & VM_DONTDUMP:
        return 0
    shared = bool(area.flags & VM_SHARED)
    if area.place is None:
        return size if wanted & (ANON_SHARED if shared else ANON_PRIVATE) else 0
    if wanted & (FILE_SHARED if shared else FILE_PRIVATE):
        return size
    if not shared and wanted & ANON_PRIVATE and _has_own_pages(area, peek):
        return size
    starts_elf = area.offset == 0 and peek.read(area.start, 4) == b"\x7fELF"
    return _PAGE if wanted & ELF_HEADERS and starts_elf else 0


def _has_own_pages(area: Area, peek: Peek) -> bool:
    """Tell whether the process wrote to a private mapping of a file, now or before."""
    space = peek.space
    return any(space.table[vpn] & ANON for vpn in space.present(area.start >> 12, area.end >> 12))


# -- notes -----------------------------------------------------------------------------------


def _note(kind: int, data: bytes, name: bytes = b"CORE\0") -> bytes:
    head = struct.pack("<III", len(name), len(data), kind)
    return head + name + bytes(-len(name) & 3) + data + bytes(-len(data) & 3)


def _notes(process: Process, threads: list[Thread], info: SignalInfo | None) -> bytes:
    first = threads[0]
    return b"".join(
        (
            _prstatus(first, info),
            _note(elf.NT_PRPSINFO, _prpsinfo(process, first)),
            _note(elf.NT_SIGINFO, info.encode() if info is not None else bytes(128)),
            _note(elf.NT_AUXV, first.mm.auxv),
            _note(elf.NT_FILE, _files(first.mm.areas)),
            _note(elf.NT_PRFPREG, first.context.floating()),
            *(
                _prstatus(thread, None) + _note(elf.NT_PRFPREG, thread.context.floating())
                for thread in threads[1:]
            ),
        )
    )


def _prstatus(thread: Thread, info: SignalInfo | None) -> bytes:
    process = thread.process
    signo, code = (info.signo, info.code) if info is not None else (0, 0)
    usage = (thread.usage.utime_ns, thread.usage.stime_ns)
    times = (part for ns in (*usage, 0, 0) for part in divmod(ns // 1000, 1_000_000))
    parent = process.parent.pid if process.parent is not None else 0
    head = _PRSTATUS.pack(
        signo, code, 0, signo, thread.signals.pending.set, thread.signals.mask, thread.tid,
        parent, process.group.pgid, process.session.sid, *times,
    )  # fmt: skip
    return _note(elf.NT_PRSTATUS, head + thread.context.general() + struct.pack("<i4x", 1))


def _prpsinfo(process: Process, thread: Thread) -> bytes:
    parent = process.parent.pid if process.parent is not None else 0
    start, end = thread.mm.arguments[:2]
    arguments = Peek(thread.mm).read(start, min(end - start, 80)).replace(b"\0", b" ").strip()
    return _PRPSINFO.pack(
        0, b"R", 0, 0, 0, thread.cred.uid, thread.cred.gid, process.pid, parent,
        process.group.pgid, process.session.sid, thread.comm[:15], arguments[:79],
    )  # fmt: skip


def _files(areas: Iterable[Area]) -> bytes:
    """Return NT_FILE: count, page size, (start, end, page offset) of each, then their names."""
    mapped = [area for area in areas if area.place is not None]
    words = [len(mapped), _PAGE]
    for area in mapped:
        words += (area.start, area.end, area.offset // _PAGE)
    names = b"".join(os.fsencode(area.place.path()) + b"\0" for area in mapped)
    return struct.pack(f"<{len(words)}Q", *words) + names
