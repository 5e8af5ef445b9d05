"""qGetTLSAddr: where a thread-local variable is (ELF Handling For Thread-Local Storage, variant I).

The program's own block follows the thread pointer.  Where libraries have theirs is known to the
C library alone; its dynamic thread vector is not read.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.arch.tls import TLS
from .values import GdbError, number, thread_id

if TYPE_CHECKING:
    from ...kernel.task.process import Process
    from .stub import Handler, Stub

#: struct link_map of <link.h>: l_addr, l_name, l_ld, l_next, l_prev.  The program is the first.
_LINK_MAP: Final = Struct("<5Q")
_PREVIOUS: Final = 4


def _is_program(stub: Stub, process: Process, link_map: int) -> bool:
    """Tell whether a link map is that of the program itself; static ones have none."""
    if not link_map:
        return True
    data = stub.control.read_memory(process, link_map, _LINK_MAP.size)
    if len(data) < _LINK_MAP.size:
        raise GdbError(f"no link map at {link_map:#x}")
    return not _LINK_MAP.unpack(data)[_PREVIOUS]


def _address(stub: Stub, text: bytes) -> bytes:
    parts = text.removeprefix(b":").split(b",")
    if len(parts) != 3:
        raise GdbError("qGetTLSAddr: thread, offset and link map are expected")
    thread = stub.found.thread(thread_id(parts[0]))
    offset, link_map = number(parts[1]), number(parts[2])
    if not _is_program(stub, thread.process, link_map):
        raise GdbError("thread-local storage of shared libraries is not followed")
    pointer = stub.registers.read(thread.context, stub.registers.target.thread_pointer)
    gap = TLS[stub.kernel.arch].gap
    return b"%x" % (int.from_bytes(pointer, "little") + gap + offset & (1 << 64) - 1)


PACKETS: Final[dict[str, Handler]] = {"qGetTLSAddr": _address}
