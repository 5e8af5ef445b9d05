"""Signals meet threads (design document, chapter 8; signal(7)).

`kernel.signal` holds queues and frames and knows no operating system.  This package knows
who may send (`sending`), what a fault sends (`exceptions`), what happens when a thread looks
up (`delivery`), and what stops and continues (`job_control`).

A signal goes through three steps.  ``send_*`` queues it and asks a thread to look up.  The
thread calls `choose`, which does default actions at once and returns a `Delivery` only when
a handler is to run.  `push` builds the frame, after an interrupted call has ended.
"""

from __future__ import annotations

from .delivery import (
    Delivery,
    choose,
    deliver,
    push,
    retarget,
    set_mask,
    sigreturn,
    use_temporary_mask,
)
from .exceptions import serve_fault
from .job_control import groups_losing_link, hang_up_orphans
from .sending import (
    force_fault,
    force_signal,
    from_above,
    may_signal,
    notify_parent,
    require_may_signal,
    send_group_signal,
    send_process_signal,
    send_signal,
)

__all__ = [
    "Delivery", "choose", "deliver", "force_fault", "force_signal", "from_above",
    "groups_losing_link", "hang_up_orphans", "may_signal", "notify_parent", "push",
    "require_may_signal", "retarget", "send_group_signal", "send_process_signal",
    "send_signal", "serve_fault", "set_mask", "sigreturn", "use_temporary_mask",
]  # fmt: skip
