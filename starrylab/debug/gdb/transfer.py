"""qXfer: objects that gdb reads in pieces (GDB manual, "General Query Packets")."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape as xml
from xml.sax.saxutils import quoteattr

from ...abi.errno import ENOENT
from .packets import PACKET_SIZE, escape
from .threads import descriptions
from .values import ANY, GdbError, number, numbers

if TYPE_CHECKING:
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread
    from .stub import Handler, Stub

_MOST: Final = PACKET_SIZE // 2 - 1  #: bytes of a piece; escapes may double them
_NO_PROCESSES: Final = "no such kind of table"


def _features(stub: Stub, annex: bytes) -> bytes:
    if annex != b"target.xml":
        raise GdbError("only target.xml is described")
    return stub.registers.description()


def _auxv(stub: Stub, annex: bytes) -> bytes:
    return stub.found.current().mm.auxv


def _exec_file(stub: Stub, annex: bytes) -> bytes:
    process = stub.found.process(number(annex) if annex else ANY)
    if process.exe is None:
        raise GdbError("the process runs no file", ENOENT.errno)
    path: bytes = process.exe.path()
    return path


def _threads(stub: Stub, annex: bytes) -> bytes:
    told = descriptions(stub.kernel)
    rows = [
        _thread_row(stub, thread, told.get(thread.tid, ""))
        for process in stub.found.traced()
        for _, thread in sorted(process.threads.items())
    ]
    return f'<?xml version="1.0"?><threads>{"".join(rows)}</threads>'.encode()


def _thread_row(stub: Stub, thread: Thread, does: str) -> str:
    ident = stub.client.name(thread).decode()
    name = quoteattr(_text(thread.comm))
    return f'<thread id="{ident}" core="0" name={name}>{xml(_text(does.encode()))}</thread>'


def _signal_info(stub: Stub, annex: bytes) -> bytes:
    stop = stub.client.stop
    if stop is None or stop.signal is None or stop.tid != stub.found.current().tid:
        raise GdbError("the thread did not stop for a signal")
    return stop.signal.encode()


def _os_data(stub: Stub, annex: bytes) -> bytes:
    """Return a table about the whole lab: of tables, of processes, of threads."""
    make = _TABLES.get(annex)
    if make is None:
        raise GdbError(_NO_PROCESSES)
    kind, rows = make(stub)
    items = "".join(
        "<item>" + "".join(f'<column name="{n}">{xml(v)}</column>' for n, v in row) + "</item>"
        for row in rows
    )
    head = '<?xml version="1.0"?><!DOCTYPE target SYSTEM "osdata.dtd">'
    return f'{head}<osdata type="{kind}">{items}</osdata>'.encode()


Row = list[tuple[str, str]]


def _tables(stub: Stub) -> tuple[str, list[Row]]:
    titles = {
        "processes": "Listing of all processes of the lab",
        "threads": "Listing of all threads of the lab",
    }
    rows = [[("Type", k), ("Description", text), ("Title", k)] for k, text in titles.items()]
    return "types", rows


def _process_rows(stub: Stub) -> tuple[str, list[Row]]:
    rows: list[Row] = []
    for pid, process in sorted(stub.kernel.processes.items()):
        parent = process.parent.pid if process.parent is not None else 0
        rows.append([
            ("pid", str(pid)), ("user", str(process.uid)), ("command", _command(process)),
            ("parent", str(parent)), ("cores", "0"),
        ])  # fmt: skip
    return "processes", rows


def _thread_rows(stub: Stub) -> tuple[str, list[Row]]:
    told = descriptions(stub.kernel)
    rows: list[Row] = [
        [("pid", str(thread.process.pid)), ("command", _text(thread.comm)), ("tid", str(tid)),
         ("core", "0"), ("state", told.get(tid, ""))]
        for tid, thread in sorted(stub.kernel.threads.items())
    ]  # fmt: skip
    return "threads", rows


_TABLES: Final[dict[bytes, Callable[[Stub], tuple[str, list[Row]]]]] = {
    b"": _tables,
    b"types": _tables,
    b"processes": _process_rows,
    b"threads": _thread_rows,
}


def _command(process: Process) -> str:
    name = _text(process.comm)
    return f"{name} (ended)" if process.zombie else name


def _text(name: bytes) -> str:
    """Return a name as XML may hold it."""
    return (
        "".join(c if c.isprintable() else "?" for c in os.fsdecode(name))
        .encode(errors="replace")
        .decode()
    )


OBJECTS: Final[dict[bytes, Callable[[Stub, bytes], bytes]]] = {
    b"features": _features,
    b"auxv": _auxv,
    b"exec-file": _exec_file,
    b"threads": _threads,
    b"siginfo": _signal_info,
    b"osdata": _os_data,
}


def _transfer(stub: Stub, text: bytes) -> bytes:
    """Serve ``qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH``; the object is made at offset 0."""
    parts = text.removeprefix(b":").split(b":")
    if len(parts) != 4 or parts[1] != b"read" or parts[0] not in OBJECTS:
        return b""
    name, _, annex, where = parts
    offset, length = numbers(where)
    key = name + b":" + annex
    transfers = stub.client.transfers
    if not offset or key not in transfers:
        transfers[key] = OBJECTS[name](stub, annex)
    data = transfers[key]
    piece = data[offset : offset + min(length, _MOST)]
    at_end = offset + len(piece) >= len(data)
    if at_end:
        del transfers[key]
    return (b"l" if at_end else b"m") + escape(piece)


PACKETS: Final[dict[str, Handler]] = {"qXfer": _transfer}
