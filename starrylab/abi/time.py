"""Clocks and timers (<linux/time.h>, <linux/timerfd.h>)."""

from __future__ import annotations

from struct import Struct
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

TIMESPEC: Final = Struct("<qq")  #: struct timespec, struct timeval: seconds, then the fraction
ITIMERSPEC: Final = Struct("<qqqq")  #: struct itimerspec, struct itimerval: interval, then value
TMS: Final = Struct("<qqqq")  #: struct tms: utime, stime, cutime, cstime, in clock ticks
SIGEVENT_SIZE: Final = 64  #: struct sigevent
#: sigev_value, sigev_signo, sigev_notify, sigev_notify_thread_id
SIGEVENT: Final = Struct("<Qiii44x")
#: struct timex (adjtimex(2)): modes, offset, freq, maxerror, esterror, status, constant, precision,
#: tolerance, time, tick, then what belongs to a pulse-per-second source, and tai
TIMEX: Final = Struct("<I4x4qi4x3q2qq2qi4x5qi44x")

ADJ_OFFSET_SINGLESHOT: Final = 0x8001
ADJ_OFFSET_SS_READ: Final = 0xA001
TIME_ERROR: Final = 5  #: the clock is not synchronised
STA_UNSYNC: Final = 0x40
USER_HZ: Final = 100  #: clock ticks a second, sysconf(_SC_CLK_TCK)
