"""``struct perf_event_attr``: what a program wants to be counted, and to be told of."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ...abi import perf
from ...abi.arch.perf_registers import PERF_REGISTERS
from ...abi.errno import E2BIG, EFAULT, EINVAL

if TYPE_CHECKING:
    from ...abi.numbers import Arch
    from ..mm.space import AddressSpace

_PAGE: Final = 4096
_SIZE_AT: Final = 4  #: where the structure says how long it is
_LOWEST_SIGN: Final = 1 << 63
_STACK_MOST: Final = 0xFFFF
_BRANCH_KNOWN: Final = (1 << 20) - 1
_BRANCH_LEVELS: Final = 7
#: records that are never written, which perf(1) does without
_UNTOLD: Final = (
    perf.NAMESPACES | perf.BPF_EVENT | perf.BUILD_ID | perf.DEFER_CALLCHAIN | perf.DEFER_OUTPUT
)


@dataclass(frozen=True, slots=True)
class PerfAttr:
    """The fields of the structure, in its order; see perf_event_open(2)."""

    type: int
    size: int
    config: int
    sample_period: int  #: events, or a frequency in hertz
    sample_type: int
    read_format: int
    flags: int
    wakeup: int  #: wakeup_events, or wakeup_watermark in bytes
    bp_type: int
    config1: int
    config2: int
    branch_sample_type: int
    sample_regs_user: int
    sample_stack_user: int  #: bytes
    clockid: int
    sample_regs_intr: int
    aux_watermark: int
    sample_max_stack: int
    reserved_2: int
    aux_sample_size: int
    reserved_3: int
    sig_data: int
    config3: int
    config4: int

    def has(self, flag: int) -> bool:
        """Whether a bit field is set."""
        return bool(self.flags & flag)

    @property
    def sampling(self) -> bool:
        """Whether samples are wanted at all."""
        return self.sample_period != 0

    def without(self, flag: int) -> PerfAttr:
        """Return these attributes with a bit field cleared."""
        return replace(self, flags=self.flags & ~flag)


def read_attr(mm: AddressSpace, addr: int, arch: Arch, max_stack: int) -> PerfAttr:
    """Return the attributes at ``addr`` in user memory (``perf_copy_attr``).

    Raises ``EFAULT``, ``E2BIG`` (with the size that is known written back), ``EINVAL``.
    """
    size = int.from_bytes(mm.read(addr + _SIZE_AT, 4), "little") or perf.ATTR_SIZE_VER0
    if not perf.ATTR_SIZE_VER0 <= size <= _PAGE:
        raise _too_long(mm, addr)
    data = mm.read(addr, size)
    if any(data[perf.ATTR_SIZE :]):
        raise _too_long(mm, addr)
    fields = perf.ATTR.unpack(data[: perf.ATTR_SIZE].ljust(perf.ATTR_SIZE, b"\0"))
    attr = replace(PerfAttr(*fields), size=size)
    _check(attr, arch)
    if not attr.sample_max_stack:
        attr = replace(attr, sample_max_stack=max_stack)
    return attr


def _too_long(mm: AddressSpace, addr: int) -> E2BIG:
    with suppress(EFAULT):  # put_user()'s own failure is not told either
        mm.write_u32(addr + _SIZE_AT, perf.ATTR_SIZE)
    return E2BIG()


def _check(attr: PerfAttr, arch: Arch) -> None:
    """Raise ``EINVAL`` for what contradicts itself, in the order of ``perf_copy_attr``."""
    if attr.flags & ~perf.FLAGS_KNOWN or attr.reserved_2 or attr.reserved_3 & ~7:
        raise EINVAL
    if attr.sample_type & ~perf.SAMPLE_KNOWN or attr.read_format & ~perf.FORMAT_KNOWN:
        raise EINVAL
    if attr.sample_type & perf.SAMPLE_BRANCH_STACK:
        mask = attr.branch_sample_type
        if mask & ~_BRANCH_KNOWN or not mask & ~_BRANCH_LEVELS:
            raise EINVAL
    registers = (1 << len(PERF_REGISTERS[arch].words)) - 1
    for bit, mask in (
        (perf.SAMPLE_REGS_USER, attr.sample_regs_user),
        (perf.SAMPLE_REGS_INTR, attr.sample_regs_intr),
    ):
        if attr.sample_type & bit and (not mask or mask & ~registers):
            raise EINVAL
    if attr.sample_type & perf.SAMPLE_STACK_USER and (
        attr.sample_stack_user >= _STACK_MOST or attr.sample_stack_user & 7
    ):
        raise EINVAL
    weights = perf.SAMPLE_WEIGHT | perf.SAMPLE_WEIGHT_STRUCT
    if attr.sample_type & weights == weights or attr.sample_type & perf.SAMPLE_CGROUP:
        raise EINVAL  # the latter without CONFIG_CGROUP_PERF
    _check_flags(attr)


def _check_flags(attr: PerfAttr) -> None:
    if attr.has(_UNTOLD):  # as a Linux that does not know them yet
        raise EINVAL
    if attr.has(perf.INHERIT_THREAD) and not attr.has(perf.INHERIT):
        raise EINVAL
    if attr.has(perf.REMOVE_ON_EXEC) and attr.has(perf.ENABLE_ON_EXEC):
        raise EINVAL
    if attr.has(perf.SIGTRAP) and not attr.has(perf.REMOVE_ON_EXEC):
        raise EINVAL


def check_rate(attr: PerfAttr, most: int) -> None:
    """Raise ``EINVAL`` for more samples a second than ``most``, or a negative period."""
    if attr.has(perf.FREQ):
        if attr.sample_period > most:
            raise EINVAL
    elif attr.sample_period & _LOWEST_SIGN:
        raise EINVAL
