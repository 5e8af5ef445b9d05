"""Asynchronous input and output (<linux/aio_abi.h>)."""

from __future__ import annotations

from struct import Struct
from typing import Final

IOCB_CMD_PREAD: Final = 0
IOCB_CMD_PWRITE: Final = 1
IOCB_CMD_FSYNC: Final = 2
IOCB_CMD_FDSYNC: Final = 3
IOCB_CMD_POLL: Final = 5
IOCB_CMD_PREADV: Final = 7
IOCB_CMD_PWRITEV: Final = 8

IOCB_FLAG_RESFD: Final = 1
IOCB_FLAG_IOPRIO: Final = 2

#: struct iocb: data, key, rw_flags, opcode, priority, descriptor, buffer, bytes, offset,
#: reserved, flags, descriptor to tell
IOCB: Final = Struct("<QIIHhIQQqQII")
IO_EVENT: Final = Struct("<QQqq")  #: struct io_event: data, iocb, two results
AIO_MAX_NR: Final = 65536  #: /proc/sys/fs/aio-max-nr
