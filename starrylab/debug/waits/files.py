"""What waiting for an open file means: one rule a kind of file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ...abi.fcntl import O_ACCMODE, O_RDONLY
from ...abi.poll import POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM
from ...kernel.files.epoll import Epoll
from ...kernel.files.eventfd import EventFd
from ...kernel.files.fifo import FifoOpening
from ...kernel.files.pidfd import PidFd
from ...kernel.files.pipe import PipeEnd, PipeReader, PipeWriter
from ...kernel.files.pty import PtyMaster
from ...kernel.files.signalfd import SignalFd
from ...kernel.files.timerfd import TimerFd
from ...kernel.files.tty import TerminalFile
from ...kernel.net.unix.socket import UnixSocket
from ...kernel.uring.ring import Ring
from .holders import Holders, in_order
from .model import Need

if TYPE_CHECKING:
    from ...kernel.thread import Thread

_IN: Final = POLLIN | POLLRDNORM | POLLPRI
_OUT: Final = POLLOUT | POLLWRNORM
_NESTED: Final = 6  #: epoll files in a row; the kernel refuses more

Rule = Callable[[Holders, "Thread", Any, int], list[Need]]


def file_needs(holders: Holders, thread: Thread, file: Any, events: int) -> list[Need] | None:
    """Return what would make ``file`` ready for ``events``; ``None`` for no known kind."""
    for kind, rule in _RULES:
        if isinstance(file, kind):
            return rule(holders, thread, file, events)
    return None


def _verb(events: int) -> str:
    reading, writing = events & _IN, events & _OUT
    if reading and writing:
        return "to read or write"
    return "to write" if writing else "to read"


def _path(file: Any) -> str:
    return bytes(file.path()).decode(errors="replace")


def _pipe(holders: Holders, thread: Thread, file: PipeEnd, events: int) -> list[Need]:
    needs = []
    where = _path(file) + holders.numbers(thread, file)
    if isinstance(file, PipeReader) and (events & _IN or not isinstance(file, PipeWriter)):
        tids, more = holders.of_pipe_end(file.buffer, write=True)
        needs.append(_end(f"to read {where}", tids, "write", more))
    if isinstance(file, PipeWriter) and (events & _OUT or not isinstance(file, PipeReader)):
        tids, more = holders.of_pipe_end(file.buffer, write=False)
        needs.append(_end(f"to write {where}", tids, "read", more))
    return needs


def _end(what: str, tids: set[int], other: str, more: bool) -> Need:
    outside = f"a {other} end outside of all processes" if more else ""
    return Need(what, in_order(tids), f"its {other} end", outside)


def _eventfd(holders: Holders, thread: Thread, file: EventFd, events: int) -> list[Need]:
    what = f"{_verb(events)} eventfd{holders.numbers(thread, file)}, count {file.count}"
    return [Need(what, in_order(holders.of_file(file)), "the eventfd")]


def _socket(holders: Holders, thread: Thread, file: UnixSocket, events: int) -> list[Need]:
    peer = file.peer
    what = f"{_verb(events)} {_path(file)}{holders.numbers(thread, file)}"
    if peer is None:  # a listener, or a datagram socket that anybody may send to
        return [Need(what, unknown="any process may connect or send to it")]
    tids = holders.of_file(peer)
    # Its descriptor may be on the way through another socket.
    outside = "" if tids or peer.refs <= 0 else "a descriptor in flight"
    return [Need(what, in_order(tids), f"its peer {_path(peer)}", outside)]


def _timerfd(holders: Holders, thread: Thread, file: TimerFd, events: int) -> list[Need]:
    left = file.get_time()[1]
    outside = f"its timer, in {left / 1e9:.3f} s" if left else ""
    what = f"to read timerfd{holders.numbers(thread, file)}{'' if left else ', which is disarmed'}"
    return [Need(what, in_order(holders.of_file(file)), "the timerfd", outside)]


def _signalfd(holders: Holders, thread: Thread, file: SignalFd, _events: int) -> list[Need]:
    what = f"to read signalfd{holders.numbers(thread, file)}"
    return [Need(what, unknown="any process may send the signal")]


def _pidfd(holders: Holders, thread: Thread, file: PidFd, _events: int) -> list[Need]:
    process = file.process
    what = f"for pid {process.pid} to end{holders.numbers(thread, file)}"
    return [Need(what, in_order(process.threads), "the process")]


def _master(holders: Holders, thread: Thread, file: PtyMaster, events: int) -> list[Need]:
    tty = file.tty
    tids = holders.where(
        lambda other: (
            isinstance(other, TerminalFile)
            and not isinstance(other, PtyMaster)
            and other.tty is tty
        )
    )
    name = bytes(tty.name).decode(errors="replace")
    what = f"{_verb(events)} the master of /dev/{name}{holders.numbers(thread, file)}"
    unknown = "" if tids else "any process may open the slave"
    return [Need(what, in_order(tids), "the slave", unknown=unknown)]


def _terminal(holders: Holders, thread: Thread, file: TerminalFile, events: int) -> list[Need]:
    tty = file.tty
    name = bytes(tty.name).decode(errors="replace")
    what = f"{_verb(events)} /dev/{name}{holders.numbers(thread, file)}"
    if not tty.driver.pseudo:
        return [Need(what, outside="the console")]
    tids = holders.where(lambda other: isinstance(other, PtyMaster) and other.tty is tty)
    return [Need(what, in_order(tids), "the master")]


def _opening(holders: Holders, thread: Thread, opening: FifoOpening, _events: int) -> list[Need]:
    reading = opening.file.flags & O_ACCMODE == O_RDONLY
    what = f"to open {_path(opening.file)} for {'reading' if reading else 'writing'}"
    return [
        Need(what, unknown=f"any process may open it for {'writing' if reading else 'reading'}")
    ]


def _epoll(holders: Holders, thread: Thread, file: Epoll, _events: int) -> list[Need]:
    return _watched(holders, thread, file, _NESTED)


def _watched(holders: Holders, thread: Thread, epoll: Epoll, depth: int) -> list[Need]:
    via = f" by epoll{holders.numbers(thread, epoll)}"
    needs: list[Need] = []
    for item in epoll.items():
        if item.file is None or item.file.refs <= 0 or not item.mask:
            continue
        if isinstance(item.file, Epoll):
            found: list[Need] | None = _watched(holders, thread, item.file, depth - 1)
        else:
            found = file_needs(holders, thread, item.file, item.mask)
        unknown = [Need(f"for fd {item.fd}", unknown="this kind of file is not known here")]
        needs += [
            replace(need, what=need.what + via) for need in (unknown if found is None else found)
        ]
    # Who has the epoll file open may add what is ready already.
    others = in_order(holders.of_file(epoll))
    needs.append(Need(f"for a file that is added to epoll{holders.numbers(thread, epoll)}",
                      others, "the epoll file"))  # fmt: skip
    return needs


def _ring(holders: Holders, thread: Thread, ring: Ring, _events: int) -> list[Need]:
    via = f" by io_uring{holders.numbers(thread, ring)}"
    needs: list[Need] = []
    for request in ring.waiting():
        file, name = request.opened, request.op.name.lower()
        found = None
        if file is not None and not isinstance(file, (Epoll, Ring)):  # they may go in circles
            found = file_needs(holders, thread, file, request.op.events or POLLIN)
        if found is None:
            outside = "its timer" if "timeout" in name else ""
            found = [Need(f"for {name}", outside=outside, unknown="" if outside else "its end")]
        needs += [replace(need, what=need.what + via) for need in found]
    others = in_order(holders.of_file(ring))
    needs.append(Need(f"for a request to io_uring{holders.numbers(thread, ring)}", others,
                      "the ring"))  # fmt: skip
    return needs


#: kind -> rule; derived classes first
_RULES: Final[tuple[tuple[type, Rule], ...]] = (
    (PipeEnd, _pipe),
    (EventFd, _eventfd),
    (UnixSocket, _socket),
    (TimerFd, _timerfd),
    (SignalFd, _signalfd),
    (PidFd, _pidfd),
    (PtyMaster, _master),
    (TerminalFile, _terminal),
    (FifoOpening, _opening),
    (Epoll, _epoll),
    (Ring, _ring),
)
