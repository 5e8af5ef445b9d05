"""The driver of a 16550 UART (design document 10.4; PC16550D data sheet).

It touches the chip through registers and one interrupt line only.  Input reaches the
terminal by interrupt.  Output goes out in bursts as large as the chip takes; what it does
not take waits here for the interrupt that tells that the FIFO is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import ioctl as io
from ...abi import termios as t
from ...abi.termios import Termios
from ...machine.mmio import Mmio
from .tty_driver import TtyDriver

if TYPE_CHECKING:
    from .job_control import Surroundings
    from .tty import Tty

_DATA, _IER, _IIR, _FCR, _LCR, _MCR, _LSR, _MSR = 0, 1, 2, 2, 3, 4, 5, 6
_DLL, _DLM = 0, 1
_IER_RX, _IER_TX, _IER_LINE, _IER_MODEM = 1, 2, 4, 8
_IIR_NONE = 1
_FCR_ON: Final = 0x87  #: enable, clear both, trigger at 8 bytes
_LCR_STOP2, _LCR_PARITY, _LCR_EVEN, _LCR_STICK, _LCR_BREAK, _LCR_DLAB = 4, 8, 16, 32, 64, 128
_MCR_DTR, _MCR_RTS, _MCR_OUT1, _MCR_OUT2, _MCR_LOOP = 1, 2, 4, 8, 16
_LSR_DR, _LSR_OE, _LSR_PE, _LSR_FE, _LSR_BI, _LSR_THRE = 1, 2, 4, 8, 16, 32
_LSR_ERRORS: Final = _LSR_PE | _LSR_FE | _LSR_BI

_LIMIT: Final = 4096  #: bytes of output that wait here (UART_XMIT_SIZE); an echo comes behind them
_ECHOES: Final = 4096  #: bytes that only echoes may take beyond that, as N_TTY's echo buffer
_BURST: Final = 4096  #: bytes read at a time
_WORD: Final = {t.CS5: 0, t.CS6: 1, t.CS7: 2, t.CS8: 3}
_MODEM_OUT: Final = (
    (_MCR_DTR, io.TIOCM_DTR),
    (_MCR_RTS, io.TIOCM_RTS),
    (_MCR_OUT1, io.TIOCM_OUT1),
    (_MCR_OUT2, io.TIOCM_OUT2),
    (_MCR_LOOP, io.TIOCM_LOOP),
)
_MODEM_IN: Final = (
    (0x10, io.TIOCM_CTS),
    (0x20, io.TIOCM_DSR),
    (0x40, io.TIOCM_RNG),
    (0x80, io.TIOCM_CAR),
)


class UartDriver(TtyDriver):
    """One UART."""

    def __init__(
        self, registers: Mmio, surroundings: Surroundings, clock_hz: int = 1_843_200
    ) -> None:
        self.registers = registers  #: of the chip
        self._around = surroundings
        self._clock_hz = clock_hz
        self.tty: Tty | None = None
        self.received = 0  #: bytes
        self.sent = 0
        self.errors = {"overrun": 0, "parity": 0, "framing": 0, "break": 0}
        self._waiting = bytearray()  #: output that the chip has not taken
        self._stopped = False  #: by the line discipline
        self._ier = 0
        self._mcr = 0
        self._lcr = 0

    def start(self, tty: Tty) -> None:
        """Program the chip for ``tty`` and let it interrupt."""
        self.tty = tty
        write = self.registers.write8
        write(_IER, 0)
        write(_FCR, _FCR_ON)
        self._program(tty.termios)
        self._set_mcr(_MCR_DTR | _MCR_RTS | _MCR_OUT2)
        self._set_ier(_IER_RX | _IER_LINE | _IER_MODEM)

    # -- interrupts -----------------------------------------------------------------------

    def interrupt(self) -> None:
        """Serve everything the chip asks for."""
        read = self.registers.read8
        while not (iir := read(_IIR)) & _IIR_NONE:
            source = iir >> 1 & 7
            if source == 1:
                self._send_more()
            elif source == 0:
                read(_MSR)
            else:
                self._receive()

    def _receive(self) -> None:
        registers = self.registers
        tty = self.tty
        assert tty is not None
        while (lsr := registers.read8(_LSR)) & (_LSR_DR | _LSR_OE):
            if lsr & _LSR_OE:
                self.errors["overrun"] += 1
            if not lsr & _LSR_DR:
                return
            if lsr & _LSR_ERRORS:
                self._receive_bad(tty, lsr, registers.read8(_DATA))
                continue
            data = registers.read_burst(_DATA, _BURST)
            self.received += len(data)
            if tty.termios.cflag & t.CREAD:
                tty.receive(data)

    def _receive_bad(self, tty: Tty, lsr: int, byte: int) -> None:
        if lsr & _LSR_BI:
            self.errors["break"] += 1
            tty.receive_break()
            return
        self.errors["parity" if lsr & _LSR_PE else "framing"] += 1
        tty.receive_bad(bytes((byte,)))

    def _send_more(self) -> None:
        if self._waiting and not self._stopped:
            taken = self.registers.write_burst(_DATA, bytes(self._waiting))
            del self._waiting[:taken]
            self.sent += taken
            if taken and self.tty is not None:
                self.tty.output_space()
        if not self._waiting or self._stopped:
            self._set_ier(self._ier & ~_IER_TX)

    # -- TtyDriver --------------------------------------------------------------------------

    def room(self) -> int:
        """See ``TtyDriver.room``."""
        return max(0, _LIMIT - len(self._waiting))

    def write(self, data: bytes) -> None:
        """See ``TtyDriver.write``."""
        if not self._waiting and not self._stopped:
            registers = self.registers
            if registers.read8(_LSR) & _LSR_THRE:
                taken = registers.write_burst(_DATA, data)
                self.sent += taken
                if taken == len(data):
                    return
                data = data[taken:]
        self._waiting += data
        if not self._stopped:
            self._set_ier(self._ier | _IER_TX)

    def echo(self, data: bytes) -> None:
        """See ``TtyDriver.echo``: a program that floods must not swallow what is typed."""
        self.write(data[: max(0, _LIMIT + _ECHOES - len(self._waiting))])

    def pending(self) -> int:
        """See ``TtyDriver.pending``."""
        return len(self._waiting)

    def flush(self) -> None:
        """See ``TtyDriver.flush``."""
        self._waiting.clear()

    def flow_changed(self, stopped: bool) -> None:
        """See ``TtyDriver.flow_changed``."""
        self._stopped = stopped
        if not stopped and self._waiting:
            self._set_ier(self._ier | _IER_TX)

    def throttle(self, on: bool) -> None:
        """See ``TtyDriver.throttle``: RTS tells the other end."""
        self._set_mcr(self._mcr & ~_MCR_RTS if on else self._mcr | _MCR_RTS)

    def send_urgent(self, byte: int) -> None:
        """See ``TtyDriver.send_urgent``."""
        if self.registers.write_burst(_DATA, bytes((byte,))) == 0:
            self._waiting.insert(0, byte)
            self._set_ier(self._ier | _IER_TX)

    def send_break(self, duration_ns: int) -> None:
        """See ``TtyDriver.send_break``."""
        self._set_lcr(self._lcr | _LCR_BREAK)
        end = self._around.now() + duration_ns
        self._around.call_at(end, lambda: self._set_lcr(self._lcr & ~_LCR_BREAK))

    def modem_lines(self) -> int:
        """See ``TtyDriver.modem_lines``."""
        msr = self.registers.read8(_MSR)
        out = sum(line for bit, line in _MODEM_OUT if self._mcr & bit)
        return out | sum(line for bit, line in _MODEM_IN if msr & bit)

    def set_modem_lines(self, lines: int) -> None:
        """See ``TtyDriver.set_modem_lines``."""
        self._set_mcr(sum(bit for bit, line in _MODEM_OUT if lines & line))

    def configure(self, new: Termios, old: Termios) -> None:
        """See ``TtyDriver.configure``."""
        if (new.cflag, new.ospeed) != (old.cflag, old.ospeed):
            self._program(new)
            if not new.ospeed:  # B0 hangs up
                self._set_mcr(self._mcr & ~(_MCR_DTR | _MCR_RTS))
            elif not old.ospeed:
                self._set_mcr(self._mcr | _MCR_DTR | _MCR_RTS)

    # -- registers --------------------------------------------------------------------------

    def _program(self, termios: Termios) -> None:
        cflag = termios.cflag
        lcr = _WORD[cflag & t.CSIZE]
        lcr |= _LCR_STOP2 if cflag & t.CSTOPB else 0
        if cflag & t.PARENB:
            lcr |= _LCR_PARITY | (0 if cflag & t.PARODD else _LCR_EVEN)
            lcr |= _LCR_STICK if cflag & t.CMSPAR else 0
        if termios.ospeed:
            divisor = max(1, min(0xFFFF, self._clock_hz // (16 * termios.ospeed)))
            self._set_lcr(lcr | _LCR_DLAB)
            self.registers.write8(_DLL, divisor & 0xFF)
            self.registers.write8(_DLM, divisor >> 8)
        self._set_lcr(lcr)

    def _set_lcr(self, value: int) -> None:
        self._lcr = value
        self.registers.write8(_LCR, value)

    def _set_mcr(self, value: int) -> None:
        if value != self._mcr:
            self._mcr = value
            self.registers.write8(_MCR, value)

    def _set_ier(self, value: int) -> None:
        if value != self._ier:
            self._ier = value
            self.registers.write8(_IER, value)
