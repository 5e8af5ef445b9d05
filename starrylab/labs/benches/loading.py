"""An address space for a student's program loader, and a first process started with it."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from ...abi import elf
from ...abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE
from ...kernel import boot
from ...kernel.kernel import Kernel
from ...kernel.mm.space import AddressSpace
from ...kernel.thread import Thread
from ...machine.api import EXEC, READ, WRITE

_FLAGS: Final = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
_STACK: Final = 256 << 10  #: bytes
_PHDR_SIZE: Final = 56


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
            self.space.protect(start, end - start, _prot(flags))

    def areas(self) -> list[list[int]]:
        """Return start, end and PF_* flags of what was mapped, by address."""
        return sorted([start, end, flags] for start, end, flags in self._made)

    def read(self, addr: int, size: int) -> bytes:
        """Return what is there, up to the first address where nothing is."""
        return self.space.read_partial(addr, size)


def _prot(flags: int) -> int:
    pairs = ((elf.PF_R, READ), (elf.PF_W, WRITE), (elf.PF_X, EXEC))
    return sum(bit for flag, bit in pairs if flags & flag)


def start_with(loader: ModuleType, kernel: Kernel, config: boot.BootConfig, data: bytes) -> Thread:
    """Make the first process of the program ``data`` as the student's ``loader`` says."""
    thread = boot.first_thread(kernel, config)
    space = thread.mm
    loading = Loading(space)
    top = space.layout.stack_top
    program = loader.parse(data)
    loader.load(loading, data, program)
    loading.map(top - _STACK, top, elf.PF_R | elf.PF_W)
    auxv = [
        (elf.AT_PAGESZ, 4096),
        (elf.AT_PHDR, program.headers_at),
        (elf.AT_PHENT, _PHDR_SIZE),
        (elf.AT_PHNUM, program.header_count),
        (elf.AT_ENTRY, program.entry),
    ]
    argv, envp = list(config.argv), list(config.env)
    sp, block = loader.build_stack(top, argv, envp, auxv, kernel.random(16))
    loading.write(sp, block)
    loading.seal()
    kernel.vdso.map_into(space)
    space.set_brk_start(max(end for _, end, _ in loading.areas() if end < top))
    kernel.executor.enqueue(thread)
    thread.context.clear(program.entry, sp)
    return thread
