"""Typed access to libunicorn's C interface (``include/unicorn/unicorn.h`` of release 2.1.4).

The package's Python binding is not imported: it looks up constants of every
architecture (30 ms), wraps each hook in a second Python call (0.2 us a trap), and lets
go of the interpreter lock around user code, so that a busy second thread makes every
system call wait for it (0.2 ms each).  ``ctypes.PyDLL`` keeps the lock.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import Callable
from ctypes import c_bool, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from functools import partial
from pathlib import Path
from typing import Any, Final

VERSION: Final = (2, 1, 4)  #: what the layouts in `layout` were checked against

ARCH_RISCV: Final = 8
MODE_RISCV64: Final = 8
HOOK_INTR: Final = 1
HOOK_TLB_FILL: Final = 1 << 17
PROT_READ: Final = 1
PROT_WRITE: Final = 2
PROT_EXEC: Final = 4

OK: Final = 0
ERR_INSN_INVALID: Final = 10

ACCESS_READ: Final = 16
ACCESS_WRITE: Final = 17
ACCESS_FETCH: Final = 18

REG_X0: Final = 1
REG_FFLAGS: Final = 41
REG_FRM: Final = 42
REG_MSTATUS: Final = 116
REG_F0: Final = 158
REG_PC: Final = 190
REG_PRIV: Final = 191

#: void (*)(uc, exception number, user data).  ``uc`` is taken as one byte and the user
#: data not at all: every argument that need not become a Python object saves 15 ns.
IntrHook = ctypes.CFUNCTYPE(None, ctypes.c_uint8, c_uint32)
#: bool (*)(uc, address, access, entry, user data), likewise
FillHook = ctypes.CFUNCTYPE(c_bool, ctypes.c_uint8, c_uint64, c_int, c_void_p)

_LIBRARIES: Final = {"darwin": "libunicorn.2.dylib", "win32": "unicorn.dll"}
_MACHINE_MODE: Final = 3
#: Bytes for translations.  When they are full, unicorn drops all and begins again; the room of
#: those dropped one by one is not used again before that.  Memory is used as translations come.
#: With its own default of 1 GiB, a lab that starts programs all day would grow to that.  A shell
#: needs 4 MiB; gcc with all that it starts fits into 64 MiB, and takes three times as long in 32.
_TRANSLATED: Final = 128 << 20
_FS_DIRTY: Final = 0x6000  #: mstatus.FS, RISC-V privileged specification 3.1.6.6


def _ctl(kind: int, arguments: int) -> c_int:
    """Encode a request that sets something, as the macro UC_CTL_WRITE does."""
    return c_int(kind | arguments << 26 | 1 << 30)


_CTL_USE_EXITS: Final = (4, 1)
_CTL_TB_REMOVE_CACHE: Final = (9, 2)
_CTL_TB_FLUSH: Final = (10, 0)
_CTL_TLB_FLUSH: Final = (11, 0)
_CTL_TLB_TYPE: Final = (12, 1)
_CTL_TCG_BUFFER_SIZE: Final = (13, 1)
_TLB_VIRTUAL: Final = 1


class EngineError(RuntimeError):
    """libunicorn is missing, or refused a request."""


def library_path() -> Path:
    """Return where the unicorn package keeps its library; `EngineError` without the package."""
    name = _LIBRARIES.get(sys.platform, "libunicorn.so.2")
    places = [os.environ["LIBUNICORN_PATH"]] if "LIBUNICORN_PATH" in os.environ else []
    spec = importlib.util.find_spec("unicorn")
    if spec is not None:
        places += [f"{place}/lib" for place in spec.submodule_search_locations or ()]
    for place in places:
        if (path := Path(place, name)).exists():
            return path
    raise EngineError(f"{name} was not found; is the package unicorn installed?")


class Engine:
    """One ``uc_engine`` for riscv64, with user privilege and a virtual TLB."""

    def __init__(self) -> None:
        self.library = ctypes.PyDLL(str(library_path()))
        handle = c_void_p()
        self._check(
            self._function("uc_open", c_uint32, c_uint32, c_void_p)(
                ARCH_RISCV, MODE_RISCV64, ctypes.addressof(handle)
            )
        )
        self.handle = handle.value or 0  #: the address of its uc_struct
        self._keep: list[object] = []
        self._read = self._function("uc_reg_read", c_void_p, c_int, c_void_p)
        self._write = self._function("uc_reg_write", c_void_p, c_int, c_void_p)
        self._ctl = self._function("uc_ctl", c_void_p, c_int)
        #: (handle, pc, until, timeout, count) -> error
        self.start = self._function(
            "uc_emu_start", c_void_p, c_uint64, c_uint64, c_uint64, c_size_t
        )
        #: (handle) -> error; callable from any host thread, or as a native callback
        self.stop = self._function("uc_emu_stop", c_void_p)
        self.stop_address = ctypes.cast(self.library.uc_emu_stop, c_void_p).value or 0
        self._set_up()

    def _set_up(self) -> None:
        self._control(_CTL_TCG_BUFFER_SIZE, c_uint32(_TRANSLATED))  # before all else
        # Without the exits list an `until` address would stop user code that runs there.
        self._control(_CTL_USE_EXITS, c_int(1))
        self._control(_CTL_TLB_TYPE, c_int(_TLB_VIRTUAL))
        self.write_register(REG_PRIV, _MACHINE_MODE)
        self.write_register(REG_MSTATUS, self.read_register(REG_MSTATUS) | _FS_DIRTY)
        self.write_register(REG_PRIV, 0)

    def _function(self, name: str, *arguments: Any) -> Callable[..., int]:
        function = self.library[name]
        function.argtypes = arguments
        function.restype = c_int
        return function

    def unlocked_start(self) -> Callable[..., int]:
        """Return `start` that lets go of the interpreter lock, so that other threads run."""
        function = ctypes.CDLL(str(library_path())).uc_emu_start
        function.argtypes = (c_void_p, c_uint64, c_uint64, c_uint64, c_size_t)
        function.restype = c_int
        return function

    def _check(self, error: int) -> None:
        if error != OK:
            raise EngineError(f"unicorn: error {error}")

    def _control(self, request: tuple[int, int], *arguments: Any) -> None:
        self._check(self._ctl(self.handle, _ctl(*request), *arguments))

    @property
    def version(self) -> tuple[int, int, int]:
        """The library's release."""
        word = self._function("uc_version", c_void_p, c_void_p)(None, None)
        return word >> 24 & 0xFF, word >> 16 & 0xFF, word >> 8 & 0xFF

    def map(self, paddr: int, size: int, permissions: int, address: int) -> None:
        """Let ``size`` bytes at the host's ``address`` be physical memory at ``paddr``."""
        function = self._function(
            "uc_mem_map_ptr", c_void_p, c_uint64, c_uint64, c_uint32, c_void_p
        )
        self._check(function(self.handle, paddr, size, permissions, address))

    def hook(self, kind: int, callback: Any) -> None:
        """Call ``callback`` (an `IntrHook` or `FillHook`) whenever ``kind`` happens."""
        function = self._function(
            "uc_hook_add", c_void_p, c_void_p, c_int, c_void_p, c_void_p, c_uint64, c_uint64
        )
        hook = c_size_t()
        address = ctypes.cast(callback, c_void_p).value
        everywhere = (1, 0)
        self._check(function(self.handle, ctypes.addressof(hook), kind, address, None, *everywhere))
        self._keep.append(callback)

    def read_register(self, register: int) -> int:
        """Return one register's 64 bits."""
        value = c_uint64()
        self._check(self._read(self.handle, register, ctypes.addressof(value)))
        return value.value

    def write_register(self, register: int, value: int) -> None:
        """Set one register.  Never the program counter inside a hook: see `hart`."""
        word = c_uint64(value)
        self._check(self._write(self.handle, register, ctypes.addressof(word)))

    def flusher(self) -> Callable[[], object]:
        """Return a function that empties the soft TLB, with everything prepared."""
        # A partial spares the Python function, a quarter of the cost.
        return partial(self._ctl, c_void_p(self.handle), _ctl(*_CTL_TLB_FLUSH))

    def page_flusher(self, cpu: int) -> Callable[[int], object] | None:
        """Return a function that forgets the translation of the page at a virtual address.

        ``cpu`` is unicorn's CPU object.  The function is none of unicorn's interface, but its
        library exports it; None where it does not.
        """
        try:
            function = self.library["tlb_flush_page_riscv64"]
        except AttributeError:
            return None
        function.argtypes = (c_void_p, c_uint64)
        function.restype = None
        return partial(function, c_void_p(cpu))

    def host_clock(self) -> int:
        """Return the address of a function that returns the host's monotonic clock in ns; or 0.

        It is none of unicorn's interface, but its library exports it.
        """
        try:
            function = self.library["cpu_get_clock_riscv64"]
        except AttributeError:
            return 0
        return ctypes.cast(function, c_void_p).value or 0

    def remove_code(self, start: int, end: int) -> None:
        """Drop the translations of virtual addresses ``start`` to ``end`` (within a page)."""
        self._control(_CTL_TB_REMOVE_CACHE, c_uint64(start), c_uint64(end))

    def forget_code(self) -> None:
        """Drop all translations."""
        self._control(_CTL_TB_FLUSH)

    def context_size(self) -> int:
        """Return the size of a saved CPU context, in bytes; `layout` recognises it."""
        function = self.library["uc_context_size"]
        function.argtypes = (c_void_p,)
        function.restype = c_size_t
        return int(function(self.handle))

    def close(self) -> None:
        """Free the engine; it must not be running."""
        if self.handle:
            self._function("uc_close", c_void_p)(self.handle)
            self.handle = 0
            self._keep.clear()
