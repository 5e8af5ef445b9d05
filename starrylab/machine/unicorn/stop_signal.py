"""A signal whose handler is native code that calls ``uc_emu_stop``: no Python, no thread, no lock.

User code runs with the interpreter lock held, so neither a Python thread nor a Python signal
handler can end its time slice.  A timer with ``SIGEV_THREAD`` can, but glibc serves those with
threads and locks of its own, and a child forked at the wrong moment finds a lock locked for ever.
A signal has nothing that a fork could break.  ``uc_emu_stop`` sets two words and is therefore
safe in a handler; a handler takes a signal number, though, and ``uc_emu_stop`` takes an engine,
hence the few instructions below.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import signal
import sys
import time
from ctypes import c_int, c_long, c_size_t, c_ubyte, c_uint64, c_void_p
from functools import cache
from typing import Any, Final

_SI_TIMER: Final = -2
_SA_SIGINFO: Final = 4
_SA_RESTART: Final = 0x1000_0000
_PAGE: Final = mmap.PAGESIZE
_BUSY_POLL: Final = 0.0001  #: s

# The handler (signal number, siginfo_t *, ucontext_t *): unless the signal comes from a timer, do
# nothing.  si_value is the address of a `Cell`: count up ``busy``, call ``stop(engine)`` unless
# engine is 0, count down.  siginfo_t has si_code at 8 and si_value at 24 on both.
CODE: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "x86_64": (
        ("837e08fe", "cmpl $-2, 8(%rsi)"),
        ("751b", "jne 2f"),
        ("53", "push %rbx"),
        ("488b5e18", "mov 24(%rsi), %rbx"),
        ("f048ff4310", "lock incq 16(%rbx)"),
        ("488b3b", "mov (%rbx), %rdi"),
        ("4885ff", "test %rdi, %rdi"),
        ("7403", "jz 1f"),
        ("ff5308", "call *8(%rbx)"),
        ("f048ff4b10", "1: lock decq 16(%rbx)"),
        ("5b", "pop %rbx"),
        ("c3", "2: ret"),
    ),
    "aarch64": (
        ("230840b9", "ldr w3, [x1, #8]"),
        ("7f080031", "cmn w3, #2"),
        ("a1020054", "b.ne 4f"),
        ("fd7bbea9", "stp x29, x30, [sp, #-32]!"),
        ("f30b00f9", "str x19, [sp, #16]"),
        ("330c40f9", "ldr x19, [x1, #24]"),
        ("63420091", "add x3, x19, #16"),
        ("64fc5fc8", "1: ldaxr x4, [x3]"),
        ("84040091", "add x4, x4, #1"),
        ("64fc05c8", "stlxr w5, x4, [x3]"),
        ("a5ffff35", "cbnz w5, 1b"),
        ("bf3b03d5", "dmb ish"),
        ("600240f9", "ldr x0, [x19]"),
        ("600000b4", "cbz x0, 2f"),
        ("640640f9", "ldr x4, [x19, #8]"),
        ("80003fd6", "blr x4"),
        ("63420091", "2: add x3, x19, #16"),
        ("64fc5fc8", "3: ldaxr x4, [x3]"),
        ("840400d1", "sub x4, x4, #1"),
        ("64fc05c8", "stlxr w5, x4, [x3]"),
        ("a5ffff35", "cbnz w5, 3b"),
        ("f30b40f9", "ldr x19, [sp, #16]"),
        ("fd7bc2a8", "ldp x29, x30, [sp], #32"),
        ("c0035fd6", "4: ret"),
    ),
}


class Cell(ctypes.Structure):
    """What the handler needs to know of one engine, at a fixed place."""

    _fields_ = (("engine", c_uint64), ("stop", c_uint64), ("busy", c_uint64))

    engine: int
    stop: int
    busy: int

    def disarm(self) -> None:
        """Return when no handler calls ``stop`` any more, nor will."""
        self.engine = 0
        while self.busy:  # another thread is inside, for some nanoseconds
            time.sleep(_BUSY_POLL)


class _SigAction(ctypes.Structure):
    _fields_ = (
        ("handler", c_void_p),
        ("mask", c_ubyte * 128),
        ("flags", c_int),
        ("restorer", c_void_p),
    )


class StopSignal:
    """A real-time signal nobody else uses, with the handler in place.

    Raises `OSError` where the host has none to spare, forbids new code, or is not known.
    """

    def __init__(self) -> None:
        code = CODE.get(platform.machine())
        if code is None or not sys.platform.startswith("linux"):
            raise OSError("no signal handler for this host")
        self._libc = ctypes.CDLL(None, use_errno=True)
        machine_code = bytes.fromhex("".join(octets for octets, _ in code))
        start = self._new_memory(2 * _PAGE)
        ctypes.memmove(start, machine_code, len(machine_code))
        readable_code = mmap.PROT_READ | mmap.PROT_EXEC
        self._call("mprotect", c_void_p(start), c_size_t(_PAGE), readable_code)
        # A signal may arrive after its timer is gone.  So cells are never freed; the next
        # owner of a cell may see one stop too many, which is a tick like any other.
        count = _PAGE // ctypes.sizeof(Cell)
        self._cells = (Cell * count).from_address(start + _PAGE)
        self._free = list(range(count))
        self.number = self._claim(start)

    def _new_memory(self, size: int) -> int:
        """Return the address of zeroed memory that nobody unmaps.

        Not even the interpreter when it ends: a timer may still run then.
        """
        libc_mmap = self._libc.mmap
        libc_mmap.argtypes = (c_void_p, c_size_t, c_int, c_int, c_int, c_long)
        libc_mmap.restype = c_void_p
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = libc_mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
        if start == c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")
        return int(start)

    def _call(self, name: str, *arguments: Any) -> None:
        if self._libc[name](*arguments):
            raise OSError(ctypes.get_errno(), name)

    def _claim(self, handler: int) -> int:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        action = _SigAction()
        for number in range(signal.SIGRTMAX, signal.SIGRTMIN, -1):
            self._call("sigaction", number, None, ctypes.byref(action))
            if number not in blocked and not action.handler:  # SIG_DFL is 0
                action.handler = handler
                action.mask[:] = b"\xff" * len(action.mask)
                action.flags = _SA_SIGINFO | _SA_RESTART
                self._call("sigaction", number, ctypes.byref(action), None)
                return number
        raise OSError("no real-time signal is free")

    def take(self, engine: int, stop: int) -> tuple[int, Cell]:
        """Return the address of a cell that says ``stop(engine)``, and the cell itself."""
        try:
            cell = self._cells[self._free.pop()]
        except IndexError:
            raise OSError("too many engines for one process") from None
        cell.stop, cell.busy, cell.engine = stop, 0, engine
        return ctypes.addressof(cell), cell

    def give_back(self, cell: Cell) -> None:
        """Take ``cell`` out of use; its engine may be freed afterwards."""
        cell.disarm()
        first = ctypes.addressof(self._cells)
        self._free.append((ctypes.addressof(cell) - first) // ctypes.sizeof(Cell))


@cache
def stop_signal() -> StopSignal:
    """Return the process's own: signals and their handlers belong to a process."""
    return StopSignal()
