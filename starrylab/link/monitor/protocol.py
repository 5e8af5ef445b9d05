"""THE table of the monitor's protocol: what either side may say.

boards/monitor/protocol.h is made of it (`boards.monitor_header`): both sides of the wire have
one source.

A request is one frame: a sequence number and any number of operations, which are executed in
order.  Its reply has the sequence number, a status and the results of the operations, one behind
the other.  After a failure nothing more of the request is executed; the reply then has the number
of the operation that failed, and a detail, instead of results.

    request   seq:u8  { op:u8 field... }...       reply   seq:u8  status:u8  { field... }...
                                                  failed  seq:u8  status:u8  op index:u  detail:u

Numbers are varints (LEB128).  Physical addresses are offsets from the beginning of the memory
that HELLO announces, in bytes (`offset`) or pages (`frame`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

VERSION: Final = 1
MAGIC: Final = 0x4E4F4D4C  #: "LMON", the first word of the answer to HELLO

# What a monitor keeps; HELLO tells, so a host must not rely on these.
FRAME_LIMIT: Final = 8192  #: bytes of a frame before COBS, its check included
CONTEXTS: Final = 64
SPACES: Final = 16
SLOTS: Final = 4096  #: pages of the cache
HINT_NUMBERS: Final = 512  #: system call numbers that may have hints
HINTS_EACH: Final = 3  #: hints of one system call
STRING_GRAIN: Final = 32  #: a string brings along what follows it, up to a multiple of this address
DIRTY_LIMIT: Final = 250  #: pages of the list in a reply to RUN

ALL_DIRTY: Final = DIRTY_LIMIT + 1  #: this count, without a list: any writable page may be dirty
NAK: Final = 0xFF  #: the sequence number that answers a frame whose check is wrong
PC: Final = 0  #: the program counter's number: register 0 of both architectures is always zero
GREETING: Final = "StarryLab monitor"  #: the text that it starts with


class Kind(IntEnum):
    """How a field looks on the wire."""

    U = 0  #: unsigned varint, up to 64 bits
    I = 1  # noqa: E741  #: signed, zigzag: (n << 1) ^ (n >> 63), then as U
    U8 = 2
    U32 = 3
    U64 = 4
    BYTES = 5  #: length as U, then the bytes
    REGISTERS = 6  #: set of numbers as U, then an I for each, lowest first
    FRAMES = 7  #: count as U, then an I for each: the difference to the one before, at first 0
    PIECES = 8  #: count as U, then for each: offset U, BYTES
    WORDS = 9  #: count as U, then a U64 for each


class Feature(IntFlag):
    """What HELLO agrees on: the host asks for features, the answer has those that are granted."""

    HINTS = 1  #: replies to RUN bring memory along
    DIRTY = 2  #: replies to RUN say which pages were stored to
    CACHE = 4  #: KEEP, FETCH and SLOTS
    MMIO = 8  #: PEEK, POKE and their bursts
    SPEED = 16  #: BAUD
    INFLATE = 32  #: INFLATE
    VECTOR = 64  #: the CPU has LSX, and it is saved


class Status(IntEnum):
    """How a request ended."""

    OK = 0
    BAD_OP = 1  #: unknown, cut off, or a number out of range; detail: the operation
    BAD_MEMORY = 2  #: not in the memory announced; detail: offset
    NO_TABLES = 3  #: no memory left for page tables; detail: virtual page
    BAD_CODE = 4  #: INFLATE cannot make sense of its data; detail: bytes made so far
    FAULT = 5  #: the monitor itself faulted; detail: the address
    TOO_LONG = 6  #: the reply does not fit into a frame; detail: 0


class Cause(IntEnum):
    """Why user code stopped."""

    SYSCALL = 0  #: pc is behind the instruction
    FETCH = 1  #: `addr` is exact for these
    LOAD = 2
    STORE = 3
    ILLEGAL = 4
    BREAKPOINT = 5
    MISALIGNED = 6
    SLICE = 7  #: the time is over
    OTHER = 8  #: `addr` is the CPU's own cause


class Access(IntFlag):
    """What MAP permits."""

    READ = 1
    WRITE = 2
    EXEC = 4
    STORED = 8  #: the next run is going to store there: it counts as stored to, and does not trap


class ResetKind(IntEnum):
    """What RESET does."""

    REBOOT = 0
    POWER_OFF = 1


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a request or a reply."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    number: int
    name: str
    request: tuple[Field, ...]
    reply: tuple[Field, ...]
    about: str


def _fields(text: str) -> tuple[Field, ...]:
    """Read "name:KIND ..."; without a kind it is U."""
    pairs = (word.partition(":") for word in text.split())
    return tuple(Field(name, Kind[kind or "U"]) for name, _, kind in pairs)


_HELLO_REPLY: Final = (
    "magic:U32 version arch features hart:I image image_size base size"
    " timer_hz frame_limit contexts spaces slots slots_used hint_numbers baud"
    " bad_frames repeats overruns"
)

#: number, name, request, reply, what it does
_TABLE: Final = (
    (1, "HELLO", "version session:U32 features", _HELLO_REPLY,
     "Begin a session; contexts, spaces and hints are cleared, the cache is kept."),
    (2, "ECHO", "data:BYTES", "data:BYTES", "Say the same."),
    (3, "READ", "offset size", "data:BYTES", "Read memory."),
    (4, "WRITE", "offset data:BYTES", "", "Store."),
    (5, "FILL", "offset size byte:U8", "", "Store the same byte everywhere."),
    (6, "COPY", "to from size", "", "Copy memory; the ranges must not overlap."),
    (7, "INFLATE", "offset size data:BYTES", "", "Store `size` bytes, given deflated (RFC 1951)."),
    (8, "CRC", "offset size", "crc:U32", "The CRC-32 of memory, as zlib computes it."),
    (9, "MAP", "space vpn frame count access", "", "Map pages, one behind the other."),
    (10, "UNMAP", "space vpn count", "", "Take mappings away."),
    (11, "DROP", "space", "", "Take all mappings of a space away."),
    (12, "SYNC", "", "", "Code was written: fence.i, ibar."),
    (13, "SET", "context values:REGISTERS", "", "Set registers."),
    (14, "GET", "context", "values:REGISTERS", "All registers; RUN counts from them."),
    (15, "SET_FLOATING", "context state:BYTES", "",
     "Set the state: NT_PRFPREG, and the upper halves of LSX registers if they are in use."),
    (16, "GET_FLOATING", "context", "state:BYTES", "Get it."),
    (17, "CLONE", "context source", "", "Make a context equal to another."),
    (18, "RUN", "space context slice_us",
     "cause addr values:REGISTERS dirty:FRAMES memory:PIECES",
     ("Run user code. `values`: differences to what was said last of this context: pc, and at a"
     " system call a0..a7. `dirty`, `memory`: with these features only. The last of a request.")),
    (19, "HINT", "number index pointer unit times vector limit", "",
     ("What comes along with a system call: `unit` bytes, or as many times argument `times` - 1,"
      " where argument `pointer` points; unit 0: a string. `vector`: these are struct iovec, and"
      " what they point to comes as well. limit 0: nothing.")),
    (20, "KEEP", "slot frame key:U64", "", "Put a page into the cache."),
    (21, "FETCH", "frame slot", "", "Copy a page out of the cache."),
    (22, "SLOTS", "first count", "keys:WORDS", "What the cache has; key 0: nothing."),
    (23, "PEEK", "address width", "value", "Load from a device register; width 1, 2, 4, 8."),
    (24, "POKE", "address width value", "", "Store to a device register."),
    (25, "PEEK_WHILE", "address status width mask wanted limit", "data:BYTES",
     "Load low bytes from `address` as long as `status & mask == wanted`."),
    (26, "POKE_WHILE", "address status width mask wanted data:BYTES", "count",
     "Store bytes to `address` as long as `status & mask == wanted`."),
    (27, "BAUD", "baud", "",
     "Change the rate behind the reply; back again unless a good frame comes within a second."),
    (28, "RESET", "kind", "", "Restart the board, or switch it off, behind the reply."),
    (29, "WALK", "space vpn", "entry", "The page table entry of the CPU, 0: none."),
)  # fmt: skip

OPERATIONS: Final = {
    name: Operation(number, name, _fields(request), _fields(reply), about)
    for number, name, request, reply, about in _TABLE
}
BY_NUMBER: Final = {operation.number: operation for operation in OPERATIONS.values()}

ARCHES: Final = {243: "riscv64", 258: "loongarch64"}  #: EM_RISCV, EM_LOONGARCH
HOST_ARCH: Final = 62  #: a monitor without a CPU of its own, compiled for the host by tests
