"""Addresses for the kernel's own functions, so that samples can name them (/proc/kallsyms).

The kernel is no machine code, so nothing lies at these addresses.  Each system call has one, and
so has each other place where events come from: a sample that is taken there says which it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ...abi import numbers

if TYPE_CHECKING:
    from ...abi.numbers import Arch

TEXT: Final = 0xFFFF_FFFF_8000_0000
_SIZE: Final = 16  #: bytes of the address space that each function gets
_CALLS: Final = 0x1000  #: where system calls begin

_OTHERS: Final = (
    "_text", "_stext", "schedule", "handle_mm_fault", "do_signal", "do_exit", "begin_new_exec",
    "kernel_clone", "try_to_wake_up",
)  # fmt: skip
_OTHER_AT: Final = {name: TEXT + _SIZE * max(0, at - 1) for at, name in enumerate(_OTHERS)}

SCHEDULE: Final = _OTHER_AT["schedule"]
PAGE_FAULT: Final = _OTHER_AT["handle_mm_fault"]
SIGNAL: Final = _OTHER_AT["do_signal"]
EXIT: Final = _OTHER_AT["do_exit"]
EXEC: Final = _OTHER_AT["begin_new_exec"]
CLONE: Final = _OTHER_AT["kernel_clone"]
WAKE: Final = _OTHER_AT["try_to_wake_up"]


def call_address(number: int) -> int:
    """Return the address of what serves a system call."""
    return TEXT + _CALLS + _SIZE * (number & 0x1FF)


def listed(arch: Arch) -> Iterator[tuple[int, str]]:
    """Yield address and name of each function, lowest first."""
    yield from ((address, name) for name, address in _OTHER_AT.items())
    for number, name in sorted(numbers.names(arch).items()):
        yield call_address(number), f"__do_sys_{name}"
    yield TEXT + 2 * _CALLS + _SIZE * 0x100, "_etext"
