"""Lab 2: a console for the kernel's messages, down to the registers of a 16550 UART."""

from __future__ import annotations

from typing import Any

THR = 0
LCR = 3
LSR = 5
DLL, DLM = 0, 1

LSR_THRE = 0x20

_8N1 = 3
_DLAB = 0x80
_RED, _YELLOW, _RESET = b"\x1b[31m", b"\x1b[33m", b"\x1b[0m"


def setup(uart: Any, baud: int, clock_hz: int) -> None:
    """Program the chip for ``baud`` and 8 data bits, no parity, 1 stop bit."""
    divisor = round(clock_hz / (16 * baud))
    uart.write8(LCR, _DLAB | _8N1)
    uart.write8(DLL, divisor & 0xFF)
    uart.write8(DLM, divisor >> 8)
    uart.write8(LCR, _8N1)


def put(uart: Any, byte: int) -> None:
    """Send one byte, once the chip takes it; a newline is sent as CR LF."""
    if byte == 10:
        put(uart, 13)
    while not uart.read8(LSR) & LSR_THRE:
        pass
    uart.write8(THR, byte)


def print_line(uart: Any, level: int, text: bytes) -> None:
    """Print a line of the kernel log: levels 0-3 in red, 4 in yellow, others as they are."""
    colour = _RED if level <= 3 else _YELLOW if level == 4 else b""
    visible = text
    line = colour + visible + (_RESET if colour else b"")
    for byte in line + b"\n":
        put(uart, byte)
