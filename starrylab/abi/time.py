"""Clocks and timers (<linux/time.h>, <linux/timerfd.h>)."""

from __future__ import annotations

from typing import Final

CLOCK_BOOTTIME: Final = 7
CLOCK_BOOTTIME_ALARM: Final = 9
CLOCK_MONOTONIC: Final = 1
CLOCK_MONOTONIC_COARSE: Final = 6
CLOCK_MONOTONIC_RAW: Final = 4
CLOCK_PROCESS_CPUTIME_ID: Final = 2
CLOCK_REALTIME: Final = 0
CLOCK_REALTIME_ALARM: Final = 8
CLOCK_REALTIME_COARSE: Final = 5
CLOCK_SGI_CYCLE: Final = 10
CLOCK_TAI: Final = 11
CLOCK_THREAD_CPUTIME_ID: Final = 3
ITIMER_PROF: Final = 2
ITIMER_REAL: Final = 0
ITIMER_VIRTUAL: Final = 1
TFD_CLOEXEC: Final = 0x80000
TFD_IOC_SET_TICKS: Final = 0x40085400
TFD_NONBLOCK: Final = 0x800
TFD_TIMER_ABSTIME: Final = 1
TFD_TIMER_CANCEL_ON_SET: Final = 2
TIMER_ABSTIME: Final = 1
