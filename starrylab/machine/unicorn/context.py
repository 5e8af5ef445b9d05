"""A thread's user registers, in the CPU or out of it (RISC-V: volume I, chapters 2 and 12).

A `Bank` is a place that holds registers.  Every context has one of its own; the hart's
is the CPU's.  A context that is loaded refers to the hart's bank, so that a read is
right at any moment and a switch copies each way once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from ..api import SyscallRegisters, UserContext

# 64-bit words of a bank, in the order in which unicorn's CPURISCVState begins.
RA: Final = 1
SP: Final = 2
TP: Final = 4
A0: Final = 10
A7: Final = 17
F0: Final = 32
PC: Final = 64
RESERVATION: Final = 65  #: the address that lr reserved
RESERVED_VALUE: Final = 66
FRM: Final = 67  #: rounding mode
WORDS: Final = 68
BANK_SIZE: Final = WORDS * 8  #: bytes

MASK: Final = (1 << 64) - 1
NO_RESERVATION: Final = MASK
ARGUMENTS: Final = struct.Struct("<8Q")
ARGUMENTS_AT: Final = A0 * 8

_N_GENERAL: Final = 32
_GENERAL_SIZE: Final = _N_GENERAL * 8
_FLOATING: Final = struct.Struct("<256sII")
_N_FLOATING: Final = 256  #: bytes of f0 to f31; fcsr follows
_STATE: Final = struct.Struct("<248s256s8s")  #: a bank from x1 on: x1 to x31, f0 to f31, pc
_FCSR: Final = tuple(struct.pack("<II", fcsr, 0) for fcsr in range(256))  #: with its padding
_ECALL_SIZE: Final = 4

# fcsr's flags are NV DZ OF UF NX from bit 4 down; softfloat's are these, in that order.
_SOFTFLOAT: Final = (16, 1), (8, 4), (4, 8), (2, 16), (1, 32)
FLAGS_TO_SOFTFLOAT: Final = tuple(
    sum(soft for bit, soft in _SOFTFLOAT if flags & bit) for flags in range(32)
)
SOFTFLOAT_TO_FLAGS: Final = tuple(
    sum(bit for bit, soft in _SOFTFLOAT if flags & soft) for flags in range(256)
)


class Bank:
    """Where registers are."""

    __slots__ = ("flags", "raw", "words")

    def __init__(self, raw: memoryview, flags: memoryview) -> None:
        self.raw = raw  #: BANK_SIZE bytes
        self.words = raw.cast("Q")
        self.flags = flags  #: one byte: softfloat's accrued exceptions


def new_bank() -> Bank:
    """Make a bank of zeros."""
    bank = Bank(memoryview(bytearray(BANK_SIZE)), memoryview(bytearray(1)))
    bank.words[RESERVATION] = NO_RESERVATION
    return bank


class Context:
    """See `UserContext`."""

    __slots__ = ("bank", "home")

    def __init__(self, template: UserContext | None = None) -> None:
        if template is None:
            home = new_bank()
        elif type(template) is Context:
            source = template.bank
            home = Bank(memoryview(bytearray(source.raw)), memoryview(bytearray(source.flags)))
        else:
            raise TypeError("the template is another hart's context")
        self.home = home
        self.bank: Bank = home  #: the hart's, while loaded

    def go_home(self) -> None:
        """Keep the registers in a bank of their own, as they outlive the CPU."""
        home, bank = self.home, self.bank
        home.raw[:] = bank.raw
        home.flags[0] = bank.flags[0]
        self.bank = home

    @property
    def pc(self) -> int:
        """The program counter."""
        return self.bank.words[PC]

    @pc.setter
    def pc(self, value: int) -> None:
        self.bank.words[PC] = value & MASK

    @property
    def sp(self) -> int:
        """The stack pointer."""
        return self.bank.words[SP]

    @sp.setter
    def sp(self, value: int) -> None:
        self.bank.words[SP] = value & MASK

    def arguments(self) -> SyscallRegisters:
        """See `UserContext.arguments`."""
        return ARGUMENTS.unpack_from(self.bank.raw, ARGUMENTS_AT)

    def set_result(self, value: int) -> None:
        """See `UserContext.set_result`."""
        self.bank.words[A0] = value & MASK

    def set_argument(self, index: int, value: int) -> None:
        """See `UserContext.set_argument`; `IndexError` for another index."""
        if not 0 <= index <= 5:
            raise IndexError(index)
        self.bank.words[A0 + index] = value & MASK

    def set_tls(self, value: int) -> None:
        """See `UserContext.set_tls`."""
        self.bank.words[TP] = value & MASK

    def enter_function(
        self, pc: int, sp: int, return_address: int, arguments: tuple[int, int, int]
    ) -> None:
        """See `UserContext.enter_function`."""
        words = self.bank.words
        words[PC] = pc & MASK
        words[SP] = sp & MASK
        words[RA] = return_address & MASK
        words[A0], words[A0 + 1], words[A0 + 2] = arguments

    def restart_syscall(self, first_argument: int) -> None:
        """See `UserContext.restart_syscall`."""
        words = self.bank.words
        words[PC] = (words[PC] - _ECALL_SIZE) & MASK
        words[A0] = first_argument & MASK

    def general(self) -> bytes:
        """See `UserContext.general`: struct user_regs_struct, pc and x1 to x31."""
        raw = self.bank.raw
        return b"".join((raw[PC * 8 : PC * 8 + 8], raw[8:_GENERAL_SIZE]))

    def set_general(self, data: bytes) -> None:
        """See `UserContext.set_general`; `ValueError` unless it is 256 bytes."""
        if len(data) != _GENERAL_SIZE:
            raise ValueError("the general registers are 256 bytes")
        raw = self.bank.raw
        raw[PC * 8 : PC * 8 + 8] = data[:8]
        raw[8:_GENERAL_SIZE] = data[8:]

    def floating(self) -> bytes:
        """See `UserContext.floating`: struct __riscv_d_ext_state with its padding, 264 bytes."""
        bank = self.bank
        flags = SOFTFLOAT_TO_FLAGS[bank.flags[0]]
        fcsr = (bank.words[FRM] & 7) << 5 | flags
        return _FLOATING.pack(bank.raw[F0 * 8 : PC * 8].tobytes(), fcsr, 0)

    def set_floating(self, data: bytes) -> None:
        """See `UserContext.set_floating`; `ValueError` unless it is 264 bytes."""
        if len(data) != _FLOATING.size:
            raise ValueError("the floating-point state is 264 bytes")
        bank = self.bank
        bank.raw[F0 * 8 : PC * 8], fcsr, _ = _FLOATING.unpack(data)
        bank.words[FRM] = fcsr >> 5 & 7
        bank.flags[0] = FLAGS_TO_SOFTFLOAT[fcsr & 31]

    def save(self) -> tuple[bytes, bytes]:
        """See `UserContext.save`."""
        bank = self.bank
        general, floats, pc = _STATE.unpack_from(bank.raw, RA * 8)
        fcsr = (bank.words[FRM] & 7) << 5 | SOFTFLOAT_TO_FLAGS[bank.flags[0]]
        return pc + general, floats + _FCSR[fcsr]

    def restore(self, general: bytes, floating: bytes) -> None:
        """See `UserContext.restore`."""
        bank = self.bank
        _STATE.pack_into(bank.raw, RA * 8, general[8:], floating, general)
        fcsr = floating[_N_FLOATING]
        bank.words[FRM] = fcsr >> 5
        bank.flags[0] = FLAGS_TO_SOFTFLOAT[fcsr & 31]

    def clear(self, pc: int, sp: int) -> None:
        """See `UserContext.clear`."""
        bank = self.bank
        bank.raw[:] = bytes(BANK_SIZE)
        bank.flags[0] = 0
        words = bank.words
        words[PC] = pc & MASK
        words[SP] = sp & MASK
        words[RESERVATION] = NO_RESERVATION


class Loader:
    """Puts contexts into the CPU, whose registers are in ``bank``, and takes them out."""

    def __init__(self, bank: Bank, clear_reservation: Callable[[], object] | None) -> None:
        """Begin with none; ``clear_reservation`` is for a CPU whose reservation is elsewhere."""
        self.fixed = False  #: `exchange` is refused
        #: Put a context into the CPU, and what was there into its own bank; False if `fixed`.
        self.exchange = self._make_exchange(bank, clear_reservation)
        self._current: Context | None = None

    def _make_exchange(
        self, bank: Bank, clear_reservation: Callable[[], object] | None
    ) -> Callable[[UserContext], bool]:
        raw, words, flags = bank.raw, bank.words, bank.flags

        def exchange(context: UserContext) -> bool:
            # A closure over what does not change, as every switch of threads comes here.
            old = self._current
            if self.fixed or context is old:
                return not self.fixed
            if type(context) is not Context:
                raise TypeError("another hart's context")
            if old is not None:
                home = old.home
                home.raw[:] = raw
                home.flags[0] = flags[0]
                old.bank = home
            home = context.home
            raw[:] = home.raw
            flags[0] = home.flags[0]
            if clear_reservation is None:
                words[RESERVATION] = NO_RESERVATION
            else:
                clear_reservation()
            context.bank = bank
            self._current = context
            return True

        return exchange

    def load(self, context: UserContext) -> None:
        """`exchange` even where it is refused; ``TypeError`` for another hart's context."""
        fixed, self.fixed = self.fixed, False
        try:
            self.exchange(context)
        finally:
            self.fixed = fixed

    def running(self) -> Context:
        """Return whose registers the CPU has; ``RuntimeError`` before the first `load`."""
        if self._current is None:
            raise RuntimeError("no context is loaded")
        return self._current

    def unload(self) -> None:
        """Let the registers outlive the CPU."""
        if self._current is not None:
            self._current.go_home()
            self._current = None
