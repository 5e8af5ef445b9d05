"""qGetTLSAddr: where a thread-local variable is (ELF Handling For Thread-Local Storage, variant I).

gdb names a module by its link map; which file that is, is told by the dynamic section that the link
map names.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.arch.tls import TLS
from ..dwarf.errors import PROBLEMS
from ..dwarf.tls import library_block, uses_musl
from ..inspect import UserMemory
from ..peek import Peek
from .values import GdbError, number, thread_id

if TYPE_CHECKING:
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread
    from ..modules import Module
    from .stub import Handler, Stub

#: struct link_map of <link.h>: l_addr, l_name, l_ld, l_next, l_prev.  The program is the first.
_LINK_MAP: Final = Struct("<5Q")
_DYNAMIC: Final = 2
_PREVIOUS: Final = 4


def _module(stub: Stub, process: Process, link_map: int) -> Module | None:
    """Return the library of a link map; None for the program itself, which may have none."""
    if not link_map:
        return None
    data = stub.control.read_memory(process, link_map, _LINK_MAP.size)
    if len(data) < _LINK_MAP.size:
        raise GdbError(f"no link map at {link_map:#x}")
    words = _LINK_MAP.unpack(data)
    if not words[_PREVIOUS]:
        return None
    found = stub.stacks.modules(process.leader.mm).find(words[_DYNAMIC])
    if found is None:
        raise GdbError(f"no module for the link map at {link_map:#x}")
    return found


def _block(stub: Stub, thread: Thread, link_map: int, pointer: int) -> int:
    """Return where the thread has the module's block; raise what `PROBLEMS` names."""
    layout = TLS[stub.kernel.arch]
    module = _module(stub, thread.process, link_map)
    if module is None:
        return pointer + layout.gap
    images = [each.image for each in stub.stacks.modules(thread.mm)]
    memory, musl = UserMemory(Peek(thread.mm)), uses_musl(images)
    return library_block(module.image, module.bias, layout, pointer, memory, musl=musl)


def _address(stub: Stub, text: bytes) -> bytes:
    parts = text.removeprefix(b":").split(b",")
    if len(parts) != 3:
        raise GdbError("qGetTLSAddr: thread, offset and link map are expected")
    thread = stub.found.thread(thread_id(parts[0]))
    offset, link_map = number(parts[1]), number(parts[2])
    value = stub.registers.read(thread.context, stub.registers.target.thread_pointer)
    try:
        block = _block(stub, thread, link_map, int.from_bytes(value, "little"))
    except PROBLEMS as error:
        raise GdbError(str(error)) from error
    return b"%x" % (block + offset & (1 << 64) - 1)


PACKETS: Final[dict[str, Handler]] = {"qGetTLSAddr": _address}
