"""By which key a page's content is known to a board and to its host."""

from __future__ import annotations

from hashlib import blake2b


def page_key(page: bytes) -> int:
    """Return the key of a page's content: 64 bits of BLAKE2b, never 0."""
    return int.from_bytes(blake2b(page, digest_size=8).digest(), "little") or 1
