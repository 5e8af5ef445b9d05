"""``struct perf_event_attr`` as strace(1) shows it."""

from __future__ import annotations

from typing import Final

from ...abi import perf
from .view import View, pointer

_TYPES: Final = ("HARDWARE", "SOFTWARE", "TRACEPOINT", "HW_CACHE", "RAW", "BREAKPOINT")
_FLAGS: Final = (
    "DISABLED", "INHERIT", "PINNED", "EXCLUSIVE", "EXCLUDE_USER", "EXCLUDE_KERNEL", "EXCLUDE_HV",
    "EXCLUDE_IDLE", "MMAP", "COMM", "FREQ", "INHERIT_STAT", "ENABLE_ON_EXEC", "TASK", "WATERMARK",
    "MMAP_DATA", "SAMPLE_ID_ALL", "MMAP2", "COMM_EXEC", "USE_CLOCKID", "CONTEXT_SWITCH",
    "WRITE_BACKWARD", "REMOVE_ON_EXEC", "SIGTRAP",
)  # fmt: skip


def attr(view: View, value: int, index: int) -> str:
    """Show the attributes of an event."""
    data = view.read(value, perf.ATTR_SIZE) if value else b""
    if len(data) < perf.ATTR_SIZE_VER0:
        return pointer(value)
    data = data.ljust(perf.ATTR_SIZE, b"\0")
    fields = dict(zip(perf.ATTR_FIELDS, perf.ATTR.unpack(data), strict=True))
    kind = fields["type"]
    flags = fields["flags"]
    words = [
        f"type=PERF_TYPE_{_TYPES[kind]}" if kind < len(_TYPES) else f"type={kind:#x}",
        f"size={fields['size'] or perf.ATTR_SIZE_VER0}",
        f"config={_config(kind, fields['config'])}",
        f"sample_{'freq' if flags & perf.FREQ else 'period'}={fields['sample_period']}",
        f"sample_type={_bits('SAMPLE_', fields['sample_type'])}",
        f"read_format={_bits('FORMAT_', fields['read_format'])}",
        *(f"{name.lower()}=1" for name in _FLAGS if flags & getattr(perf, name)),
    ]
    return f"{{{', '.join(words)}, ...}}"


def _config(kind: int, config: int) -> str:
    if kind == perf.TYPE_SOFTWARE:
        for name, value in vars(perf).items():
            if name.startswith("SW_") and value == config != perf.SW_MAX:
                return f"PERF_COUNT_{name}"
    return f"{config:#x}"


def _bits(prefix: str, value: int) -> str:
    names = {
        number: name
        for name, number in vars(perf).items()
        if name.startswith(prefix) and not name.endswith("_KNOWN")
    }
    words = [f"PERF_{name}" for number, name in sorted(names.items()) if value & number]
    left = value & ~sum(names)
    return "|".join([*words, *([f"{left:#x}"] if left or not words else [])])
