"""From a question to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...debug.faults import FaultCounter
from .calls import call_source, calls_details
from .files import files_details, folder_details
from .memory import address_details, memory_details
from .model import (
    AboutAddress,
    AboutCall,
    AboutCalls,
    AboutFiles,
    AboutFolder,
    AboutMemory,
    AboutProcess,
    Answer,
    Question,
)
from .process import process_details

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel

_PATIENCE: Final = 8  #: snapshots without a question about memory until faults are not counted


class Answerer:
    """Looks at one kernel.  Page faults are counted only while somebody asks about memory."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._faults = FaultCounter(kernel)
        self._unasked = 0

    def answer(self, question: Question) -> Answer:
        """Answer ``question``."""
        kernel = self._kernel
        match question:
            case AboutProcess(pid=pid):
                return process_details(kernel, pid)
            case AboutMemory(cells=cells):
                self._unasked = 0
                self._faults.start()
                return memory_details(kernel, cells, tuple(self._faults.counts.most_common()))
            case AboutAddress(pid=pid, addr=addr):
                return address_details(kernel, pid, addr)
            case AboutFiles():
                return files_details(kernel)
            case AboutFolder(path=path):
                return folder_details(kernel, path)
            case AboutCalls():
                return calls_details(kernel)
            case AboutCall(name=name):
                return call_source(name)

    def snapshot_taken(self) -> None:
        """Note that time passes: what nobody asks about any more is not counted any more."""
        self._unasked += 1
        if self._unasked > _PATIENCE:
            self._faults.stop()
