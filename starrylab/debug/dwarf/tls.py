"""Where thread-local variables are (ELF Handling For Thread-Local Storage, variant I).

A program's own block follows the thread pointer.  Where a library has its block is said by what the
loader wrote into the library's global offset table: either a distance from the thread pointer, or
the library's number, by which the thread's dynamic thread vector names the block.  So no knowledge
of the loader's private structures is needed, and it holds for glibc and musl.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi import elf
from ...abi.arch.tls import MUSL_VECTOR, TLS, TlsLayout
from ...abi.numbers import Arch
from ..symbols.image import ElfImage
from .errors import Unavailable
from .frame import Memory

if TYPE_CHECKING:
    from .frame import FrameState
    from .module import ModuleData

_WORD: Final = struct.Struct("<Q")
_RELOCATION: Final = struct.Struct("<QQq")  #: Elf64_Rela
_SYMBOL: Final = struct.Struct("<IBBHQQ")  #: Elf64_Sym
_RELOCATIONS: Final = (".rela.dyn", ".rela.plt")
_MUSL: Final = b"ld-musl"
_UNALLOCATED: Final = (1 << 64) - 1  #: glibc's TLS_DTV_UNALLOCATED
_MASK: Final = (1 << 64) - 1
_MOST_MODULES: Final = 1 << 16


class Slot(NamedTuple):
    """A word of a library's global offset table that the loader fills in."""

    address: int  #: the file's
    counted: bool  #: whether it becomes the module's number, not a distance
    distance: int  #: bytes from the start of the module's block that a distance includes


class Tls:
    """The thread-local storage of one process; ``images`` are the files that it maps."""

    def __init__(self, arch: Arch, images: Callable[[], Iterable[ElfImage]]) -> None:
        self._layout = TLS[arch]
        self._images = images

    def address(self, module: ModuleData, frame: FrameState, offset: int) -> int:
        """Return the run-time address of an offset in a module's block; raise `Unavailable`."""
        pointer = frame.register(self._layout.pointer)
        if module.data.is_executable:
            return program_block(module.data.image, self._layout, pointer) + offset
        musl = uses_musl(self._images())
        image, layout = module.data.image, self._layout
        return library_block(image, module.bias, layout, pointer, frame.memory, musl=musl) + offset


def uses_musl(images: Iterable[ElfImage]) -> bool:
    """Tell whether the program among these files asks for musl's loader."""
    return any(
        _MUSL in image.data[segment.offset : segment.offset + segment.filesz].tobytes()
        for image in images
        for segment in image.all_segments
        if segment.type == elf.PT_INTERP
    )


def program_block(image: ElfImage, layout: TlsLayout, pointer: int) -> int:
    """Return where the thread has the program's own block."""
    wanted = max((each.align for each in image.all_segments if each.type == elf.PT_TLS), default=1)
    return pointer + -(-layout.gap // max(wanted, 1)) * max(wanted, 1)


def slots(image: ElfImage, layout: TlsLayout) -> Iterator[Slot]:
    """Yield the words that tell of the library's own block."""
    symbols = image.section(".dynsym")
    for name in _RELOCATIONS:
        content = image.section(name) or memoryview(b"")
        rows = content[: len(content) // _RELOCATION.size * _RELOCATION.size]
        for address, info, addend in _RELOCATION.iter_unpack(rows):
            kind, number = info & 0xFFFFFFFF, info >> 32
            if kind not in (layout.module, layout.offset):
                continue
            value = _own(symbols, number)
            if value is not None:
                yield Slot(address, kind == layout.module, value + addend)


def _own(symbols: memoryview | None, number: int) -> int | None:
    """Return a symbol's place in the library's block; None for another module's symbol."""
    if number == 0:
        return 0
    at = number * _SYMBOL.size
    if symbols is None or at + _SYMBOL.size > len(symbols):
        return None
    _, _, _, section, value, _ = _SYMBOL.unpack_from(symbols, at)
    return int(value) if section else None


def library_block(
    image: ElfImage, bias: int, layout: TlsLayout, pointer: int, memory: Memory, *, musl: bool
) -> int:
    """Return where the thread has the block of a library loaded at ``bias``.

    Raises `Unavailable` when the library's relocations do not tell, or the thread has no block yet.
    """

    def word(address: int) -> int:
        return int(_WORD.unpack(memory.read(address & _MASK, _WORD.size))[0])

    for slot in slots(image, layout):
        value = word(slot.address + bias)
        if not slot.counted:
            return pointer + value - slot.distance & _MASK
        if 0 < value < _MOST_MODULES:
            return _from_vector(word, value, layout, pointer, musl=musl)
    raise Unavailable(f"{image.path} does not say where its thread-local storage is")


def _from_vector(
    word: Callable[[int], int], number: int, layout: TlsLayout, pointer: int, *, musl: bool
) -> int:
    """Return the block of a module by its number, from the thread's vector."""
    vector = word(pointer + (MUSL_VECTOR if musl else layout.glibc_vector))
    size = 8 if musl else 16  # glibc's entries have a second word, what to free
    known = word(vector) if musl else word(vector - size)  # how many there are
    block = word(vector + size * number) if number <= known else 0
    if block in (0, _UNALLOCATED):
        raise Unavailable("this thread has not used this library's thread-local storage yet")
    return block - (layout.musl_bias if musl else 0)
