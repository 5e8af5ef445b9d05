"""The functions that allocate and release memory, by their linker names.

Sources: malloc(3), posix_memalign(3), and the Itanium C++ ABI's names of ``operator new`` and
``operator delete`` (C++20, 17.6.3).  What calls them needs no entry; strdup(3) has one because a
C library may have malloc inlined in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

Words = Sequence[int]  #: the first arguments


class Family(Enum):
    """What has to release a block; the value is how a report calls it."""

    MALLOC = "malloc"
    NEW = "new"
    NEW_ARRAY = "new[]"


RELEASED_BY: Final = {
    Family.MALLOC: "free",
    Family.NEW: "delete",
    Family.NEW_ARRAY: "delete[]",
}


@dataclass(frozen=True, slots=True)
class Function:
    """What a function of an allocator does with its arguments."""

    name: str
    family: Family
    size: Callable[[Words], int] | None = None  #: bytes asked for; None: it only releases
    releases: bool = False  #: argument 0 is a block, which is gone afterwards
    stores: bool = False  #: the result is an error number, the block is at ``*argument 0``
    copies: bool = False  #: the block is as long as the string that is in it


_SIZE: Final = (1 << 64) - 1


def _first(words: Words) -> int:
    return words[0]


def _second(words: Words) -> int:
    return words[1]


def _unknown(_words: Words) -> int:
    return 0


def _third(words: Words) -> int:
    return words[2]


def _product(words: Words) -> int:
    return words[0] * words[1] & _SIZE


def _later_product(words: Words) -> int:
    return words[1] * words[2] & _SIZE


_C: Final = Family.MALLOC
_FUNCTIONS: Final = (
    Function("malloc", _C, _first),
    Function("calloc", _C, _product),
    Function("realloc", _C, _second, releases=True),
    Function("reallocarray", _C, _later_product, releases=True),
    Function("memalign", _C, _second),
    Function("aligned_alloc", _C, _second),
    Function("posix_memalign", _C, _third, stores=True),
    Function("valloc", _C, _first),
    Function("pvalloc", _C, _first),
    *(
        Function(name, _C, _unknown, copies=True)
        for name in ("strdup", "strndup", "__strdup", "__strndup")
    ),
    Function("free", _C, releases=True),
    Function("cfree", _C, releases=True),
)
#: After ``_Znw`` and ``_Zna``: size_t is m, std::align_val_t and std::nothrow_t have long names.
_NEW: Final = (
    "m", "mRKSt9nothrow_t", "mSt11align_val_t", "mSt11align_val_tRKSt9nothrow_t",
)  # fmt: skip
#: After ``_Zdl`` and ``_Zda``.
_DELETE: Final = (
    "Pv", "Pvm", "PvRKSt9nothrow_t", "PvSt11align_val_t", "PvmSt11align_val_t",
    "PvSt11align_val_tRKSt9nothrow_t",
)  # fmt: skip


def _operators() -> list[Function]:
    found = []
    for family, new, delete in (
        (Family.NEW, "_Znw", "_Zdl"),
        (Family.NEW_ARRAY, "_Zna", "_Zda"),
    ):
        found += [Function(new + rest, family, _first) for rest in _NEW]
        found += [Function(delete + rest, family, releases=True) for rest in _DELETE]
    return found


FUNCTIONS: Final[tuple[Function, ...]] = (*_FUNCTIONS, *_operators())
