"""/proc/sys of namespaces: how many there may be, and ids without a mapping (proc_sys_user(5))."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from ....abi.capability import CAP_SYS_RESOURCE
from ...namespaces.user import OVERFLOW_ID
from ._declare import proc
from ._numbers import number

if TYPE_CHECKING:
    from ...kernel import Kernel
    from ...thread import Thread

_KINDS: Final = ("ipc", "mnt", "net", "pid", "time", "user", "uts")


def _limit(name: str, kernel: Kernel) -> str:
    return f"{kernel.registry.limit(name)}\n"


def _set_limit(name: str, kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    if thread is not None:
        thread.cred.require(CAP_SYS_RESOURCE)
    kernel.registry.limits[name] = number(data)


def _declare(render: Callable[[Kernel], str]) -> Callable[[Kernel], str]:
    """Give ``render`` a file for each kind of namespace."""
    for name in _KINDS:
        path = f"sys/user/max_{name}_namespaces"
        declared = proc(path, mode=0o644, write=partial(_set_limit, name))(partial(_limit, name))
        render.__proc__ = (  # type: ignore[attr-defined]
            *getattr(render, "__proc__", ()),
            *declared.__proc__,  # type: ignore[attr-defined]
        )
    return render


@_declare
@proc("sys/kernel/overflowuid")
@proc("sys/kernel/overflowgid")
@proc("sys/fs/overflowuid")
@proc("sys/fs/overflowgid")
def overflow_id(_: Kernel) -> str:
    """Show the id that stands for one without a mapping."""
    return f"{OVERFLOW_ID}\n"
