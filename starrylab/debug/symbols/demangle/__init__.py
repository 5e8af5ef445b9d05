"""Linker names as the source spells them: C++ (Itanium ABI), Rust (legacy and v0).

Go's and C's names are what they are. A name that is not mangled, or in a way that nobody here
understands, is returned unchanged.
"""

from __future__ import annotations

from .cplusplus import demangle_cplusplus
from .rust import demangle_legacy
from .rust_v0 import demangle_v0

__all__ = ["demangle"]


def demangle(name: str) -> str:
    """Return ``name`` as a programmer writes it; Rust's hashes are left out."""
    if name.startswith("_R"):
        return demangle_v0(name) or name
    if name.startswith(("_ZN", "__ZN")) and "17h" in name:
        rust = demangle_legacy(name)
        if rust is not None:
            return rust
    if name.startswith(("_Z", "__Z", "___Z")):
        base, at, version = name.partition("@")  # of the dynamic linker: memcpy@@GLIBC_2.27
        full = demangle_cplusplus(base)
        return full + at + version if full else name
    return name
