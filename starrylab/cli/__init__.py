"""The command line: `starrylab` opens the console, `starrylab COMMAND` does one thing.

What can go wrong outside of a guest ends here, in one line on standard error.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

from .errors import UserError


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    gc.disable()  # until the command is imported
    try:
        from .commands import run_command  # here, so that Ctrl-C meets it already

        return run_command(sys.argv[1:] if argv is None else argv)
    except UserError as error:
        print(f"starrylab: {error}", file=sys.stderr)
        return error.status
    except BrokenPipeError:
        _drop_output()
        return 141  # as a program that SIGPIPE ended
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"starrylab: cannot write: {error.strerror}", file=sys.stderr)
        _drop_output()
        return 1
    except KeyboardInterrupt:
        print("starrylab: interrupted", file=sys.stderr)
        return _die_of_interrupt()


def _drop_output() -> None:
    """Let what is still buffered go nowhere, where the interpreter flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _die_of_interrupt() -> int:
    """End as SIGINT ends a program, so that a shell's loop around it ends too (signal(7))."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    return 130  # where the signal is blocked
