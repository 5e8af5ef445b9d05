"""What a process and a thread have of signals (design document 8.3).

`ProcessSignals` and `ThreadSignals` are the document's ``ProcessSignalManager`` and
``ThreadSignalManager``.  They know queues and masks, not threads or scheduling; whoever
sends a signal decides whom to wake (`kernel.thread_signals`).
"""

from __future__ import annotations

from ..core.poll import PollSet
from .actions import SignalActions
from .info import SignalInfo
from .pending import PendingSignals
from .sets import SYNCHRONOUS, UNBLOCKABLE, SignalSet
from .stack import NO_STACK, SignalStack


class ProcessSignals:
    """Actions and the queue that all threads of a process share."""

    __slots__ = ("actions", "arrived", "killable", "pending")

    def __init__(self, actions: SignalActions | None = None) -> None:
        self.actions = actions if actions is not None else SignalActions()
        self.pending = PendingSignals()
        self.arrived = PollSet()  #: woken at every signal for the process or one of its threads
        #: Whether the first process dies like any other: it is no init, or faulted.
        self.killable = False


class ThreadSignals:
    """Mask, private queue and alternate stack of one thread."""

    __slots__ = ("altstack", "mask", "pending", "process", "saved_mask", "waited")

    def __init__(self, process: ProcessSignals) -> None:
        self.process = process
        self.mask: SignalSet = 0  #: blocked signals; never SIGKILL or SIGSTOP
        self.pending = PendingSignals()
        self.altstack: SignalStack = NO_STACK
        self.saved_mask: SignalSet | None = None  #: the mask to come back to after a wait
        self.waited: SignalSet = 0  #: what sigtimedwait(2) waits for: taken, not delivered

    def deliverable(self) -> SignalSet:
        """Return the pending signals that are not blocked."""
        return (self.pending.set | self.process.pending.set) & ~(self.mask | self.waited)

    def pending_any(self) -> bool:
        """Tell whether a signal can be delivered now."""
        return bool((self.pending.set | self.process.pending.set) & ~(self.mask | self.waited))

    def pending_set(self) -> SignalSet:
        """Return everything pending for the thread, blocked or not."""
        return self.pending.set | self.process.pending.set

    def refuses(self, signo: int) -> bool:
        """Tell whether the thread blocks or ignores a signal (a terminal asks for SIGTTIN)."""
        return bool(1 << signo - 1 & (self.mask | self.process.actions.ignored))

    def dequeue(self) -> SignalInfo | None:
        """Remove and return the signal to deliver next: Linux's order."""
        return self.dequeue_any_of(~(self.mask | self.waited))

    def dequeue_any_of(self, wanted: SignalSet) -> SignalInfo | None:
        """Remove and return a pending signal out of ``wanted`` (sigtimedwait(2), signalfd(2))."""
        queue = self.pending
        ready = queue.set & wanted
        if not ready:
            queue = self.process.pending
            ready = queue.set & wanted
            if not ready:
                return None
        if ready & SYNCHRONOUS:
            ready &= SYNCHRONOUS
        return queue.take((ready & -ready).bit_length())

    def set_temporary_mask(self, mask: SignalSet) -> bool:
        """Block ``mask`` for the duration of one wait (sigsuspend, ppoll, pselect6, epoll_pwait).

        The delivery of a signal puts the former mask into its frame; a wait that ends
        otherwise calls `restore_mask`.  Returns whether a signal can be delivered now.
        """
        if self.saved_mask is None:
            self.saved_mask = self.mask
        self.mask = mask & ~UNBLOCKABLE
        return self.pending_any()

    def restore_mask(self) -> None:
        """End a temporary mask; without one nothing happens."""
        saved, self.saved_mask = self.saved_mask, None
        if saved is not None:
            self.mask = saved

    def reset_for_exec(self) -> None:
        """Forget the alternate stack; mask and pending signals stay (execve(2))."""
        self.altstack = NO_STACK
        self.saved_mask = None
        self.waited = 0
