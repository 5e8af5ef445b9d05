"""What lies in a socket's queue, and what one read takes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ...files.file import File
    from .socket import UnixSocket


class Sender(NamedTuple):
    """Who sent a message, or connected (struct ucred)."""

    pid: int
    uid: int
    gid: int


@dataclass(slots=True)
class Message:
    """What one write put into the queue."""

    data: bytes
    sender: Sender
    origin: UnixSocket | None = None  #: whose buffer it still takes `cost` bytes of
    files: tuple[File, ...] = ()  #: each counted as held
    cost: int = 0
    head: int = 0  #: bytes a stream's reader has taken


class Received(NamedTuple):
    """What one read took."""

    data: bytes
    size: int  #: of the whole message, which may be more than was taken
    sender: Sender | None  #: None at the end of the stream
    files: tuple[File, ...]  #: the receiver holds them now
    name: bytes = b""  #: of the sending socket; b"" if it has none
