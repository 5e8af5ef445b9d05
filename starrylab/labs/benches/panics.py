"""A kernel that ends tells where: the kernel's frames, the student's, and the program's."""

from __future__ import annotations

from ...debug.last_stacks import PanicReport
from ...debug.stack import Stacks
from ...kernel.kernel import Kernel
from ..student import KernelPanic


def explain_panics(kernel: Kernel) -> None:
    """Let a panic's text have the one stack that led to it."""
    kernel.describe_panic = lambda bug: PanicReport(Stacks(kernel)).describe(bug)


def raise_panic(kernel: Kernel) -> None:
    """Raise `KernelPanic` if the kernel ended in one."""
    if kernel.panic_text is not None:
        raise KernelPanic(kernel.panic_text)
