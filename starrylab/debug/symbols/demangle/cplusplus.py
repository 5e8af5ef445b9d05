"""C++ names, by the demangler of the host's own C++ runtime.

``abi::__cxa_demangle`` (Itanium C++ ABI, section 3.4) is in every C++ run-time library, and it is
the code behind c++filt. Where the host has no such library, names stay as they are.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Final

#: Where ``__cxa_demangle`` is found; the first that loads is taken.
_LIBRARIES: Final = ("libstdc++.so.6", "libc++abi.so.1", "libc++.so.1", "libc++abi.dylib")
_LONGEST: Final = 16 << 10  #: bytes; the demangler recurses, so no hostile name gets far into it


def demangle_cplusplus(name: str) -> str | None:
    """Return the demangled ``name``, None when it is no C++ name or nothing here can read it."""
    functions = _functions()
    if functions is None or len(name) > _LONGEST:
        return None
    demangle, free = functions
    status = ctypes.c_int()
    found = demangle(name.encode("utf-8", "replace"), None, None, ctypes.byref(status))
    if not found:
        return None
    try:
        return ctypes.string_at(found).decode("utf-8", "replace")
    finally:
        free(found)


@cache
def _functions() -> tuple[Callable[..., int | None], Callable[..., None]] | None:
    """Return ``__cxa_demangle`` and ``free``; None where there is no C++ runtime."""
    for name in _LIBRARIES:
        try:
            demangle = getattr(ctypes.CDLL(name), "__cxa_demangle")
            free = ctypes.CDLL(None).free
        except (OSError, AttributeError):
            continue
        demangle.restype = ctypes.c_void_p
        demangle.argtypes = [ctypes.c_char_p, *[ctypes.c_void_p] * 3]
        free.restype, free.argtypes = None, [ctypes.c_void_p]
        return demangle, free
    return None
