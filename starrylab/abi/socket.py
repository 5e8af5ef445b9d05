"""Sockets (<linux/socket.h>, <asm-generic/socket.h>, <linux/net.h>)."""

from __future__ import annotations

from struct import Struct
from typing import Final

AF_UNSPEC: Final = 0
AF_UNIX: Final = 1
AF_INET: Final = 2
AF_INET6: Final = 10
AF_NETLINK: Final = 16
AF_PACKET: Final = 17
AF_MAX: Final = 46

SOCK_STREAM: Final = 1
SOCK_DGRAM: Final = 2
SOCK_RAW: Final = 3
SOCK_SEQPACKET: Final = 5
SOCK_TYPE_MASK: Final = 0xF
SOCK_NONBLOCK: Final = 0o4000
SOCK_CLOEXEC: Final = 0o2000000

MSG_OOB: Final = 0x1
MSG_PEEK: Final = 0x2
MSG_DONTROUTE: Final = 0x4
MSG_CTRUNC: Final = 0x8
MSG_TRUNC: Final = 0x20
MSG_DONTWAIT: Final = 0x40
MSG_EOR: Final = 0x80
MSG_WAITALL: Final = 0x100
MSG_WAITFORONE: Final = 0x10000
MSG_NOSIGNAL: Final = 0x4000
MSG_CMSG_CLOEXEC: Final = 0x40000000

SHUT_RD: Final = 0
SHUT_WR: Final = 1
SHUT_RDWR: Final = 2

SOL_SOCKET: Final = 1
SO_DEBUG: Final = 1
SO_REUSEADDR: Final = 2
SO_TYPE: Final = 3
SO_ERROR: Final = 4
SO_DONTROUTE: Final = 5
SO_BROADCAST: Final = 6
SO_SNDBUF: Final = 7
SO_RCVBUF: Final = 8
SO_KEEPALIVE: Final = 9
SO_OOBINLINE: Final = 10
SO_LINGER: Final = 13
SO_PASSCRED: Final = 16
SO_PEERCRED: Final = 17
SO_RCVTIMEO: Final = 20
SO_SNDTIMEO: Final = 21
SO_ATTACH_FILTER: Final = 26
SO_DETACH_FILTER: Final = 27
SO_ACCEPTCONN: Final = 30
SO_PROTOCOL: Final = 38
SO_DOMAIN: Final = 39
SO_LOCK_FILTER: Final = 44
SO_ATTACH_BPF: Final = 50

SCM_RIGHTS: Final = 1
SCM_CREDENTIALS: Final = 2
SCM_MAX_FD: Final = 253

MSGHDR: Final = Struct("<QI4xQQQQi4x")  #: name, namelen, iov, iovlen, control, controllen, flags
CMSGHDR: Final = Struct("<Qii")  #: length with this header, level, type
UCRED: Final = Struct("<iII")  #: pid, uid, gid
LINGER: Final = Struct("<ii")  #: on, seconds
TIMEVAL: Final = Struct("<qq")  #: seconds, microseconds
MMSGHDR_SIZE: Final = 64  #: a msghdr and the length of its message
SOMAXCONN: Final = 4096  #: /proc/sys/net/core/somaxconn
ADDRESS_MAX: Final = 128  #: bytes of struct sockaddr_storage
