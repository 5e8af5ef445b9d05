"""Which keyrings a thread has: its own, its process's, its session's, its user's (keyrings(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakKeyDictionary

from ...abi.errno import EINVAL, ENOKEY
from ...abi.keyctl import (
    KEY_ALL,
    KEY_LINK,
    KEY_POSSESSOR,
    KEY_READ,
    KEY_SETATTR,
    KEY_SPEC_PROCESS_KEYRING,
    KEY_SPEC_SESSION_KEYRING,
    KEY_SPEC_THREAD_KEYRING,
    KEY_SPEC_USER_KEYRING,
    KEY_SPEC_USER_SESSION_KEYRING,
    KEY_USER,
)
from .keys import KEYRING, POSSESSOR_ALL, USER_VIEW, Key, KeyTable

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread
    from .process import Process

T = TypeVar("T")

_SESSION_PERM: Final = POSSESSOR_ALL | USER_VIEW | KEY_READ << KEY_USER
_NAMED_PERM: Final = _SESSION_PERM | KEY_LINK << KEY_USER
_USER_PERM: Final = (KEY_ALL & ~KEY_SETATTR) << KEY_POSSESSOR | KEY_ALL << KEY_USER


class Keyrings(KeyTable):
    """The keys of a kernel, and who has which keyrings."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel.door.random, kernel.clock.realtime)
        self.of_thread: WeakKeyDictionary[Thread, Key] = WeakKeyDictionary()
        self.of_process: WeakKeyDictionary[Process, Key] = WeakKeyDictionary()
        self.sessions: WeakKeyDictionary[Thread, Key] = WeakKeyDictionary()
        self.users: dict[int, tuple[Key, Key]] = {}  #: user and user session keyring, by uid
        self.defaults: WeakKeyDictionary[Thread, int] = WeakKeyDictionary()  #: of request_key(2)

    # -- what a thread has -----------------------------------------------------------------

    def inherit(self, parent: Thread, child: Thread) -> None:
        """Let a new thread have its parent's session keyring (clone(2))."""
        session = self.sessions.get(parent)
        if session is not None:
            self.sessions[child] = session
        if parent in self.defaults:
            self.defaults[child] = self.defaults[parent]

    def leave_behind(self, thread: Thread) -> None:
        """Drop what a new program does not inherit (execve(2))."""
        self.of_thread.pop(thread, None)
        self.of_process.pop(thread.process, None)

    def ended(self, thread: Thread) -> None:
        """Drop what a thread had, and its process with the last one."""
        self.sessions.pop(thread, None)
        self.defaults.pop(thread, None)
        self.of_thread.pop(thread, None)
        if not thread.process.threads:
            self.of_process.pop(thread.process, None)

    def anchors(self, thread: Thread) -> list[Key]:
        """Return the keyrings that a search goes through, in its order."""
        session = self.sessions.get(thread)
        if session is None:
            session = self.users.get(thread.cred.uid, (None, None))[1]
        found = (self.of_thread.get(thread), self.of_process.get(thread.process), session)
        return [ring for ring in found if ring is not None]

    def user_rings(self, thread: Thread) -> tuple[Key, Key]:
        """Return user and user session keyring of a thread's user, made if need be."""
        uid = thread.cred.uid
        rings = self.users.get(uid)
        if rings is None:
            owner = type(thread.cred).user(uid, 0xFFFFFFFF)
            user = self.make(KEYRING, b"_uid.%d" % uid, owner, _USER_PERM)
            session = self.make(KEYRING, b"_uid_ses.%d" % uid, owner, _USER_PERM)
            session.link(user)
            rings = self.users[uid] = (user, session)
        return rings

    def special(self, thread: Thread, which: int, *, create: bool) -> Key:
        """Return a keyring by KEY_SPEC_*; raise ``ENOKEY``, ``EINVAL``."""
        if which == KEY_SPEC_THREAD_KEYRING:
            return self._own(self.of_thread, thread, thread, b"_tid", create=create)
        if which == KEY_SPEC_PROCESS_KEYRING:
            return self._own(self.of_process, thread.process, thread, b"_pid", create=create)
        if which == KEY_SPEC_SESSION_KEYRING:
            return self._session(thread, create=create)
        if which == KEY_SPEC_USER_KEYRING:
            return self.user_rings(thread)[0]
        if which == KEY_SPEC_USER_SESSION_KEYRING:
            return self.user_rings(thread)[1]
        raise EINVAL

    def _own(
        self, table: WeakKeyDictionary[T, Key], holder: T, thread: Thread, name: bytes, *,
        create: bool,
    ) -> Key:  # fmt: skip
        ring = table.get(holder)
        if ring is None:
            if not create:
                raise ENOKEY
            ring = table[holder] = self.make(KEYRING, name, thread.cred, POSSESSOR_ALL | USER_VIEW)
        return ring

    def _session(self, thread: Thread, *, create: bool) -> Key:
        """Return the session keyring: the user's until something is put into one of its own."""
        users = self.user_rings(thread)[1]
        session = self.sessions.get(thread)
        if create and session in (None, users):
            return self.join(thread, b"")
        if session is None:
            session = self.sessions[thread] = users
        return session

    def join(self, thread: Thread, name: bytes) -> Key:
        """Begin a session, a new one without a name (KEYCTL_JOIN_SESSION_KEYRING)."""
        ring = self.named_ring(name, thread.cred) if name else None
        if ring is None:
            perm = _NAMED_PERM if name else _SESSION_PERM
            ring = self.make(KEYRING, name or b"_ses", thread.cred, perm)
        self.sessions[thread] = ring
        return ring
