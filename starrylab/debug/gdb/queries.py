"""Packets about the connection itself: qSupported, QStartNoAckMode, qAttached, qSymbol, ``!``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .client import WISHES
from .packets import PACKET_SIZE
from .transfer import OBJECTS
from .values import ANY, number

if TYPE_CHECKING:
    from .stub import Handler, Stub

_ALWAYS: Final = (
    f"PacketSize={PACKET_SIZE:x}", "QStartNoAckMode+", "vContSupported+", "QPassSignals+",
    "QProgramSignals+", "QCatchSyscalls+", "binary-upload+",
)  # fmt: skip


def _supported(stub: Stub, text: bytes) -> bytes:
    """Serve qSupported: note what gdb can do, and answer with what both can."""
    theirs = {part.decode("latin-1") for part in text.removeprefix(b":").split(b";")}
    wishes = stub.client.wishes = {wish for wish in WISHES if f"{wish}+" in theirs}
    objects = [f"qXfer:{name.decode()}:read+" for name in OBJECTS]
    return ";".join((*_ALWAYS, *objects, *(f"{wish}+" for wish in sorted(wishes)))).encode()


def _attached(stub: Stub, text: bytes) -> bytes:
    """Say that the process was there before gdb: quitting gdb lets it go on."""
    stub.found.process(number(text[1:]) if text[:1] == b":" else ANY)
    return b"1"


def _extended(stub: Stub, text: bytes) -> bytes:
    stub.client.extended = True
    return b"OK"


def _ok(stub: Stub, text: bytes) -> bytes:
    return b"OK"


PACKETS: Final[dict[str, Handler]] = {
    "qSupported": _supported,
    "QStartNoAckMode": _ok,
    "qAttached": _attached,
    "qSymbol": _ok,  # no symbols are wanted from gdb
    "!": _extended,
    "vMustReplyEmpty": lambda _stub, _text: b"",
}
