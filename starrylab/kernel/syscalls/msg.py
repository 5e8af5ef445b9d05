"""System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ...abi import ipc
from ...abi.capability import CAP_SYS_ADMIN, CAP_SYS_RESOURCE
from ...abi.errno import EAGAIN, EINVAL, ENOMSG
from ...abi.poll import POLLIN, POLLOUT
from ..ipc.messages import MSGMAX, MSGMNB, Letter, MessageQueue, MsqidDs
from ..ipc.objects import MOST
from ._declare import syscall
from ._ipc_ids import meant_owner, shown_status
from ._shown import MsgCommand, MsgFlags, ShmGetFlags
from ._types import Int, Long, Ptr, Size

if TYPE_CHECKING:
    from ..thread import Thread

_NS: Final = 1_000_000_000
_INFO: Final = Struct("<7iH2x")  #: struct msginfo
_R, _W = 4, 2  # permission bits of a mode
Result = int | Coroutine[Any, Any, int]


def _now(t: Thread) -> int:
    return t.kernel.clock.realtime() // _NS


@syscall()
def msgget(t: Thread, key: Int, flags: ShmGetFlags) -> int:
    """msgget(2)."""

    def make() -> MessageQueue:
        return MessageQueue(t.cred, flags & 0o777, _now(t), t.kernel.heap)

    return t.namespaces.ipc.messages.get(key, flags, t.cred, make).id


@syscall()
def msgsnd(t: Thread, queue: Int, message: Ptr, size: Size, flags: MsgFlags) -> Result:
    """msgsnd(2)."""
    kind = t.mm.read_i64(message)
    if size > MSGMAX or queue < 0 or kind < 1:
        raise EINVAL
    letter = Letter(kind, t.mm.read(message + 8, size))
    found = t.namespaces.ipc.messages.find(queue)
    found.check(t.cred, _W)
    attempt = partial(_send, t, found, letter)
    try:
        return attempt()
    except EAGAIN:
        if flags & ipc.IPC_NOWAIT:
            raise
    return t.wait_io(found, POLLOUT, attempt)


def _send(t: Thread, queue: MessageQueue, letter: Letter) -> int:
    queue.send(letter, t.process.pid, _now(t))
    return 0


@syscall()
def msgrcv(t: Thread, queue: Int, message: Ptr, size: Size, kind: Long, flags: MsgFlags) -> Result:
    """msgrcv(2)."""
    if queue < 0 or size >> 63:
        raise EINVAL
    copies = bool(flags & ipc.MSG_COPY)
    if copies and (flags & ipc.MSG_EXCEPT or not flags & ipc.IPC_NOWAIT):
        raise EINVAL
    found = t.namespaces.ipc.messages.find(queue)
    found.check(t.cred, _R)
    if copies:
        return _store(t, found.copy(kind, size, flags), message, size)
    attempt = partial(_receive, t, found, message, size, kind, flags)
    try:
        return attempt()
    except EAGAIN:
        if flags & ipc.IPC_NOWAIT:
            raise ENOMSG from None
    return t.wait_io(found, POLLIN, attempt)


def _receive(t: Thread, queue: MessageQueue, addr: int, size: int, kind: int, flags: int) -> int:
    return _store(t, queue.receive(kind, size, flags, t.process.pid, _now(t)), addr, size)


def _store(t: Thread, letter: Letter, addr: int, size: int) -> int:
    data = letter.data[:size]
    t.mm.write(addr, letter.type.to_bytes(8, "little") + data)
    return len(data)


# -- control -----------------------------------------------------------------------------------


@syscall()
def msgctl(t: Thread, queue: Int, cmd: MsgCommand, buf: Ptr) -> int:
    """msgctl(2)."""
    action = _ACTIONS.get(cmd)
    if action is None or queue < 0:
        raise EINVAL
    return action(t, queue, buf)


def _status(t: Thread, found: MessageQueue) -> MsqidDs:
    return shown_status(t, found.status(), "msg_perm", "msg_lspid", "msg_lrpid")


def _stat(t: Thread, queue: int, buf: int) -> int:
    found = t.namespaces.ipc.messages.find(queue)
    found.check(t.cred, _R)
    t.mm.write_struct(buf, _status(t, found))
    return 0


def _slot_stat(t: Thread, slot: int, buf: int) -> int:
    found = t.namespaces.ipc.messages.at(slot)
    found.check(t.cred, _R)
    t.mm.write_struct(buf, _status(t, found))
    return found.id


def _slot_stat_any(t: Thread, slot: int, buf: int) -> int:
    found = t.namespaces.ipc.messages.at(slot)
    t.mm.write_struct(buf, _status(t, found))
    return found.id


def _owned(t: Thread, queue: int) -> MessageQueue:
    found = t.namespaces.ipc.messages.find(queue)
    if t.cred.euid not in (found.uid, found.cuid):
        t.cred.require_in(t.namespaces.ipc.user_ns, CAP_SYS_ADMIN)
    return found


def _set(t: Thread, queue: int, buf: int) -> int:
    wanted = t.mm.read_struct(MsqidDs, buf)
    found = _owned(t, queue)
    if wanted.msg_qbytes > MSGMNB:
        t.cred.require_in(t.namespaces.ipc.user_ns, CAP_SYS_RESOURCE)
    found.set_perm(meant_owner(t, wanted.msg_perm), _now(t))
    found.qbytes = wanted.msg_qbytes
    found.changed()
    return 0


def _remove(t: Thread, queue: int, buf: int) -> int:
    t.namespaces.ipc.messages.remove(_owned(t, queue))
    return 0


def _limits(t: Thread, queue: int, buf: int) -> int:
    pool = MOST * MSGMNB // 1024
    t.mm.write(buf, _INFO.pack(pool, MSGMNB, MSGMAX, MSGMNB, MOST, 16, MSGMNB, 0xFFFF))
    return t.namespaces.ipc.messages.highest_slot()


def _info(t: Thread, queue: int, buf: int) -> int:
    queues = t.namespaces.ipc.messages
    count = sum(len(found.letters) for found in queues)
    size = sum(found.cbytes for found in queues)
    info = _INFO.pack(len(queues), count, MSGMAX, MSGMNB, MOST, 16, size, 0xFFFF)
    t.mm.write(buf, info)
    return queues.highest_slot()


_ACTIONS: Final[Mapping[int, Callable[[Thread, int, int], int]]] = MappingProxyType(
    {
        ipc.IPC_STAT: _stat,
        ipc.MSG_STAT: _slot_stat,
        ipc.MSG_STAT_ANY: _slot_stat_any,
        ipc.IPC_SET: _set,
        ipc.IPC_RMID: _remove,
        ipc.IPC_INFO: _limits,
        ipc.MSG_INFO: _info,
    }
)
