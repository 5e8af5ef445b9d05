"""Performance events: perf_event_open(2), its structures and records (<linux/perf_event.h>)."""

from __future__ import annotations

from struct import Struct
from typing import Final

# -- perf_event_attr ---------------------------------------------------------------------------

TYPE_HARDWARE: Final = 0
TYPE_SOFTWARE: Final = 1
TYPE_TRACEPOINT: Final = 2
TYPE_HW_CACHE: Final = 3
TYPE_RAW: Final = 4
TYPE_BREAKPOINT: Final = 5

SW_CPU_CLOCK: Final = 0
SW_TASK_CLOCK: Final = 1
SW_PAGE_FAULTS: Final = 2
SW_CONTEXT_SWITCHES: Final = 3
SW_CPU_MIGRATIONS: Final = 4
SW_PAGE_FAULTS_MIN: Final = 5
SW_PAGE_FAULTS_MAJ: Final = 6
SW_ALIGNMENT_FAULTS: Final = 7
SW_EMULATION_FAULTS: Final = 8
SW_DUMMY: Final = 9
SW_BPF_OUTPUT: Final = 10
SW_CGROUP_SWITCHES: Final = 11
SW_MAX: Final = 12

ATTR_SIZE_VER0: Final = 64
#: type .. config4: every field of the structure, in order; ``flags`` is the word of bit fields
ATTR: Final = Struct("<IIQQQQQIIQQQQIiQIHHIIQQQ")
ATTR_SIZE: Final = 144  #: PERF_ATTR_SIZE_VER9
ATTR_FIELDS: Final = (
    "type", "size", "config", "sample_period", "sample_type", "read_format", "flags", "wakeup",
    "bp_type", "config1", "config2", "branch_sample_type", "sample_regs_user",
    "sample_stack_user", "clockid", "sample_regs_intr", "aux_watermark", "sample_max_stack",
    "reserved_2", "aux_sample_size", "reserved_3", "sig_data", "config3", "config4",
)  # fmt: skip

# The bit fields of perf_event_attr.
DISABLED: Final = 1 << 0
INHERIT: Final = 1 << 1
PINNED: Final = 1 << 2
EXCLUSIVE: Final = 1 << 3
EXCLUDE_USER: Final = 1 << 4
EXCLUDE_KERNEL: Final = 1 << 5
EXCLUDE_HV: Final = 1 << 6
EXCLUDE_IDLE: Final = 1 << 7
MMAP: Final = 1 << 8
COMM: Final = 1 << 9
FREQ: Final = 1 << 10
INHERIT_STAT: Final = 1 << 11
ENABLE_ON_EXEC: Final = 1 << 12
TASK: Final = 1 << 13
WATERMARK: Final = 1 << 14
MMAP_DATA: Final = 1 << 17
SAMPLE_ID_ALL: Final = 1 << 18
EXCLUDE_CALLCHAIN_KERNEL: Final = 1 << 21
EXCLUDE_CALLCHAIN_USER: Final = 1 << 22
MMAP2: Final = 1 << 23
COMM_EXEC: Final = 1 << 24
USE_CLOCKID: Final = 1 << 25
CONTEXT_SWITCH: Final = 1 << 26
WRITE_BACKWARD: Final = 1 << 27
NAMESPACES: Final = 1 << 28
BPF_EVENT: Final = 1 << 30
AUX_OUTPUT: Final = 1 << 31
CGROUP: Final = 1 << 32
BUILD_ID: Final = 1 << 34
INHERIT_THREAD: Final = 1 << 35
REMOVE_ON_EXEC: Final = 1 << 36
SIGTRAP: Final = 1 << 37
DEFER_CALLCHAIN: Final = 1 << 38
DEFER_OUTPUT: Final = 1 << 39
FLAGS_KNOWN: Final = (1 << 40) - 1

SAMPLE_IP: Final = 1 << 0
SAMPLE_TID: Final = 1 << 1
SAMPLE_TIME: Final = 1 << 2
SAMPLE_ADDR: Final = 1 << 3
SAMPLE_READ: Final = 1 << 4
SAMPLE_CALLCHAIN: Final = 1 << 5
SAMPLE_ID: Final = 1 << 6
SAMPLE_CPU: Final = 1 << 7
SAMPLE_PERIOD: Final = 1 << 8
SAMPLE_STREAM_ID: Final = 1 << 9
SAMPLE_RAW: Final = 1 << 10
SAMPLE_BRANCH_STACK: Final = 1 << 11
SAMPLE_REGS_USER: Final = 1 << 12
SAMPLE_STACK_USER: Final = 1 << 13
SAMPLE_WEIGHT: Final = 1 << 14
SAMPLE_DATA_SRC: Final = 1 << 15
SAMPLE_IDENTIFIER: Final = 1 << 16
SAMPLE_TRANSACTION: Final = 1 << 17
SAMPLE_REGS_INTR: Final = 1 << 18
SAMPLE_PHYS_ADDR: Final = 1 << 19
SAMPLE_AUX: Final = 1 << 20
SAMPLE_CGROUP: Final = 1 << 21
SAMPLE_DATA_PAGE_SIZE: Final = 1 << 22
SAMPLE_CODE_PAGE_SIZE: Final = 1 << 23
SAMPLE_WEIGHT_STRUCT: Final = 1 << 24
SAMPLE_KNOWN: Final = (1 << 25) - 1

