"""A kernel that ends tells where: the kernel's frames, the student's, and the program's."""

from __future__ import annotations

from ...debug.last_stacks import PanicReport
from ...debug.stack import Stacks
from ...kernel.kernel import Kernel
from ..student import KernelPanic


def explain_panics(kernel: Kernel, *, programs: bool = True) -> None:
    """Let a panic's text have the one stack that led to it; see `PanicReport`."""
    report = PanicReport(Stacks(kernel), programs=programs)
    kernel.describe_panic = report.describe


def raise_panic(kernel: Kernel) -> None:
    """Raise `KernelPanic` if the kernel ended in one."""
    if kernel.panic_text is not None:
        raise KernelPanic(kernel.panic_text)
