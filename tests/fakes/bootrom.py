"""A JH7110 in UART mode: the boot ROM, the SPL, and U-Boot behind them."""

from __future__ import annotations

from .receiver import SOH, STX, Failed, Quirks, Receiver
from .uboot import FakeUBoot


class FakeBootRom(FakeUBoot):
    """`flood`: how often the ROM says NAK before it takes the first block."""

    def __init__(self, scale: float = 0.05, flood: int = 0, hopeless: bool = False) -> None:
        super().__init__(scale)
        self.flood = flood
        self.hopeless = hopeless
        self.spl = b""
        self.uboot = b""

    def boot(self) -> None:
        self.wire.forget()
        self.wire.write("\r\n(C)StarFive\r\n")
        self.spl = self.called(batch=False)
        self.wire.write("\r\nU-Boot SPL 2025.01 (fake)\r\nTrying to boot from UART\r\n")
        self.uboot = self.called(batch=True)
        super().boot()

    def called(self, *, batch: bool) -> bytes:
        """Ask for a file, again and again, and receive it."""
        while (byte := self.wire.read(0.5)) not in (SOH, STX):
            if byte is None:
                self.wire.write(b"C")
        self.wire.unread(byte)
        quirks = Quirks(naks_first=0 if batch else self.flood, etx_cancels=batch)
        if self.hopeless and not batch:
            for _ in range(100):
                self.wire.read(5.0)
            self.wire.write("CRC Error, Try again\r\n")
            while True:
                self.wire.read(0.2)
        try:
            return Receiver(self.wire, quirks, batch=batch).receive()
        except Failed:
            while True:
                self.wire.read(0.2)
