"""Lab 2: a console for the kernel's messages, down to the registers of a 16550 UART."""

from __future__ import annotations

from typing import Any

# Registers (offsets) of the 16550, while DLAB is 0:
THR = 0  # write: transmitter holding register
LCR = 3  # line control: bits 0-1 word length - 5, bit 7 DLAB
LSR = 5  # read: line status
# ... and while DLAB, bit 7 of LCR, is 1:
DLL, DLM = 0, 1  # divisor, low and high byte

LSR_THRE = 0x20  # THR is empty: it takes the next byte


def setup(uart: Any, baud: int, clock_hz: int) -> None:
    """Program the chip for ``baud`` and 8 data bits, no parity, 1 stop bit."""
    raise NotImplementedError("setup")


def put(uart: Any, byte: int) -> None:
    """Send one byte, once the chip takes it; a newline is sent as CR LF."""
    raise NotImplementedError("put")


def print_line(uart: Any, level: int, text: bytes) -> None:
    """Print a line of the kernel log: levels 0-3 in red, 4 in yellow, others as they are."""
    raise NotImplementedError("print_line")
