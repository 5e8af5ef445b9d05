"""Choosing and listing threads: H, T, qC, qfThreadInfo, qThreadExtraInfo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import ESRCH
from ...kernel.core.sched import State
from ..waits.graph import look
from ..waits.model import Wait
from .packets import PACKET_SIZE
from .values import GdbError, thread_id

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from .stub import Handler, Stub


def descriptions(kernel: Kernel) -> dict[int, str]:
    """Return what each thread does, by id: "runs", "waits in read to read pipe:[3] (fd 0)"."""
    return {wait.tid: _describe(wait) for wait in look(kernel).threads}


def _describe(wait: Wait) -> str:
    if wait.state == State.STOPPED.value:
        return "stopped by job control"
    if not wait.call:
        return "runs"
    wants = f" {wait.needs[0].what}" if len(wait.needs) == 1 else ""
    return f"waits in {wait.call}{wants}"


def ids(stub: Stub) -> list[bytes]:
    """Return the ids of all traced threads, by process and thread."""
    return [
        stub.client.name(thread)
        for process in stub.found.traced()
        for _, thread in sorted(process.threads.items())
    ]


def _choose(stub: Stub, text: bytes) -> bytes:
    """Serve ``Hg`` and ``Hc``."""
    what, whom = text[:1], thread_id(text[1:])
    if what == b"c":
        stub.client.resumed = whom
        return b"OK"
    if what != b"g":
        raise GdbError("H: g or c is expected")
    if whom.tid > 0 or whom.pid > 0:
        stub.found.thread(whom)
        stub.client.general = whom
    return b"OK"  # any thread will do: the one that was chosen before


def _alive(stub: Stub, text: bytes) -> bytes:
    whom = thread_id(text)
    if whom.tid <= 0:
        raise GdbError("T: one thread is expected", ESRCH.errno)
    stub.found.thread(whom)
    return b"OK"


def _current(stub: Stub, text: bytes) -> bytes:
    return b"QC" + stub.client.name(stub.found.current())


def _first(stub: Stub, text: bytes) -> bytes:
    stub.client.listing = ids(stub)
    return _next(stub, text)


def _next(stub: Stub, text: bytes) -> bytes:
    """Return as many ids as fit in a packet; ``l`` ends the list."""
    listing = stub.client.listing
    if not listing:
        return b"l"
    reply = b"m" + listing.pop(0)
    while listing and len(reply) + 1 + len(listing[0]) <= PACKET_SIZE:
        reply += b"," + listing.pop(0)
    return reply


def _extra(stub: Stub, text: bytes) -> bytes:
    thread = stub.found.thread(thread_id(text.removeprefix(b",")))
    said = descriptions(stub.kernel).get(thread.tid, "")
    return said.encode(errors="replace").hex().encode()


PACKETS: Final[dict[str, Handler]] = {
    "H": _choose,
    "T": _alive,
    "qC": _current,
    "qfThreadInfo": _first,
    "qsThreadInfo": _next,
    "qThreadExtraInfo": _extra,
}
