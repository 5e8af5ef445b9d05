"""Finds what unicorn does not tell: where its CPU state and a few fields lie in memory.

A system call through unicorn's interface costs 0.8 us for a register; the same eight
registers straight out of its CPU state cost 0.07 us.  The places are private to a
release, so each is found by a signature and checked, and everything here has a public
substitute in `registers` and `hart`.

``struct uc_struct`` is in unicorn's ``include/uc_priv.h``, ``CPURISCVState`` in
``qemu/target/riscv/cpu.h``.
"""

from __future__ import annotations

import ctypes
import struct
from typing import BinaryIO, Final

from .context import BANK_SIZE, F0, FLAGS_TO_SOFTFLOAT, FRM, PC, Bank
from .engine import REG_F0, REG_FFLAGS, REG_FRM, REG_PC, REG_X0, Engine

_STRUCT_SIZE: Final = 16384  #: bytes of uc_struct that are searched for pointers
_BLOCK_SIZE: Final = 1 << 16  #: bytes behind each pointer; RISCVCPU is smaller
_STATE_SIZE: Final = 4096  #: bytes of CPURISCVState that are searched for the flags
_FIELDS_SIZE: Final = 4096  #: bytes of uc_struct that are searched for fields
_CONTEXT_HEADER: Final = 40  #: sizeof(struct uc_context)


def find_window(engine: Engine) -> Bank | None:
    """Return the CPU's own registers as a bank, or ``None`` if that cannot be done safely."""
    try:
        with open("/proc/self/mem", "rb", buffering=0) as memory:
            address = _find_state(engine, memory)
    except OSError:  # not Linux, or memory that may not be looked at
        return None
    if address is None:
        return None
    flags = _find_flags(engine, address)
    if flags is None:
        return None
    bank = Bank(_view(address, BANK_SIZE), _view(flags, 1))
    return bank if _verify(engine, bank) else None


def _view(address: int, size: int) -> memoryview:
    return memoryview((ctypes.c_uint8 * size).from_address(address)).cast("B")


def _peek(memory: BinaryIO, address: int, size: int) -> bytes:
    """Read this process's memory; what is not mapped reads as nothing, rather than kill us."""
    try:
        memory.seek(address)
        return memory.read(size)
    except OSError:
        return b""


def _find_state(engine: Engine, memory: BinaryIO) -> int | None:
    """Look behind every pointer of uc_struct for numbers that were written to x1..x31."""
    numbers = [0x5A17_0000_1234_0000 + i * 0x0101_0101 for i in range(1, 32)]
    for i, number in enumerate(numbers, 1):
        engine.write_register(REG_X0 + i, number)
    needle = struct.pack("<31Q", *numbers)
    found = set()
    head = _peek(memory, engine.handle, _STRUCT_SIZE)
    for (pointer,) in set(struct.iter_unpack("<Q", head[: len(head) & ~7])):
        if pointer >= 0x10000 and not pointer >> 47:
            at = _peek(memory, pointer, _BLOCK_SIZE).find(needle)
            if at >= 0:
                found.add(pointer + at - 8)
    for i in range(1, 32):
        engine.write_register(REG_X0 + i, 0)
    # The needle itself may lie behind a pointer; only the CPU's registers have changed now.
    live = [address for address in found if _peek(memory, address + 8, 31 * 8) == bytes(31 * 8)]
    return live[0] if len(live) == 1 else None


def _find_flags(engine: Engine, address: int) -> int | None:
    """Find the byte that follows fflags."""
    candidates: set[int] | None = None
    for flags in (0, 31, 1, 2, 4, 8, 16, 0):
        engine.write_register(REG_FFLAGS, flags)
        state = ctypes.string_at(address, _STATE_SIZE)
        soft = FLAGS_TO_SOFTFLOAT[flags]
        hits = {i for i in range(BANK_SIZE, _STATE_SIZE) if state[i] == soft}
        candidates = hits if candidates is None else candidates & hits
    if candidates is None or len(candidates) != 1:
        return None
    return address + candidates.pop()


def _verify(engine: Engine, bank: Bank) -> bool:
    """Compare bank and interface, writing through either."""
    words = bank.words
    places = [(REG_X0 + i, i) for i in range(1, 32)] + [(REG_F0 + i, F0 + i) for i in range(32)]
    places.append((REG_PC, PC))
    for register, word in places:
        number = 0x1234_5678_9ABC_0000 + word * 4
        engine.write_register(register, number)
        if words[word] != number:
            return False
        words[word] = number ^ 0xFFF0
        if engine.read_register(register) != number ^ 0xFFF0:
            return False
        words[word] = 0
    for mode in (4, 0):
        engine.write_register(REG_FRM, mode)
        if words[FRM] != mode:
            return False
    for flags in (21, 10, 0):
        bank.flags[0] = FLAGS_TO_SOFTFLOAT[flags]
        if engine.read_register(REG_FFLAGS) != flags:
            return False
    return words[0] == 0


def find_cpu(engine: Engine, bank: Bank) -> int | None:
    """Return the address of unicorn's CPU object: the one pointer of uc_struct to ``bank``'s block.

    `find_window` found the registers behind it.
    """
    head = ctypes.string_at(engine.handle, _STRUCT_SIZE)
    registers = ctypes.addressof(ctypes.c_uint8.from_buffer(bank.raw))
    near = {
        pointer
        for (pointer,) in struct.iter_unpack("<Q", head[: len(head) & ~7])
        if 0 <= registers - pointer < _BLOCK_SIZE
    }
    return near.pop() if len(near) == 1 else None


def set_no_exit_request(engine: Engine) -> bool:
    """Let no translation look for a stop request between its instructions; say if it was found.

    An asynchronous stop otherwise leaves *after* a load or store with the program counter
    still *at* it, so an atomic instruction happens twice.  The field exists for Arm's IT
    blocks: three bools after ``next_pc``, which follows ``cpu_context_size``.
    """
    size = engine.context_size() - _CONTEXT_HEADER
    raw = ctypes.string_at(engine.handle, _FIELDS_SIZE)
    for at in range(0, _FIELDS_SIZE - 32, 4):
        if struct.unpack_from("<i", raw, at)[0] != size:
            continue
        bools = (at + 4 + 7 & ~7) + 8
        hook_insert, first_tb, no_exit_request, init_done = raw[bools : bools + 4]
        if init_done == 1 and no_exit_request == 0 and hook_insert < 2 and first_tb < 2:
            ctypes.c_uint8.from_address(engine.handle + bools + 2).value = 1
            return True
    return False


def find_time_function(engine: Engine, bank: Bank) -> memoryview | None:
    """Return where ``rdtime`` looks for a function to call; unicorn leaves it empty.

    It is the first field of CPURISCVState behind those that a saved context has.
    """
    at = engine.context_size() - _CONTEXT_HEADER
    if at < BANK_SIZE or at % 8:
        return None
    registers = ctypes.addressof(ctypes.c_uint8.from_buffer(bank.raw))
    place = _view(registers + at, 8).cast("Q")
    return place if place[0] == 0 else None


def find_invalid_addr(engine: Engine, addr: int) -> memoryview | None:
    """Return the one field of uc_struct that holds ``addr``, the address of the last fault."""
    raw = ctypes.string_at(engine.handle, _FIELDS_SIZE)
    places = [
        at for at in range(0, _FIELDS_SIZE, 8) if struct.unpack_from("<Q", raw, at)[0] == addr
    ]
    if len(places) != 1:
        return None
    return _view(engine.handle + places[0], 8).cast("Q")
