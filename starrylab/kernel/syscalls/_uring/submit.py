"""From entries of the submission queue to requests: checks, links, drains (io_uring_enter(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.errno import EACCES, ECANCELED, EINVAL, EOPNOTSUPP, LinuxError
from ....abi.uring import (
    IORING_SETUP_IOPOLL,
    IORING_SETUP_SUBMIT_ALL,
    IOSQE_ASYNC,
    IOSQE_BUFFER_SELECT,
    IOSQE_CQE_SKIP_SUCCESS,
    IOSQE_FIXED_FILE,
    IOSQE_IO_DRAIN,
    IOSQE_IO_HARDLINK,
    IOSQE_IO_LINK,
)
from ...uring.request import Request
from .operation import Operation
from .table import OPERATIONS
from .timeouts import start_link

if TYPE_CHECKING:
    from ...thread import Thread
    from ...uring.queues import Entry
    from ...uring.ring import Ring

_FLAGS: Final = (
    IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC
    | IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS
)  # fmt: skip
_LINKS: Final = IOSQE_IO_LINK | IOSQE_IO_HARDLINK


class _NoOperation:
    """What a request without a known opcode is said to do."""

    name = "NOTHING"
    events = 0
    file = False

    @staticmethod
    def issue(_: Request) -> int:
        raise EINVAL


_NOTHING: Final = _NoOperation()


def submit(t: Thread, ring: Ring, wanted: int) -> int:
    """Take up to ``wanted`` entries and begin what they say; return how many were taken."""
    queues = ring.queues
    count = min(wanted, queues.submitted)
    if not count:
        return 0
    done = 0
    chain = _Chain(ring)
    ring.begin_batch()
    try:
        while done < count:
            taken = queues.take()
            if taken is None:
                break
            done += 1
            if not chain.add(t, *taken) and not ring.setup & IORING_SETUP_SUBMIT_ALL:
                break
        chain.close()
    finally:
        queues.publish_head()
        ring.took_entries()
        ring.end_batch()
    return done


class _Chain:
    """Collects linked requests until their chain is complete."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._members: list[Request] = []
        self._failed = False
        self._drain_next = False

    def add(self, t: Thread, entry: Entry, tail: bytes) -> bool:
        """Take one entry; False if it was refused."""
        ring = self._ring
        request = Request(ring, t, entry, tail)
        ring.living += 1
        error = 0
        try:
            _accept(t, request)
        except LinuxError as refusal:
            error = -refusal.errno
        self._note_drain(request)
        head = not self._members
        timeout = request.op.name == "LINK_TIMEOUT"
        if not error and timeout:
            error = self._attach(request)
            if not error:
                if not request.flags & _LINKS:
                    self.close()
                return True
        if not head and not self._failed:
            self._members[-1].link = request
        self._members.append(request)
        if error:
            request.failed = True
            request.data = error
            self._failed = True
        if request.flags & _LINKS:
            return True  # an error becomes known when the chain is complete
        self.close()
        return not error

    def _note_drain(self, request: Request) -> None:
        """Let a drain in the middle of a chain drain its head, and what comes after the chain."""
        if self._members:
            if request.flags & IOSQE_IO_DRAIN:
                self._members[0].flags |= IOSQE_IO_DRAIN
                self._drain_next = True
        elif self._drain_next:
            request.flags |= IOSQE_IO_DRAIN
            self._drain_next = False

    def _attach(self, timeout: Request) -> int:
        """Let a linked timeout watch the request before it; return an error for none."""
        if not self._members or self._members[-1].link_timeout is not None:
            return -EINVAL.errno
        owner = self._members[-1]
        owner.link_timeout = timeout
        owner.on_begun = start_link
        if not timeout.flags & _LINKS:
            owner.flags &= ~_LINKS
        return 0

    def close(self) -> None:
        """Begin the chain."""
        members, self._members = self._members, []
        failed, self._failed = self._failed, False
        if not members:
            return
        if not failed:
            self._ring.queue(members)
            return
        # One was refused: it says why, and the others are cancelled.
        for request in members:
            request.link = None
        quiet = members[0].quiet
        for request in members:
            error = request.data if request.failed else None
            request.broken = error is None
            if request.broken:
                request.quiet = quiet
            request.end(-ECANCELED.errno if error is None else error)


def _accept(t: Thread, request: Request) -> None:
    """Check an entry as ``io_init_req()`` does, and let the operation read what it needs."""
    ring, flags = request.ring, request.flags
    operation = OPERATIONS.get(request.opcode)
    if operation is None:
        request.op = _NOTHING
        raise EINVAL
    request.op = operation
    if flags & ~_FLAGS:
        raise EINVAL
    request.quiet = bool(flags & IOSQE_CQE_SKIP_SUCCESS)
    if flags & IOSQE_BUFFER_SELECT and not operation.selects:
        raise EOPNOTSUPP
    ring.has_quiet = ring.has_quiet or request.quiet
    if ring.has_quiet and flags & IOSQE_IO_DRAIN:
        raise EOPNOTSUPP("a drain counts completions")
    if ring.allowed is not None:
        _restrict(ring.allowed, request)
    if request.ioprio and not operation.priority:
        raise EINVAL
    if ring.setup & IORING_SETUP_IOPOLL and not operation.iopoll:
        raise EINVAL
    if request.personality:
        cred = ring.personalities.get(request.personality)
        if cred is None:
            raise EINVAL
        request.cred = cred
    _prepare(operation, request)


def _prepare(operation: Operation, request: Request) -> None:
    if operation.prepare is not None:
        operation.prepare(request)


def _restrict(
    allowed: tuple[frozenset[int], frozenset[int], int, int], request: Request
) -> None:  # fmt: skip
    """Raise ``EACCES`` for what IORING_REGISTER_RESTRICTIONS does not allow."""
    _, opcodes, flags, required = allowed
    if request.opcode not in opcodes or request.flags & required != required:
        raise EACCES
    if request.flags & ~(flags | required):
        raise EACCES
