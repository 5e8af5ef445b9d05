"""Linker names as the source spells them: C++ (Itanium ABI), Rust (legacy and v0).

Go's and C's names are what they are. A name that is not mangled, or in a way that nobody here
understands, is returned unchanged.
"""

from __future__ import annotations

__all__ = ["demangle"]


def demangle(name: str) -> str:
    """Return ``name`` as a programmer writes it; Rust's hashes are left out."""
    if name.startswith("_R"):
        from .rust_v0 import demangle_v0  # each grammar is loaded for the first name that has it

        return demangle_v0(name) or name
    if name.startswith(("_ZN", "__ZN")) and "17h" in name:
        from .rust import demangle_legacy

        rust = demangle_legacy(name)
        if rust is not None:
            return rust
    if name.startswith(("_Z", "__Z", "___Z")):
        from .cplusplus import demangle_cplusplus

        base, at, version = name.partition("@")  # of the dynamic linker: memcpy@@GLIBC_2.27
        full = demangle_cplusplus(base)
        return full + at + version if full else name
    return name
