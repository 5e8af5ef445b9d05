"""Names of procedure linkage table entries: ``qsort@plt``.

An entry has no symbol.  What tells its name is the slot of .got.plt that it jumps through: the
relocation of that slot names the symbol.  Linkers write entries and relocations in one order
(psABI, "Program linkage table"), so the n-th entry belongs to the n-th relocation.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .symbols.image import ImageError, string_at

if TYPE_CHECKING:
    from .symbols.image import ElfImage

_RELOCATION: Final = struct.Struct("<QQq")  #: Elf64_Rela
_SYMBOL: Final = 24  #: sizeof(Elf64_Sym)
#: bytes of an entry; the header in front takes what is left
_ENTRY: Final = 16


def stub_name(image: ElfImage, addr: int, function_at: Callable[[int], str]) -> str:
    """Return the name of the entry at ``addr``, an address of the file; "" if it has none.

    ``function_at`` names the function at an address of the file.
    """
    try:
        table = image.section_table.get(".plt")
        if table is None or not table.address <= addr < table.address + table.size:
            return ""
        relocations = image.section(".rela.plt")
        symbols, strings = image.section(".dynsym"), image.section(".dynstr")
    except ImageError:
        return ""
    if relocations is None or symbols is None or strings is None:
        return ""
    count = len(relocations) // _RELOCATION.size
    index = (addr - table.address - (table.size - count * _ENTRY)) // _ENTRY
    if not 0 <= index < count:
        return ""
    _, info, addend = _RELOCATION.unpack_from(relocations, index * _RELOCATION.size)
    at = (info >> 32) * _SYMBOL
    if info >> 32 and at + _SYMBOL <= len(symbols):
        name = string_at(strings, int.from_bytes(symbols[at : at + 4], "little"))
    else:  # an indirect function: the addend is what chooses it, a symbol of the same name
        name = function_at(addend)
    return f"{name}@plt" if name else ""
