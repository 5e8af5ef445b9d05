"""The vDSO: a shared object that the kernel maps into every program (vdso(7)).

Programs read their clocks in it without a system call, where the CPU has a counter of the kernel's
own time: ``[vvar]``, the page below, says how far each clock is ahead of the counter.  Signal
handlers return to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from ..abi.arch import ARCHES
from ..abi.arch.layout import MCONTEXT_OFFSET
from ..abi.arch.unwinding import UNWINDING
from ..abi.numbers import Arch
from ..abi.vdso import N_CLOCKS, N_PROBES, PROBES, VDSO, VVAR
from ..image.frame_info import Registers
from ..image.shared_object import Entry, SharedObject, Unwinding, write
from ..machine.api import PAGE_SIZE
from .mm.frames import MemoryKind

if TYPE_CHECKING:
    from .mm.frames import FrameAllocator
    from .mm.space import AddressSpace

_SONAME: Final = "linux-vdso.so.1"
_WORD: Final = (1 << 64) - 1


@cache
def image(arch: Arch) -> tuple[bytes, int]:
    """Return the vDSO of ``arch``, and where in it signal handlers return to."""
    vdso, layout, numbers = VDSO[arch], ARCHES[arch], UNWINDING[arch]
    file, text = write(
        SharedObject(
            machine=layout.elf_machine,
            flags=vdso.elf_flags,
            soname=_SONAME,
            version=vdso.version,
            code=vdso.code,
            entries=[Entry(f.name, f.start, f.size) for f in vdso.functions],
            unwinding=Unwinding(
                Registers(numbers.stack_pointer, numbers.return_address),
                vdso.sigreturn,
                vdso.pc_column,
                _saved(arch),
            ),
        )
    )
    return file, text + vdso.start_of(vdso.sigreturn)


def _saved(arch: Arch) -> tuple[tuple[int, int], ...]:
    """Return where a signal frame has each register (DWARF number, bytes from its beginning)."""
    numbers, layout = UNWINDING[arch], ARCHES[arch]
    saved = []
    for word, number in enumerate(numbers.general):
        column = VDSO[arch].pc_column if word == numbers.pc_word else number
        if column > 0:
            saved.append((column, MCONTEXT_OFFSET + 8 * word))
    if numbers.floating:
        at = MCONTEXT_OFFSET + layout.general_size
        size = numbers.floating_size
        saved += [(numbers.floating + n, at + size * n) for n in range(32)]
    return tuple(saved)


class Vdso:
    """The two pages that all programs share."""

    def __init__(self, arch: Arch, frames: FrameAllocator) -> None:
        """Make the pages; no clock can be read in them yet."""
        self.image, self.sigreturn = image(arch)
        if len(self.image) > PAGE_SIZE:
            raise ValueError(f"the vDSO of {arch} is larger than a page")
        self._frames = frames
        self._view = frames.view
        self._silent_frame = 0  #: [vvar] in which no clock can be read
        self.data_frame = frames.alloc_zeroed(MemoryKind.KERNEL_HEAP)  #: [vvar]
        self.code_frame = frames.alloc_zeroed(MemoryKind.KERNEL_HEAP)  #: [vdso]
        self._view[self.code_frame : self.code_frame + len(self.image)] = self.image
        self._sequence = 0
        self._probes = any(f.name.endswith("_hwprobe") for f in VDSO[arch].functions)

    def map_into(self, space: AddressSpace) -> int:
        """Map both pages into a program's space; return the vDSO's address."""
        return space.map_vdso(self.code_frame, self.data_frame, self.sigreturn)

    def hide_clocks(self, space: AddressSpace) -> None:
        """Let the programs in ``space`` ask the kernel for each time, as their clocks differ."""
        if not self._silent_frame:
            self._silent_frame = self._frames.alloc_zeroed(MemoryKind.KERNEL_HEAP)
            probes = slice(VVAR.size, VVAR.size + PROBES.size)
            data, silent = self.data_frame, self._silent_frame
            known = bytes(self._view[data + probes.start : data + probes.stop])
            self._view[silent + probes.start : silent + probes.stop] = known
        space.change_vvar(self._silent_frame)

    def publish(self, ahead: Mapping[int, int], coarse: Mapping[int, int]) -> None:
        """Let programs read clocks: ``ahead`` of the counter, in ns, by clock id.

        ``coarse`` has the resolution of those for which it is not 1 ns; there is only one.  Clocks
        that are not in ``ahead`` are the kernel's alone from now on.
        """
        self._sequence += 2  # who was interrupted while it read begins again
        words = [ahead.get(clock, 0) & _WORD for clock in range(N_CLOCKS)]
        data = VVAR.pack(
            self._sequence & 0xFFFF_FFFF,
            sum(1 << clock for clock in ahead),
            sum(1 << clock for clock in coarse),
            max(coarse.values(), default=0),
            *words,
        )
        self._view[self.data_frame : self.data_frame + len(data)] = data

    def tell_processor(self, known: Mapping[int, int]) -> None:
        """Let programs that ask the vDSO know what the processor can do (riscv_hwprobe(2))."""
        if not self._probes:
            return
        values = [known.get(key, 0) for key in range(N_PROBES)]
        data = PROBES.pack(sum(1 << key for key in known), *values)
        at = self.data_frame + VVAR.size
        self._view[at : at + len(data)] = data
