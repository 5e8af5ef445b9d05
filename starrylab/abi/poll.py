"""Readiness bits of poll(2) and epoll(7) (<asm-generic/poll.h>, <linux/eventpoll.h>)."""

from __future__ import annotations

from typing import Final

EPOLLERR: Final = 8
EPOLLET: Final = 0x80000000
EPOLLEXCLUSIVE: Final = 0x10000000
EPOLLHUP: Final = 16
EPOLLIN: Final = 1
EPOLLMSG: Final = 0x400
EPOLLNVAL: Final = 32
EPOLLONESHOT: Final = 0x40000000
EPOLLOUT: Final = 4
EPOLLPRI: Final = 2
EPOLLRDBAND: Final = 128
EPOLLRDHUP: Final = 0x2000
EPOLLRDNORM: Final = 64
EPOLLWAKEUP: Final = 0x20000000
EPOLLWRBAND: Final = 0x200
EPOLLWRNORM: Final = 0x100
EPOLL_CLOEXEC: Final = 0x80000
EPOLL_CTL_ADD: Final = 1
EPOLL_CTL_DEL: Final = 2
EPOLL_CTL_MOD: Final = 3
EPOLL_URING_WAKE: Final = 0x8000000
POLLERR: Final = 8
POLLFREE: Final = 0x4000
POLLHUP: Final = 16
POLLIN: Final = 1
POLLMSG: Final = 0x400
POLLNVAL: Final = 32
POLLOUT: Final = 4
POLLPRI: Final = 2
POLLRDBAND: Final = 128
POLLRDHUP: Final = 0x2000
POLLRDNORM: Final = 64
POLLREMOVE: Final = 0x1000
POLLWRBAND: Final = 0x200
POLLWRNORM: Final = 0x100
EFD_SEMAPHORE: Final = 0o1
EFD_NONBLOCK: Final = 0o4000
EFD_CLOEXEC: Final = 0o2000000
