"""Why a thread must look up before its next user instruction: the bits of `Thread.attention`.

One word, so that the fast path of a trap tests it once.
"""

from __future__ import annotations

from typing import Final

ATTENTION_SIGNAL: Final = 1  #: look for signals
ATTENTION_RESCHED: Final = 2  #: let somebody more important run
ATTENTION_EXIT: Final = 4  #: end
ATTENTION_STOP: Final = 8  #: stop, if the process is still stopped
ATTENTION_RESTORE: Final = 16  #: a call replaced the signal mask for its own duration
ATTENTION_TRACE: Final = 32  #: ask the tracer before going to user mode
