"""/dev/userfaultfd: who may open it may watch memory (userfaultfd(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EINVAL
from ...abi.userfaultfd import USERFAULTFD_IOC_NEW
from ..files.userfaultfd import new_userfaultfd
from .device import Device

if TYPE_CHECKING:
    from ..thread import Thread


class UserfaultDevice(Device):
    """Its one request makes a userfaultfd; the argument is its flags."""

    name, major, minor = b"userfaultfd", 10, 257
    mode = 0o600
    driver = "misc"

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """See ``Device.ioctl``: Linux says ``EINVAL`` to other requests here."""
        if request != USERFAULTFD_IOC_NEW:
            raise EINVAL
        return new_userfaultfd(thread, arg)
