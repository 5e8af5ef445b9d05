"""IPC namespaces: System V objects and POSIX message queues of one's own (ipc_namespaces(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.sched import CLONE_NEWIPC
from ..mm.sysv import ShmTable
from ..namespaces.base import Namespace, Registry
from .messages import MessageQueue
from .mqueue import NamedQueues
from .objects import IpcTable
from .semaphores import Semaphores

if TYPE_CHECKING:
    from ..mm.frames import FrameAllocator
    from ..namespaces.user import UserNamespace


class IpcNamespace(Namespace):
    """The tables that the calls look in."""

    name = "ipc"
    flag = CLONE_NEWIPC

    def __init__(
        self,
        registry: Registry,
        user_ns: UserNamespace | None,
        frames: FrameAllocator,
        ino: int = 0,
    ) -> None:
        self._made = False
        super().__init__(registry, user_ns, ino)
        self._frames = frames
        self.shm = ShmTable(frames, user_ns)  #: System V shared memory
        self.messages: IpcTable[MessageQueue] = IpcTable(user_ns)  #: System V message queues
        self.semaphores = Semaphores(user_ns)  #: System V semaphores
        self.queues = NamedQueues()  #: POSIX message queues
        self._made = not ino

    def copy(self, user_ns: UserNamespace | None) -> IpcNamespace:
        """Return an empty namespace."""
        return IpcNamespace(self.registry, user_ns, self._frames)

    def __del__(self) -> None:
        """Remove what is left: nobody can name it any more (free_ipc_ns())."""
        if not self._made:
            return
        for segment in self.shm:
            self.shm.remove(segment)
        for queue in self.messages:
            self.messages.remove(queue)
        for semaphores in self.semaphores:
            self.semaphores.remove(semaphores)
        for name in self.queues:
            self.queues.take(name)
