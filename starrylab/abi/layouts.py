"""Layouts of structures that system calls read and fill in, on 64-bit architectures."""

from __future__ import annotations

from struct import Struct
from typing import Final

#: struct stat of <asm-generic/stat.h>: dev, ino, mode, nlink, uid, gid, rdev, size, blksize,
#: blocks, then seconds and nanoseconds of atime, mtime, ctime.
STAT: Final = Struct("<QQIIIIQ8xqi4xqqQqQqQ8x")
#: struct statx: mask, blksize, attributes, nlink, uid, gid, mode, ino, size, blocks, attributes
#: that are known, seconds and nanoseconds of atime, btime, ctime, mtime, rdev and dev (major and
#: minor), mount id
STATX: Final = Struct("<IIQIIIH2xQQQQ" + "qI4x" * 4 + "IIIIQ104x")
#: struct statfs64 of <asm-generic/statfs.h>: type, bsize, blocks, bfree, bavail, files, ffree,
#: fsid (two), namelen, frsize, flags
STATFS: Final = Struct("<7Q2i3Q32x")
#: struct rusage: utime, stime (seconds, microseconds), then 14 numbers from maxrss on
RUSAGE: Final = Struct("<4q14q")
RLIMIT: Final = Struct("<QQ")  #: struct rlimit64: soft, hard
FLOCK: Final = Struct("<hh4xqqi4x")  #: struct flock: l_type, l_whence, l_start, l_len, l_pid
#: struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
#: set_tid, set_tid_size, cgroup
CLONE_ARGS: Final = Struct("<11Q")
UTSNAME: Final = Struct("65s65s65s65s65s65s")
#: struct sysinfo: uptime, three loads, totalram, freeram, sharedram, bufferram, totalswap,
#: freeswap, procs, totalhigh, freehigh, mem_unit
SYSINFO: Final = Struct("<q3Q6QH6xQQI4x")
SIGACTION: Final = Struct("<QQQ")  #: handler, flags, mask
SIGACTION_RESTORER: Final = Struct("<QQQQ")  #: handler, flags, restorer, mask
STACK_T: Final = Struct("<Qi4xQ")  #: ss_sp, ss_flags, ss_size
OPEN_HOW: Final = Struct("<QQQ")  #: flags, mode, resolve
IOVEC: Final = Struct("<QQ")  #: base, length
POLLFD: Final = Struct("<ihH")  #: fd, events, revents
DIRENT64: Final = Struct("<QqHB")  #: ino, off, reclen, type; then the name
