"""From a question to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .files import files_details, folder_details
from .memory import address_details, memory_details
from .model import (
    AboutAddress,
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


def answer(kernel: Kernel, question: Question) -> Answer:
    """Look at ``kernel`` and answer."""
    match question:
        case AboutProcess(pid=pid):
            return process_details(kernel, pid)
        case AboutMemory(cells=cells):
            return memory_details(kernel, cells)
        case AboutAddress(pid=pid, addr=addr):
            return address_details(kernel, pid, addr)
        case AboutFiles():
            return files_details(kernel)
        case AboutFolder(path=path):
            return folder_details(kernel, path)
