"""NS16550A: the UART of PCs, of QEMU's "virt" board and, as "snps,dw-apb-uart", of the JH7110.

Registers and bits: National Semiconductor PC16550D data sheet (June 1995), table II and
sections 8.0 to 8.6.  Not modelled: the time a character takes (the other end is as quick
as it says with `hold`), DMA modes (pins RXRDY and TXRDY), and the gate of the PC's OUT2 pin.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from ..base.bits import Bits, Field
from ..machine.mmio import InterruptLine
from .mmio import MmioDevice, reads, unconnected, writes

RBR = THR = DLL = 0
IER_REG = DLM = 1
IIR_REG = FCR_REG = 2
LCR_REG, MCR_REG, LSR_REG, MSR_REG, SCR_REG = 3, 4, 5, 6, 7


class IER(Bits):
    """Interrupt enable register."""

    ERBFI = Field(0)  #: received data available
    ETBEI = Field(1)  #: transmitter holding register empty
    ELSI = Field(2)  #: receiver line status
    EDSSI = Field(3)  #: modem status


class IIR(Bits):
    """Interrupt identification register."""

    NONE = Field(0)  #: no interrupt is pending
    ID = Field(3, 1)
    FIFOS = Field(7, 6)  #: 3 while the FIFOs are on


class FCR(Bits):
    """FIFO control register."""

    ENABLE = Field(0)
    CLEAR_RX = Field(1)
    CLEAR_TX = Field(2)
    DMA = Field(3)  #: not modelled
    TRIGGER = Field(7, 6)


class LCR(Bits):
    """Line control register."""

    WLS = Field(1, 0)  #: word length - 5
    STB = Field(2)
    PEN = Field(3)
    EPS = Field(4)
    STICK = Field(5)
    BREAK = Field(6)
    DLAB = Field(7)


class MCR(Bits):
    """Modem control register."""

    DTR = Field(0)
    RTS = Field(1)
    OUT1 = Field(2)
    OUT2 = Field(3)
    LOOP = Field(4)


class LSR(Bits):
    """Line status register."""

    DR = Field(0)  #: data ready
    OE = Field(1)  #: overrun
    PE = Field(2)  #: parity error
    FE = Field(3)  #: framing error
    BI = Field(4)  #: break
    THRE = Field(5)  #: transmitter holding register (FIFO) empty
    TEMT = Field(6)  #: transmitter empty
    ERR = Field(7)  #: an error somewhere in the receiver FIFO


class MSR(Bits):
    """Modem status register."""

    DCTS = Field(0)
    DDSR = Field(1)
    TERI = Field(2)
    DDCD = Field(3)
    CTS = Field(4)
    DSR = Field(5)
    RI = Field(6)
    DCD = Field(7)


#: Bits of the LSR, as `receive_bad` takes them.
OE_BIT, PE_BIT, FE_BIT, BI_BIT = (int(LSR(**{bit: 1})) for bit in ("OE", "PE", "FE", "BI"))
_DR, _THRE_TEMT, _FIFO_ERROR = int(LSR(DR=1)), int(LSR(THRE=1, TEMT=1)), int(LSR(ERR=1))
_ERRORS: Final = OE_BIT | PE_BIT | FE_BIT | BI_BIT
_LINE_STATUS, _DATA, _TIMEOUT, _EMPTY, _MODEM = 3, 2, 6, 1, 0  #: IIR.ID, by priority
_TRIGGERS: Final = (1, 4, 8, 14)


class Uart16550(MmioDevice):
    """The chip, and the line to the world outside.

    The world sends with `receive` and gets what is sent through `transmit`.
    """

    size = 8
    compatible = ("ns16550a", "snps,dw-apb-uart")

    def __init__(
        self,
        irq: InterruptLine = unconnected,
        *,
        transmit: Callable[[bytes], object] = len,
        fifo: int = 16,
        paced: bool = True,
    ) -> None:
        super().__init__(irq)
        self.transmit = transmit
        self.request_to_send: Callable[[bool], object] = bool  #: RTS changed
        self.on_break: Callable[[bool], object] = bool
        self.fifo = fifo  #: bytes; 16 on the original
        #: Whether the other end sends only what finds room.  If not, too much is an overrun.
        self.paced = paced
        self._line: deque[int] = deque()  #: on their way: byte, and LSR error bits << 8
        self._received: deque[int] = deque()
        self._sending = bytearray()  #: what `hold` keeps in the transmitter FIFO
        self._held = False
        self._empty_event = False  #: the THRE interrupt is due
        self._overrun = 0
        self._ier, self._fcr, self._lcr, self._mcr = IER(), FCR(), LCR(), MCR()
        self._msr = MSR(CTS=1, DSR=1, DCD=1)
        self._divisor = 0
        self._scratch = 0
        self._level = False

    # -- the world outside ------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Let bytes arrive."""
        self._line.extend(data)
        self._fill()
        self._update()

    def receive_bad(self, byte: int, errors: int) -> None:
        """Let a byte arrive with error bits of the LSR; a break is byte 0 with ``BI_BIT``."""
        self._line.append(byte | (errors & _ERRORS) << 8)
        self._fill()
        self._update()

    def hold(self, on: bool) -> None:
        """Be a slow line: keep what is sent in the FIFO, until called again."""
        self._held = on
        if not on and self._sending:
            data = bytes(self._sending)
            self._sending.clear()
            self.transmit(data)
            self._empty_event = True
        self._update()

    def set_modem(self, *, cts: bool = True, dsr: bool = True, dcd: bool = True) -> None:
        """Drive the modem status inputs."""
        old = self._msr
        new = MSR(old.value & 0x0F, CTS=cts, DSR=dsr, RI=old.RI, DCD=dcd)
        new.DCTS |= new.CTS != old.CTS
        new.DDSR |= new.DSR != old.DSR
        new.DDCD |= new.DCD != old.DCD
        self._msr = new
        self._update()

    @property
    def baud_divisor(self) -> int:
        """What the divisor latch holds."""
        return self._divisor

    @property
    def line_control(self) -> LCR:
        """Word length, parity and so on, as they are set."""
        return LCR(int(self._lcr))

    # -- registers ----------------------------------------------------------------------

    @reads(RBR)
    def rbr(self) -> int:
        """Receiver buffer, or the divisor's low byte."""
        if self._lcr.DLAB:
            return self._divisor & 0xFF
        if not self._received:
            return 0
        byte = self._received.popleft() & 0xFF
        self._fill()
        self._update()
        return byte

    @writes(THR)
    def thr(self, value: int) -> None:
        """Transmitter holding register, or the divisor's low byte."""
        if self._lcr.DLAB:
            self._divisor = self._divisor & 0xFF00 | value
        else:
            self.write_burst(THR, bytes((value,)))

    @reads(IER_REG)
    def read_ier(self) -> int:
        """Interrupt enable, or the divisor's high byte."""
        return self._divisor >> 8 if self._lcr.DLAB else int(self._ier)

    @writes(IER_REG)
    def write_ier(self, value: int) -> None:
        """Interrupt enable, or the divisor's high byte; enabling ETBEI while empty interrupts."""
        if self._lcr.DLAB:
            self._divisor = self._divisor & 0xFF | value << 8
            return
        old, self._ier = self._ier, IER(value & 0x0F)
        if self._ier.ETBEI and not old.ETBEI and not self._sending:
            self._empty_event = True
        self._update()

    @reads(IIR_REG)
    def iir(self) -> int:
        """Interrupt identification; reading it ends a THRE interrupt."""
        fifos = 3 if self._fcr.ENABLE else 0
        source = self._source()
        if source is None:
            return int(IIR(NONE=1, FIFOS=fifos))
        if source == _EMPTY:
            self._empty_event = False
            self._update()
        return int(IIR(ID=source, FIFOS=fifos))

    @writes(FCR_REG)
    def fcr(self, value: int) -> None:
        """FIFO control; switching the FIFOs on or off empties them."""
        new = FCR(value)
        if new.CLEAR_RX or new.ENABLE != self._fcr.ENABLE:
            self._received.clear()
        if new.CLEAR_TX or new.ENABLE != self._fcr.ENABLE:
            self._sending.clear()
        self._fcr = FCR(ENABLE=new.ENABLE, DMA=new.DMA, TRIGGER=new.TRIGGER)
        self._fill()
        self._update()

    @reads(LCR_REG)
    def read_lcr(self) -> int:
        """Line control."""
        return int(self._lcr)

    @writes(LCR_REG)
    def write_lcr(self, value: int) -> None:
        """Line control."""
        old, self._lcr = self._lcr, LCR(value)
        if old.BREAK != self._lcr.BREAK:
            self.on_break(bool(self._lcr.BREAK))

    @reads(MCR_REG)
    def read_mcr(self) -> int:
        """Modem control."""
        return int(self._mcr)

    @writes(MCR_REG)
    def write_mcr(self, value: int) -> None:
        """Modem control; RTS lets the other end send."""
        old, self._mcr = self._mcr, MCR(value & 0x1F)
        if old.RTS != self._mcr.RTS:
            self.request_to_send(bool(self._mcr.RTS))
        self._fill()
        self._update()

    @reads(LSR_REG)
    def lsr(self) -> int:
        """Line status; reading it ends the errors it shows."""
        # Plain integers: the driver looks here before every burst.
        received = self._received
        value = self._overrun
        self._overrun = 0
        if received:
            value |= _DR | received[0] >> 8
            received[0] &= 0xFF
            if self._fcr.ENABLE and any(c > 0xFF for c in received):
                value |= _FIFO_ERROR
        if not self._sending:
            value |= _THRE_TEMT
        if value & _ERRORS:
            self._update()
        return value

    @reads(MSR_REG)
    def msr(self) -> int:
        """Modem status; reading it ends the deltas.  In loop mode it shows the MCR's outputs."""
        if self._mcr.LOOP:
            mcr = self._mcr
            return int(MSR(CTS=mcr.RTS, DSR=mcr.DTR, RI=mcr.OUT1, DCD=mcr.OUT2))
        value = int(self._msr)
        self._msr.value &= 0xF0
        self._update()
        return value

    @reads(SCR_REG)
    def read_scratch(self) -> int:
        """Scratch register."""
        return self._scratch

    @writes(SCR_REG)
    def write_scratch(self, value: int) -> None:
        """Scratch register."""
        self._scratch = value

    # -- bursts ---------------------------------------------------------------------------

    def read_burst(self, offset: int, limit: int) -> bytes:
        """See ``Mmio.read_burst``."""
        if offset != RBR or self._lcr.DLAB:
            return super().read_burst(offset, limit)
        received = self._received
        taken = bytearray()
        while received and len(taken) < limit and received[0] <= 0xFF:
            taken.append(received.popleft())
            if not received:
                self._fill()
        self._fill()
        self._update()
        return bytes(taken)

    def write_burst(self, offset: int, data: bytes) -> int:
        """See ``Mmio.write_burst``: all of it, or what fits into the FIFO of a slow line."""
        if offset != THR or self._lcr.DLAB:
            return super().write_burst(offset, data)
        if self._mcr.LOOP:
            self._line.extend(data)
            self._fill()
        elif self._held:
            data = data[: max(0, self._depth - len(self._sending))]
            self._sending += data
            self._empty_event = False
            self._update()
            return len(data)
        else:
            self.transmit(data)
        self._empty_event = True
        self._update()
        return len(data)

    # -- inside ---------------------------------------------------------------------------

    @property
    def _depth(self) -> int:
        return self.fifo if self._fcr.ENABLE else 1

    def _fill(self) -> None:
        """Move what is on the line into the receiver."""
        line, received = self._line, self._received
        if not line or (self.paced and not (self._mcr.RTS or self._mcr.LOOP)):
            return
        room = self._depth - len(received)
        if room >= len(line):
            received.extend(line)
            line.clear()
            return
        for _ in range(room):
            received.append(line.popleft())
        if not self.paced:
            line.clear()
            self._overrun = OE_BIT

    def _source(self) -> int | None:
        """Return the enabled interrupt of the highest priority."""
        ier = int(self._ier)
        if not ier:
            return None
        received = self._received
        if ier & 4 and (self._overrun or (received and received[0] > 0xFF)):
            return _LINE_STATUS
        if ier & 1 and received:
            level = _TRIGGERS[self._fcr.TRIGGER] if self._fcr.ENABLE else 1
            return _DATA if len(received) >= level else _TIMEOUT
        if ier & 2 and self._empty_event:
            return _EMPTY
        if ier & 8 and self._msr.value & 0x0F:
            return _MODEM
        return None

    def _update(self) -> None:
        level = self._source() is not None
        if level != self._level:
            self._level = level
            self.irq(level)
