"""Give a kernel its devices (design document 7.3.3, 10).

`install` makes those that every machine has.  What a machine has besides, it attaches:
`attach_serial` for each UART, of which the first is the console.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import termios as t
from ...abi.termios import Termios
from .device import DeviceTable
from .interrupts import Interrupts
from .job_control import KernelSurroundings
from .kmsg import KernelLog, Kmsg
from .memory import memory_devices
from .memtrack import MemTrack
from .pty import Ptys
from .terminals import SERIAL_MAJOR, SERIAL_MINOR, Console, CurrentTty, Ptmx, TtyDevice
from .tty import Tty
from .uart import UartDriver
from .userfaultfd import UserfaultDevice

if TYPE_CHECKING:
    from ...machine.mmio import InterruptLine, Mmio
    from ..kernel import Kernel

UART_IRQ: Final = 10  #: QEMU's "virt" board has its UART there
_CONSOLE_CFLAG: Final = t.B115200 | t.CS8 | t.CREAD | t.HUPCL | t.CLOCAL


def install(kernel: Kernel) -> None:
    """Set up the table of devices, interrupts, the log and pseudo-terminals of ``kernel``.

    It sets ``kernel.devices``, ``interrupts``, ``klog``, ``log``, ``ptys`` and ``console``.
    """
    kernel.devices = devices = DeviceTable()
    kernel.interrupts = Interrupts()
    boot = kernel.executor.now
    kernel.klog = KernelLog(lambda: kernel.executor.now - boot)
    kernel.log = kernel.klog.log  # type: ignore[method-assign]
    kernel.ptys = Ptys(KernelSurroundings(kernel))
    kernel.console = Console()
    for device in memory_devices(kernel.frames, kernel.random):
        devices.add(device)
    for device in (
        Kmsg(kernel.klog), CurrentTty(), kernel.console, Ptmx(kernel.ptys), MemTrack(kernel),
        UserfaultDevice(),
    ):  # fmt: skip
        devices.add(device)


def attach_serial(
    kernel: Kernel, registers: Mmio, *, irq: int = UART_IRQ, clock_hz: int = 1_843_200
) -> tuple[Tty, InterruptLine]:
    """Drive a 16550 as the next ttyS; the first one becomes the console.

    Returns the terminal, and the interrupt line that the chip is to drive.  Connect the
    line before input arrives.
    """
    devices: DeviceTable = kernel.devices
    index = 0
    while ("char", SERIAL_MAJOR, SERIAL_MINOR + index) in devices:
        index += 1
    surroundings = KernelSurroundings(kernel)
    driver = UartDriver(registers, surroundings, clock_hz)
    name = b"ttyS%d" % index
    settings = Termios(
        iflag=t.ICRNL | t.IXON | t.IUTF8, cflag=_CONSOLE_CFLAG, ispeed=115200, ospeed=115200
    )
    tty = Tty(name, (SERIAL_MAJOR, SERIAL_MINOR + index), driver, surroundings, settings)
    line: InterruptLine = kernel.interrupts.request(irq, name.decode(), driver.interrupt)
    driver.start(tty)
    devices.add(TtyDevice(tty))
    if kernel.console.tty is None:
        kernel.console.tty = tty
    return tty, line
