"""The alternate signal stack (design document 8.2.1, sigaltstack(2))."""

from __future__ import annotations

from typing import Final, NamedTuple

from ...abi.errno import EINVAL, ENOMEM, EPERM
from ...abi.signal import SS_AUTODISARM, SS_DISABLE, SS_ONSTACK


class SignalStack(NamedTuple):
    """``stack_t``; a size of 0 means that there is none."""

    base: int = 0  #: lowest address
    flags: int = SS_DISABLE
    size: int = 0  #: bytes

    @property
    def top(self) -> int:
        """The address above the stack."""
        return self.base + self.size

    def contains(self, sp: int) -> bool:
        """Tell whether a stack pointer lies in the memory of this stack."""
        return self.base < sp <= self.base + self.size

    def in_use(self, sp: int) -> bool:
        """Tell whether the thread runs on this stack now, as far as the kernel wants to know."""
        return self.base < sp <= self.base + self.size and not self.flags & SS_AUTODISARM

    def reported_flags(self, sp: int) -> int:
        """Return the flags that sigaltstack(2) tells the user."""
        if not self.size:
            return SS_DISABLE | (self.flags & SS_AUTODISARM)
        return (SS_ONSTACK if self.in_use(sp) else 0) | (self.flags & SS_AUTODISARM)


NO_STACK: Final = SignalStack()


def changed(old: SignalStack, new: SignalStack, sp: int, minimum: int) -> SignalStack:
    """Return the stack in force after sigaltstack(2) with ``new``.

    Raises ``EPERM`` while the thread runs on the old one, ``EINVAL`` for unknown flags,
    ``ENOMEM`` below ``minimum`` bytes.
    """
    if old.in_use(sp):
        raise EPERM
    mode = new.flags & ~SS_AUTODISARM
    if mode not in (SS_DISABLE, SS_ONSTACK, 0):
        raise EINVAL
    if mode == SS_DISABLE:
        return SignalStack(0, new.flags, 0)
    if new.size < minimum:
        raise ENOMEM
    return new
