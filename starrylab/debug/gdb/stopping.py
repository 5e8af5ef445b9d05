"""What stops the programs: Z and z, QPassSignals, QProgramSignals, QCatchSyscalls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..control.api import Access, ControlError
from .signals import every_signal, from_gdb
from .values import GdbError, number, numbers

if TYPE_CHECKING:
    from .stub import Handler, Stub

_WATCHES: Final = {2: Access.WRITE, 3: Access.READ, 4: Access.ANY}
_BREAKS: Final = (0, 1)  #: software and hardware: the same here


def _point(text: bytes) -> tuple[int, int, int]:
    """Return type, address and size of a Z or z packet; conditions are gdb's own work."""
    return tuple(numbers(text.partition(b";")[0], count=3))  # type: ignore[return-value]


def _insert(stub: Stub, text: bytes) -> bytes | None:
    kind, addr, size = _point(text)
    process = stub.found.current().process
    traced = stub.client.traced[process.pid]
    try:
        if kind in _BREAKS:
            stub.control.insert(process, addr)
            traced.breakpoints.setdefault(addr, set()).add(kind)
        elif kind in _WATCHES:
            stub.control.insert_watch(process, addr, size, _WATCHES[kind])
            traced.watches.add((addr, size, _WATCHES[kind]))
        else:
            return b""
    except ControlError as error:
        raise GdbError(str(error)) from None
    return b"OK"


def _remove(stub: Stub, text: bytes) -> bytes | None:
    kind, addr, size = _point(text)
    process = stub.found.current().process
    traced = stub.client.traced[process.pid]
    if kind in _BREAKS:
        kinds = traced.breakpoints.get(addr, set())
        kinds.discard(kind)
        if not kinds:  # gdb may have inserted both kinds at one address
            traced.breakpoints.pop(addr, None)
            stub.control.remove(process, addr)
    elif kind in _WATCHES:
        traced.watches.discard((addr, size, _WATCHES[kind]))
        stub.control.remove_watch(process, addr, size, _WATCHES[kind])
    else:
        return b""
    return b"OK"


def _signals(text: bytes) -> frozenset[int]:
    """Return Linux's numbers for a list of gdb's."""
    return frozenset(from_gdb(number(part)) for part in text.split(b";") if part) - {0}


def _pass_signals(stub: Stub, text: bytes) -> bytes:
    stub.client.passed = _signals(text.removeprefix(b":"))
    tell_signals(stub)
    return b"OK"


def _program_signals(stub: Stub, text: bytes) -> bytes:
    stub.client.delivered = _signals(text.removeprefix(b":"))
    tell_signals(stub)
    return b"OK"


def tell_signals(stub: Stub) -> None:
    """Tell the debugger which signals stop and which the programs get."""
    client, every = stub.client, every_signal()
    stop = every - (client.passed or frozenset())
    stub.control.set_signals(stop, every if client.delivered is None else client.delivered)


def _catch_calls(stub: Stub, text: bytes) -> bytes:
    """Serve ``QCatchSyscalls:0``, ``:1`` and ``:1;NUMBER;...`` for the current process."""
    on, *chosen = text.removeprefix(b":").split(b";")
    if on not in (b"0", b"1"):
        raise GdbError("QCatchSyscalls: 0 or 1 is expected")
    process = stub.found.current().process
    wanted = [number(part) for part in chosen] or None
    stub.control.catch_calls(process, wanted if on == b"1" else ())
    stub.client.traced[process.pid].catches_calls = on == b"1"
    return b"OK"


PACKETS: Final[dict[str, Handler]] = {
    "Z": _insert,
    "z": _remove,
    "QPassSignals": _pass_signals,
    "QProgramSignals": _program_signals,
    "QCatchSyscalls": _catch_calls,
}
