"""Calls of io_uring as strace(1) shows them."""

from __future__ import annotations

from typing import Final

from ...abi import uring
from .constants import Flags, named
from .view import View, pointer

_SETUP: Final = Flags(named(uring, "IORING_SETUP_"))
_FEATURES: Final = Flags(named(uring, "IORING_FEAT_"))
_ENTER: Final = Flags(named(uring, "IORING_ENTER_"))
_REGISTER: Final = named(
    uring, "IORING_REGISTER_", "IORING_UNREGISTER_",
    without=("IORING_REGISTER_FILES_SKIP", "IORING_REGISTER_SRC", "IORING_REGISTER_DST",
             "IORING_REGISTER_USE"),
)  # fmt: skip
_USE: Final = uring.IORING_REGISTER_USE_REGISTERED_RING


def params(view: View, value: int, index: int) -> str:
    """Show a struct io_uring_params, as the kernel has filled it in."""
    fields = view.unpack(uring.PARAMS, value) if value else None
    if fields is None:
        return pointer(value)
    entries, completions, flags, processor, idle, features, attach = fields
    words = [f"flags={_SETUP.text(flags)}"]
    if flags & uring.IORING_SETUP_SQPOLL:
        words += [f"sq_thread_cpu={processor}", f"sq_thread_idle={idle}"]
    if flags & uring.IORING_SETUP_ATTACH_WQ:
        words.append(f"wq_fd={attach}")
    words += [f"sq_entries={entries}", f"cq_entries={completions}"]
    return f"{{{', '.join(words)}, features={_FEATURES.text(features)}, ...}}"


def enter_flags(view: View, value: int, index: int) -> str:
    """Show the flags of io_uring_enter(2)."""
    return _ENTER.text(value)


def operation(view: View, value: int, index: int) -> str:
    """Show what io_uring_register(2) is to do."""
    name = _REGISTER.get(value & ~_USE, f"{value & ~_USE:#x}")
    return f"IORING_REGISTER_USE_REGISTERED_RING|{name}" if value & _USE else name
