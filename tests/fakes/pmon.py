"""PMON on a pseudo-terminal: `ymodem` at its own rate, no checksum, `g -e`."""

from __future__ import annotations

from collections.abc import Callable

from .receiver import Failed
from .uboot import FakeLoader


class FakePmon(FakeLoader):
    prompt = "PMON> "
    interrupted = "^C\r\n"

    def boot(self) -> None:
        self.wire.forget()
        self.wire.write("\r\nPMON2000 MIPS Initializing. Standby...\r\n")
        self.wire.sleep(0.5)
        self.wire.write("Press <Enter> to execute loading image:sd0\r\n")
        self.wire.write("Press any other key to abort.\r\n")
        key = self.wire.read(8.0)
        if key is None or key == ord("\r"):
            self.wire.write("Loading file: sd0\r\n")
            while True:
                self.wire.read(0.2)
        self.shell()

    def commands(self) -> dict[str, Callable[..., None]]:
        return {"ymodem": self.ymodem, "g": self.go}

    def ymodem(self, base: str) -> None:
        try:
            self.receive(int(base.removeprefix("base="), 16))
        except Failed as failure:
            self.wire.write(f"{failure}\r\n")

    def go(self, option: str, address: str) -> None:
        assert option == "-e"
        self.run_image(int(address, 16))
