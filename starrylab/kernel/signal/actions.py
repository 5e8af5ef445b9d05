"""What a process does with each signal (design document 8.2, sigaction(2))."""

from __future__ import annotations

from typing import Final, NamedTuple

from ...abi.signal import SIG_DFL, SIG_IGN
from .sets import IGNORED, NSIG, SignalSet


class SignalAction(NamedTuple):
    """``struct sigaction`` as the kernel sees it."""

    handler: int = SIG_DFL  #: user address, SIG_DFL or SIG_IGN
    flags: int = 0  #: SA_*
    mask: SignalSet = 0  #: blocked while the handler runs
    restorer: int = 0  #: user address; only on architectures that have it


DEFAULT: Final = SignalAction()


class SignalActions:
    """The actions of all signals; threads share one object (CLONE_SIGHAND)."""

    __slots__ = ("_actions", "caught", "ignored")

    def __init__(
        self,
        actions: list[SignalAction] | None = None,
        ignored: SignalSet = IGNORED,
        caught: SignalSet = 0,
    ) -> None:
        self._actions = [DEFAULT] * (NSIG + 1) if actions is None else actions
        self.ignored = ignored  #: those that do nothing, by SIG_IGN or by default
        self.caught = caught  #: those that have a handler

    def __getitem__(self, signo: int) -> SignalAction:
        return self._actions[signo]

    def __setitem__(self, signo: int, action: SignalAction) -> None:
        mask = 1 << signo - 1
        self._actions[signo] = action
        handler = action.handler
        if handler == SIG_IGN or (handler == SIG_DFL and mask & IGNORED):
            self.ignored |= mask
        else:
            self.ignored &= ~mask
        if handler in (SIG_IGN, SIG_DFL):
            self.caught &= ~mask
        else:
            self.caught |= mask

    @property
    def ignored_by_choice(self) -> SignalSet:
        """The signals set to SIG_IGN (SigIgn of proc_pid_status(5))."""
        actions = self._actions
        return sum(1 << n - 1 for n in range(1, NSIG + 1) if actions[n].handler == SIG_IGN)

    def copy(self) -> SignalActions:
        """Return equal actions for a new process."""
        return SignalActions(self._actions.copy(), self.ignored, self.caught)

    def reset_for_exec(self) -> None:
        """Drop handlers; what is ignored stays ignored (execve(2))."""
        caught = self.caught
        while caught:
            signo = (caught & -caught).bit_length()
            caught &= caught - 1
            self[signo] = DEFAULT
