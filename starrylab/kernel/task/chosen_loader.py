"""Programs that somebody else loads (design document 6.2; labs bind theirs).

The kernel finds the file and decides who may run it, as always.  Static programs for fixed
addresses are then read, mapped and given their first stack by a `ProgramLoader`; dynamic and
position-independent ones stay the kernel's own business.  What the loader answers is verified.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from ...abi import elf as elf_abi
from ...abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE
from ...abi.resource import RLIMIT_STACK
from ...machine.api import EXEC, READ, WRITE
from .auxv import auxv_of, identity

if TYPE_CHECKING:
    from ..mm.space import AddressSpace
    from ..thread import Thread
    from . import elf
    from .cred import Credentials

_FLAGS: Final = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
_PROTECTION: Final = ((elf_abi.PF_R, READ), (elf_abi.PF_W, WRITE), (elf_abi.PF_X, EXEC))

Auxv = list[tuple[int, int]]


class BadLoader(Exception):
    """A loader's answer is impossible: a bug that ends the kernel."""


class ProgramLoader(Protocol):
    """From an executable file to a program that can start; all may raise ``LinuxError``."""

    def parse(self, data: bytes) -> Any:
        """Return what the file says: ``entry``, ``headers_at`` and ``header_count`` at least."""
        ...

    def load(self, memory: Loading, data: bytes, program: Any) -> object:
        """Map and fill the program's memory."""
        ...

    def build_stack(
        self, top: int, argv: list[bytes], envp: list[bytes], auxv: Auxv, random: bytes
    ) -> tuple[int, bytes]:
        """Return the stack pointer, and what lies from there up to ``top``."""
        ...


class Loading:
    """What a loader may do: map pages, and fill them before their permissions are in force."""

    def __init__(self, space: AddressSpace) -> None:
        self.space = space
        self._made: list[tuple[int, int, int]] = []

    def map(self, start: int, end: int, flags: int) -> None:
        """Promise the pages from ``start`` to ``end``; ``flags`` are PF_R, PF_W, PF_X."""
        self.space.map(start, end - start, READ | WRITE, _FLAGS)
        self._made.append((start, end, flags))

    def write(self, addr: int, content: bytes) -> None:
        """Fill pages that were mapped; raise ``EFAULT`` where there are none."""
        self.space.write(addr, content)

    def seal(self) -> None:
        """Let the permissions be what `map` was told."""
        for start, end, flags in self._made:
            self.space.protect(start, end - start, _protection(flags))

    def areas(self) -> list[list[int]]:
        """Return start, end and PF_* flags of what was mapped, by address."""
        return sorted([start, end, flags] for start, end, flags in self._made)

    def read(self, addr: int, size: int) -> bytes:
        """Return what is there, up to the first address where nothing is."""
        return self.space.read_partial(addr, size)


def _protection(flags: int) -> int:
    return sum(bit for flag, bit in _PROTECTION if flags & flag)


class ChosenLoader:
    """Asks a `ProgramLoader`, and verifies what it says."""

    def __init__(self, loader: ProgramLoader) -> None:
        self._loader = loader

    def serves(self, image: elf.Image) -> bool:
        """Tell whether a program is for the loader."""
        return not image.movable and image.interpreter is None

    def start(
        self, thread: Thread, space: AddressSpace, data: bytes, argv: list[bytes],
        envp: list[bytes], cred: Credentials, executable_stack: bool,
    ) -> tuple[int, int]:  # fmt: skip
        """Load the program ``data`` into ``space``; return its first pc and stack pointer.

        Raises `BadLoader`, and what the loader raises.
        """
        kernel = thread.kernel
        entry, headers_at, header_count = self._map(space, data)
        vdso = kernel.vdso.map_into(space)
        space.map_stack(thread.process.limits.soft(RLIMIT_STACK), executable_stack)
        auxv = auxv_of(kernel, vdso, headers_at, header_count, 0, entry) + identity(thread, cred)
        return entry, self._stack(space, argv, envp, auxv, kernel.random(16))

    def _map(self, space: AddressSpace, data: bytes) -> tuple[int, int, int]:
        """Return the program's entry, and address and number of its program headers."""
        loading = Loading(space)
        program = self._loader.parse(data)
        self._loader.load(loading, data, program)
        loading.seal()
        areas = loading.areas()
        if not areas:
            raise BadLoader("load() mapped nothing")
        space.set_brk_start(max(end for _, end, _ in areas))
        return program.entry, program.headers_at, program.header_count

    def _stack(
        self, space: AddressSpace, argv: list[bytes], envp: list[bytes], auxv: Auxv, random: bytes
    ) -> int:
        top = space.layout.stack_top
        sp, block = self._loader.build_stack(top, list(argv), list(envp), auxv, random)
        if sp % 16 or sp + len(block) != top:
            raise BadLoader(
                f"build_stack() answered {sp:#x} and {len(block)} bytes; the stack pointer has to"
                f" be a multiple of 16, and the bytes have to end at {top:#x}"
            )
        space.write(sp, block)
        _note(space, sp, block, len(argv), len(envp))
        return sp


def _note(space: AddressSpace, sp: int, block: bytes, argc: int, envc: int) -> None:
    """Tell /proc where arguments and environment lie, if they are where they should be."""
    words = struct.unpack_from(f"<{len(block) // 8}Q", block)
    texts = (words[1 : 1 + argc], words[2 + argc : 2 + argc + envc])
    vector = block[8 * (3 + argc + envc) :]
    pairs = struct.iter_unpack("<QQ", vector[: len(vector) & ~15])
    auxv = bytearray()
    for kind, value in pairs:
        auxv += struct.pack("<QQ", kind, value)
        if kind == elf_abi.AT_NULL:
            break
    args, env = (_extent(sp, block, pointers) for pointers in texts)
    space.note_arguments(*args, *env, bytes(auxv))


def _extent(sp: int, block: bytes, pointers: Sequence[int]) -> tuple[int, int]:
    """Return where strings begin and end that lie one behind the other."""
    if not pointers or not all(0 <= pointer - sp < len(block) for pointer in pointers):
        return 0, 0
    last = max(pointers)
    end = block.find(b"\0", last - sp)
    return min(pointers), (sp + end + 1 if end >= 0 else last)
