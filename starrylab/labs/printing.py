"""`print` for a student's file in a running kernel: a line of the kernel log.

The host's standard output is the guest's terminal, or nowhere; a kernel has its log, which the
console shows and dmesg(1) repeats.  Until there is a kernel, it is standard error.
"""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel

_INFO: Final = 6  #: syslog(2)


class Printer:
    """Stands for `print`."""

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self._printing = False

    def __call__(
        self, *values: object, sep: str | None = " ", end: str | None = "\n",
        file: IO[str] | None = None, flush: bool = False,
    ) -> None:  # fmt: skip
        """See `print`; each line is a record of its own, and ``end`` makes no difference."""
        if file is not None or self.kernel is None or self._printing:
            print(*values, sep=sep, end=end, file=file or sys.stderr, flush=flush)
            return
        self._printing = True  # the way to the console may lead through the student's code
        try:
            text = (" " if sep is None else sep).join(map(str, values))
            for line in text.splitlines():
                self.kernel.klog.append(line.encode(errors="replace"), _INFO)
        finally:
            self._printing = False