FORMAT_TOTAL_TIME_ENABLED: Final = 1
FORMAT_TOTAL_TIME_RUNNING: Final = 2
FORMAT_ID: Final = 4
FORMAT_GROUP: Final = 8
FORMAT_LOST: Final = 16
FORMAT_KNOWN: Final = 31

# -- the call and its descriptor ---------------------------------------------------------------

PERF_FLAG_FD_NO_GROUP: Final = 1
PERF_FLAG_FD_OUTPUT: Final = 2
PERF_FLAG_PID_CGROUP: Final = 4
PERF_FLAG_FD_CLOEXEC: Final = 8
PERF_FLAGS_ALL: Final = 15

IOC_ENABLE: Final = 0x2400
IOC_DISABLE: Final = 0x2401
IOC_REFRESH: Final = 0x2402
IOC_RESET: Final = 0x2403
IOC_PERIOD: Final = 0x40082404
IOC_SET_OUTPUT: Final = 0x2405
IOC_SET_FILTER: Final = 0x40082406
IOC_ID: Final = 0x80082407
IOC_SET_BPF: Final = 0x40042408
IOC_PAUSE_OUTPUT: Final = 0x40042409
IOC_QUERY_BPF: Final = 0xC008240A
IOC_MODIFY_ATTRIBUTES: Final = 0x4008240B
IOC_FLAG_GROUP: Final = 1

# What else is told to an event besides what it counts; keys next to the PERF_COUNT_SW_* numbers.
KEY_MMAP: Final = -1
KEY_COMM: Final = -2
KEY_TASK: Final = -3
KEY_SWITCH: Final = -4
KEY_BREAKPOINT: Final = -5

HW_BREAKPOINT_R: Final = 1  # <linux/hw_breakpoint.h>
HW_BREAKPOINT_W: Final = 2
HW_BREAKPOINT_RW: Final = 3
HW_BREAKPOINT_X: Final = 4

# -- the mapped page ---------------------------------------------------------------------------

#: version, compat_version, lock, index, offset, time_enabled, time_running, capabilities,
#: pmc_width, time_shift, time_mult, time_offset, time_zero, size
PAGE: Final = Struct("<IIIIqQQQHHIQQI")
PAGE_SIZE_FIELD: Final = 96  #: what `size` says: all up to the reserved words
CAP_BIT0_IS_DEPRECATED: Final = 2
CAP_USER_TIME: Final = 8
CAP_USER_TIME_ZERO: Final = 16
DATA_HEAD: Final = 1024  #: byte offsets of words in the page
DATA_TAIL: Final = 1032
DATA_OFFSET: Final = 1040

# -- records -----------------------------------------------------------------------------------

HEADER: Final = Struct("<IHH")  #: type, misc, size
RECORD_MMAP: Final = 1
RECORD_LOST: Final = 2
RECORD_COMM: Final = 3
RECORD_EXIT: Final = 4
RECORD_THROTTLE: Final = 5
RECORD_UNTHROTTLE: Final = 6
RECORD_FORK: Final = 7
RECORD_READ: Final = 8
RECORD_SAMPLE: Final = 9
RECORD_MMAP2: Final = 10
RECORD_SWITCH: Final = 14
RECORD_SWITCH_CPU_WIDE: Final = 15

MISC_KERNEL: Final = 1
MISC_USER: Final = 2
MISC_MMAP_DATA: Final = 1 << 13
MISC_COMM_EXEC: Final = 1 << 13
MISC_SWITCH_OUT: Final = 1 << 13
MISC_SWITCH_OUT_PREEMPT: Final = 1 << 14
MISC_MMAP_BUILD_ID: Final = 1 << 14

CONTEXT_KERNEL: Final = (1 << 64) - 128
CONTEXT_USER: Final = (1 << 64) - 512

REGS_ABI_NONE: Final = 0
REGS_ABI_64: Final = 2
