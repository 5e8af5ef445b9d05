"""Helpers that tell of time, chance and the thread that runs, and that read memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi import bpf as b
from ....abi.errno import EFAULT, EINVAL, LinuxError
from ..maps.stacks import StackTrace
from ..memory import BASE, BadAddress
from .declare import TRACING, Arg, Result, helper
from .errors import failing

if TYPE_CHECKING:
    from ..interpreter import Run

_COMM: Final = 16
_DEEPEST: Final = 127
_HZ: Final = 250
_STACK_FLAGS: Final = b.BPF_F_SKIP_FIELD_MASK | b.BPF_F_USER_STACK


@helper("ktime_get_ns")
def ktime(run: Run) -> int:
    """bpf_ktime_get_ns()."""
    return run.services.monotonic_ns()


@helper("ktime_get_boot_ns")
def ktime_boot(run: Run) -> int:
    """bpf_ktime_get_boot_ns()."""
    return run.services.boottime_ns()


@helper("ktime_get_coarse_ns")
def ktime_coarse(run: Run) -> int:
    """bpf_ktime_get_coarse_ns()."""
    return run.services.monotonic_ns()


@helper("ktime_get_tai_ns")
def ktime_tai(run: Run) -> int:
    """bpf_ktime_get_tai_ns()."""
    return run.services.tai_ns()


@helper("jiffies64")
def jiffies(run: Run) -> int:
    """bpf_jiffies64(): ticks of 4 ms."""
    return run.services.monotonic_ns() * _HZ // 1_000_000_000


@helper("get_prandom_u32")
def prandom(run: Run) -> int:
    """bpf_get_prandom_u32()."""
    return run.services.random()


@helper("get_smp_processor_id")
@helper("get_numa_node_id")
def processor(run: Run) -> int:
    """bpf_get_smp_processor_id(), bpf_get_numa_node_id(): there is one of each."""
    return 0


@helper("get_current_pid_tgid")
def pid_tgid(run: Run) -> int:
    """bpf_get_current_pid_tgid()."""
    task = run.services.task()
    return task.pid << 32 | task.tid


@helper("get_current_uid_gid")
def uid_gid(run: Run) -> int:
    """bpf_get_current_uid_gid()."""
    task = run.services.task()
    return task.gid << 32 | task.uid


@helper("get_current_comm", Arg.OUT_MEMORY, Arg.SIZE)
def comm(run: Run, addr: int, size: int) -> int:
    """bpf_get_current_comm(): padded with zeros."""
    name = run.services.task().comm[: min(size, _COMM) - 1]
    run.memory.write(addr, name.ljust(size, b"\0"))
    return 0


@helper("get_attach_cookie", Arg.CONTEXT, types=TRACING)
def attach_cookie(run: Run, context: int) -> int:
    """bpf_get_attach_cookie()."""
    return run.cookie


@helper("send_signal", Arg.ANYTHING, perfmon=True)
def send_signal(run: Run, number: int) -> int:
    """bpf_send_signal()."""
    return run.services.signal(number & 0xFFFF_FFFF, thread=False)


@helper("send_signal_thread", Arg.ANYTHING, perfmon=True)
def send_signal_thread(run: Run, number: int) -> int:
    """bpf_send_signal_thread()."""
    return run.services.signal(number & 0xFFFF_FFFF, thread=True)


# -- memory ----------------------------------------------------------------------------------


def _kernel(run: Run, addr: int, size: int) -> bytes:
    """Return memory of the kernel: of that, programs know maps and contexts only."""
    try:
        return run.memory.read(addr, size)
    except BadAddress:
        raise EFAULT from None


def _read(run: Run, to: int, size: int, addr: int, *, user: bool) -> int:
    try:
        data = run.services.read_user(addr, size) if user else _kernel(run, addr, size)
    except LinuxError:
        run.memory.write(to, bytes(size))
        return -EFAULT.errno
    run.memory.write(to, data)
    return 0


@helper("probe_read_user", Arg.OUT_MEMORY, Arg.SIZE_OR_ZERO, Arg.ANYTHING, gpl=True, perfmon=True)
def probe_read_user(run: Run, to: int, size: int, addr: int) -> int:
    """bpf_probe_read_user()."""
    return _read(run, to, size, addr, user=True)


@helper("probe_read_kernel", Arg.OUT_MEMORY, Arg.SIZE_OR_ZERO, Arg.ANYTHING, gpl=True, perfmon=True)
def probe_read_kernel(run: Run, to: int, size: int, addr: int) -> int:
    """bpf_probe_read_kernel()."""
    return _read(run, to, size, addr, user=False)


@helper("probe_read", Arg.OUT_MEMORY, Arg.SIZE_OR_ZERO, Arg.ANYTHING, gpl=True, perfmon=True)
def probe_read(run: Run, to: int, size: int, addr: int) -> int:
    """bpf_probe_read(): from a time when one address could be of either."""
    return _read(run, to, size, addr, user=addr < BASE)


def _kernel_text(run: Run, addr: int, limit: int) -> bytes:
    text = b""
    while len(text) < limit:
        byte = _kernel(run, addr + len(text), 1)
        if byte == b"\0":
            break
        text += byte
    return text


def _read_text(run: Run, to: int, size: int, addr: int, *, user: bool) -> int:
    if not size:
        return 0
    try:
        if user:
            text = run.services.read_user_text(addr, size)
        else:
            text = _kernel_text(run, addr, size)
    except LinuxError:
        run.memory.write(to, bytes(size))
        return -EFAULT.errno
    text = text[: size - 1] + b"\0"
    run.memory.write(to, text)
    return len(text)


@helper(
    "probe_read_user_str", Arg.OUT_MEMORY, Arg.SIZE_OR_ZERO, Arg.ANYTHING,
    result=Result.LENGTH, gpl=True, perfmon=True,
)  # fmt: skip
def probe_read_user_text(run: Run, to: int, size: int, addr: int) -> int:
    """bpf_probe_read_user_str(): the length, with the zero at the end."""
    return _read_text(run, to, size, addr, user=True)


@helper(
    "probe_read_kernel_str", Arg.OUT_MEMORY, Arg.SIZE_OR_ZERO, Arg.ANYTHING,
    result=Result.LENGTH, gpl=True, perfmon=True,
)  # fmt: skip
def probe_read_kernel_text(run: Run, to: int, size: int, addr: int) -> int:
    """bpf_probe_read_kernel_str()."""
    return _read_text(run, to, size, addr, user=False)


@helper(
    "probe_write_user", Arg.ANYTHING, Arg.MEMORY, Arg.SIZE, gpl=True, types=TRACING, perfmon=True
)
@failing
def probe_write_user(run: Run, addr: int, data: int, size: int) -> int:
    """bpf_probe_write_user()."""
    run.services.write_user(addr, run.memory.read(data, size))
    return 0


# -- stacks ----------------------------------------------------------------------------------


@helper(
    "probe_read_str", Arg.OUT_MEMORY, Arg.SIZE_OR_ZERO, Arg.ANYTHING,
    result=Result.LENGTH, gpl=True, perfmon=True,
)  # fmt: skip
def probe_read_text(run: Run, to: int, size: int, addr: int) -> int:
    """bpf_probe_read_str()."""
    return _read_text(run, to, size, addr, user=addr < BASE)


def _chain(run: Run, flags: int) -> list[int]:
    """Return a thread's frames: those of the kernel are Python's, and have no addresses."""
    if not flags & b.BPF_F_USER_STACK:
        return []
    return run.services.user_chain(_DEEPEST)


@helper("get_stackid", Arg.CONTEXT, Arg.MAP, Arg.ANYTHING, gpl=True, types=TRACING)
@failing
def get_stackid(run: Run, context: int, handle: int, flags: int) -> int:
    """bpf_get_stackid()."""
    if flags & ~(_STACK_FLAGS | b.BPF_F_FAST_STACK_CMP | b.BPF_F_REUSE_STACKID):
        raise EINVAL
    found = run.handles[handle]
    assert isinstance(found, StackTrace)  # the verifier has looked
    return found.add(_chain(run, flags), flags)


@helper(
    "get_stack", Arg.CONTEXT, Arg.OUT_MEMORY, Arg.SIZE_OR_ZERO, Arg.ANYTHING,
    result=Result.LENGTH, gpl=True, types=TRACING,
)  # fmt: skip
@failing
def get_stack(run: Run, context: int, to: int, size: int, flags: int) -> int:
    """bpf_get_stack(): bytes that were written."""
    if flags & ~_STACK_FLAGS or size % 8:
        run.memory.write(to, bytes(size))
        raise EINVAL
    chain = _chain(run, flags)[flags & b.BPF_F_SKIP_FIELD_MASK :]
    data = b"".join(addr.to_bytes(8, "little") for addr in chain)[:size]
    run.memory.write(to, data.ljust(size, b"\0"))
    if not data:
        raise EFAULT
    return len(data)
