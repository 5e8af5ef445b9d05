"""Calls that only RISC-V has: what the processor can do (riscv_hwprobe(2))."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.errno import EINVAL
from ..hwprobe import MASKS, probe
from ._declare import syscall
from ._types import Ptr, Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_PAIR: Final = Struct("<qQ")  #: struct riscv_hwprobe
_WHICH_CPUS: Final = 1  #: RISCV_HWPROBE_WHICH_CPUS


def _values(t: Thread) -> dict[int, int]:
    return probe(t.kernel.arch, t.mm.layout.user_top)


@syscall()
def riscv_hwprobe(
    t: Thread, pairs: Ptr, count: Size, cpu_size: Size, cpus: Ptr, flags: UInt
) -> None:
    """riscv_hwprobe(2) (Documentation/arch/riscv/hwprobe.rst); there is one processor."""
    if flags & ~_WHICH_CPUS:
        raise EINVAL
    if flags:
        _which_cpus(t, pairs, count, cpu_size, cpus)
        return
    if cpu_size or cpus:
        wanted = t.mm.read(cpus, min(cpu_size, 8))
        if not wanted or not wanted[0] & 1:  # no processor that there is
            raise EINVAL
    known = _values(t)
    for index in range(count):
        at = pairs + index * _PAIR.size
        key = t.mm.read_i64(at)
        t.mm.write(at, _PAIR.pack(key, known[key]) if key in known else _PAIR.pack(-1, 0))


def _which_cpus(t: Thread, pairs: int, count: int, cpu_size: int, cpus: int) -> None:
    """Leave the processors in the set that have all values."""
    if not cpu_size or not cpus:
        raise EINVAL
    wanted = t.mm.read(cpus, min(cpu_size, 8))
    known = _values(t)
    fits = wanted[0] & 1 or not any(wanted)  # an empty set asks about all
    for index in range(count):
        at = pairs + index * _PAIR.size
        key, value = _PAIR.unpack(t.mm.read(at, _PAIR.size))
        if key not in known:
            t.mm.write(at, _PAIR.pack(-1, 0))
            fits = 0
        elif key in MASKS:
            fits = fits and known[key] & value == value
        else:
            fits = fits and known[key] == value
    t.mm.write(cpus, bytes([bool(fits)]).ljust(len(wanted), b"\0"))
