"""Memory and register packets: m, x, M, X, g, G, p, P."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EFAULT
from ..control.api import ControlError
from .packets import PACKET_SIZE, escape
from .values import GdbError, from_hex, number, numbers

if TYPE_CHECKING:
    from .stub import Handler, Stub

_MOST: Final = PACKET_SIZE // 2 - 1  #: bytes of memory in one reply: digits or escapes double them


def _read(stub: Stub, text: bytes) -> bytes:
    return _load(stub, text).hex().encode()


def _read_binary(stub: Stub, text: bytes) -> bytes:
    return b"b" + escape(_load(stub, text))


def _load(stub: Stub, text: bytes) -> bytes:
    """Return what an m or x packet asks for, or as much of it as there is."""
    addr, size = numbers(text)
    size = min(size, _MOST)
    data = stub.control.read_memory(stub.found.current().process, addr, size)
    if not data and size:
        raise GdbError(f"no memory at {addr:#x}", EFAULT.errno)
    return data


def _write(stub: Stub, text: bytes) -> bytes:
    where, _, digits = text.partition(b":")
    return _store(stub, where, from_hex(digits))


def _write_binary(stub: Stub, text: bytes) -> bytes:
    where, _, data = text.partition(b":")
    return _store(stub, where, data)


def _store(stub: Stub, where: bytes, data: bytes) -> bytes:
    addr, size = numbers(where)
    if size != len(data):
        raise GdbError(f"{len(data)} bytes came instead of {size}")
    if data:
        try:
            stub.control.write_memory(stub.found.current().process, addr, data)
        except ControlError as error:
            raise GdbError(str(error), EFAULT.errno) from None
    return b"OK"


def _read_registers(stub: Stub, text: bytes) -> bytes:
    return stub.registers.read_all(stub.found.current().context).hex().encode()


def _write_registers(stub: Stub, text: bytes) -> bytes:
    thread = stub.writable(stub.found.current())
    stub.registers.write_all(thread.context, from_hex(text))
    return b"OK"


def _read_register(stub: Stub, text: bytes) -> bytes:
    return stub.registers.read_text(stub.found.current().context, number(text))


def _write_register(stub: Stub, text: bytes) -> bytes:
    which, _, digits = text.partition(b"=")
    thread = stub.writable(stub.found.current())
    stub.registers.write(thread.context, number(which), from_hex(digits))
    return b"OK"


PACKETS: Final[dict[str, Handler]] = {
    "m": _read,
    "x": _read_binary,
    "M": _write,
    "X": _write_binary,
    "g": _read_registers,
    "G": _write_registers,
    "p": _read_register,
    "P": _write_register,
}
