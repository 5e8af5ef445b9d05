"""File handles (name_to_handle_at(2)), as strace(1) shows them."""

from __future__ import annotations

from ...abi.handles import FILE_HANDLE, MAX_HANDLE_SZ
from .view import View, pointer


def handle(view: View, value: int, index: int) -> str:
    """Show a ``struct file_handle``."""
    fields = view.unpack(FILE_HANDLE, value) if value else None
    if fields is None:
        return pointer(value)
    size, kind = fields
    data = view.read(value + FILE_HANDLE.size, min(size, MAX_HANDLE_SZ))
    return f"{{handle_bytes={size}, handle_type={kind:#x}, f_handle=0x{data.hex()}}}"
