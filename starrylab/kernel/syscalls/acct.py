"""Process accounting (acct(2))."""

from __future__ import annotations

from stat import S_ISREG
from typing import TYPE_CHECKING

from ...abi.capability import CAP_SYS_PACCT
from ...abi.errno import EACCES
from ...abi.fcntl import O_APPEND, O_LARGEFILE, O_WRONLY
from ..files.opening import open_place
from ..vfs.open_options import locate
from ._declare import syscall
from ._shown import InString

if TYPE_CHECKING:
    from ..thread import Thread


@syscall(partial="it goes on where little space is left, and the flag of superusers is never set")
def acct(t: Thread, path: InString) -> None:
    """acct(2): write a record of each process that ends to a file; without one, stop that."""
    t.cred.require(CAP_SYS_PACCT)
    file = None
    if path:
        flags = O_WRONLY | O_APPEND | O_LARGEFILE
        place = locate(t.fs, t.mm.read_cstr(path), flags, 0, t.cred, None)
        if not S_ISREG(place.node.mode):
            raise EACCES
        file = open_place(t, place, flags, t.cred)
        file.acquire()
    before, t.kernel.accounting = t.kernel.accounting, file
    if before is not None:
        before.release()
