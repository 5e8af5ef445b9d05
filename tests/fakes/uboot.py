"""U-Boot on a pseudo-terminal: countdown, command line, memory, storage, and its receiver."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import partial

from .receiver import Failed, Quirks, Receiver
from .wire import FakeBoard

MEDIA = ("mmc", "sf", "virtio")
_PAGE = 4096


class Memory:
    """Sparse memory."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def write(self, address: int, data: bytes) -> None:
        at = 0
        while at < len(data):
            page, start = divmod(address + at, _PAGE)
            part = data[at : at + _PAGE - start]
            self._page(page)[start : start + len(part)] = part
            at += len(part)

    def read(self, address: int, size: int) -> bytes:
        first, last = address // _PAGE, (address + size) // _PAGE
        data = b"".join(self._page(page) for page in range(first, last + 1))
        return data[address % _PAGE :][:size]

    def _page(self, number: int) -> bytearray:
        return self._pages.setdefault(number, bytearray(_PAGE))


class FakeLoader(FakeBoard):
    """What the two boot loaders have in common: a line editor and a table of commands."""

    prompt = "=> "
    interrupted = "<INTERRUPT>\r\n"

    def __init__(self, scale: float = 0.05, rate: int = 115200) -> None:
        super().__init__(scale, rate)
        self.quirks = Quirks()
        self.memory = Memory()
        self.entered: list[str] = []  #: every line that was ended by Enter
        self.started: list[int] = []  #: addresses of programs that were started
        self.receives: list[int] = []  #: sizes of files that arrived

    def shell(self) -> None:
        last, line = "", ""
        self.wire.write(self.prompt)
        while True:
            byte = self.wire.read(0.2)
            if byte is None:
                continue
            char = chr(byte)
            if char == "\x03":
                line = ""
                self.wire.write(f"{self.interrupted}{self.prompt}")
            elif char == "\r":
                self.wire.write("\r\n")
                last, line = (line or last), ""
                if last:
                    self.entered.append(last)
                    self.execute(last)
                self.wire.write(self.prompt)
            elif char == "\x18":
                self.wire.write("\b \b" * len(line))
                line = ""
            elif char != "\x1b":
                line += char
                self.wire.write(char)

    def execute(self, line: str) -> None:
        name, *arguments = line.split() or [""]
        command: Callable[..., None] | None = self.commands().get(name)
        if command is not None:
            command(*arguments)
        else:
            self.wire.write(f"Unknown command '{name}' - try 'help'\r\n")

    def commands(self) -> dict[str, Callable[..., None]]:
        raise NotImplementedError

    def receive(self, address: int) -> None:
        data = Receiver(self.wire, self.quirks).receive()
        self.receives.append(len(data))
        self.memory.write(address, data)
        self.wire.sleep(0.25)
        size = f"## Total Size      = 0x{len(data):08x} = {len(data)} Bytes\r\n"
        self.wire.write(size + f"## Start Addr      = 0x{address:08X}\r\n")

    def run_image(self, address: int) -> None:
        self.started.append(address)
        self.wire.write("hello from the image\r\n")
        while True:
            self.wire.read(0.2)


class FakeUBoot(FakeLoader):
    """`delay`: seconds of the countdown; with 0 it looks once for a key."""

    def __init__(
        self, scale: float = 0.05, rate: int = 115200, delay: int = 2, stop_key: str | None = None
    ) -> None:
        super().__init__(scale, rate)
        self.delay = delay
        self.stop_key = stop_key
        self.storage = bytearray(8 << 20)
        self.storage_works = True
        self.has_card = True
        self.relocated = 0x8FF5_7000

    def boot(self) -> None:
        self.wire.forget()
        self.wire.write("\r\nU-Boot SPL 2025.01 (fake)\r\n")
        self.wire.sleep(0.5)
        self.wire.write("\r\nU-Boot 2025.01 (fake)\r\n\r\nDRAM:  256 MiB\r\n")
        self.wire.sleep(0.5)
        if self.stopped():
            self.wire.write("\r\n")
            self.shell()
        self.wire.write("\r\nStarting kernel ...\r\n\r\nsome system login: ")
        while True:
            if self.wire.read(0.2) is not None:
                self.wire.write("\r\nsome system login: ")

    def stopped(self) -> bool:
        if self.stop_key is not None:  # AUTOBOOT_KEYED
            self.wire.write("Autoboot in 0 seconds\r\n")
            end = self.wire.now() + 0.1
            while self.wire.now() < end:
                if self.wire.read(0.1) == ord(self.stop_key):
                    return True
            return False
        self.wire.write(f"Hit any key to stop autoboot:  {self.delay} ")
        if self.delay == 0:
            return self.wire.waiting()
        for left in reversed(range(self.delay)):
            if self.wire.read(1.0) is not None:
                return True
            self.wire.write(f"\b\b\b{left:2} ")
        return False

    def commands(self) -> dict[str, Callable[..., None]]:
        transport = {name: partial(self.medium, 1 if name == "sf" else 512) for name in MEDIA}
        return {
            "loady": self.loady, "crc32": self.crc32, "version": self.version,
            "bdinfo": self.bdinfo, "go": self.go, "booti": self.booti, "mw.b": self.fill,
            "mw.l": self.fill_words, **transport,
        }  # fmt: skip

    def version(self) -> None:
        self.wire.write("U-Boot 2025.01 (fake)\r\n")

    def bdinfo(self) -> None:
        stack = self.relocated - 0x100_0000
        self.wire.write(
            f"boot_params = 0x0000000000000000\r\nrelocaddr   = {self.relocated:#018x}\r\n"
            f"fdt_blob    = {stack + 0x1000:#018x}\r\nsp start    = {stack:#018x}\r\n"
        )

    def loady(self, address: str, baud: str | None = None) -> None:
        home = self.wire.rate
        rate = int(baud) if baud is not None else home
        if rate != home:
            self.wire.write(f"## Switch baudrate to {rate} bps and press ENTER ...\r\n")
            self.wire.sleep(0.05)
            self.wire.rate = rate
            while self.wire.read(0.2) != ord("\r"):
                pass
        where = f"0x{int(address, 16):08X}"
        self.wire.write(f"## Ready for binary (ymodem) download to {where} at {rate} bps...\r\n")
        try:
            self.receive(int(address, 16))
        except Failed as failure:
            self.wire.write(f"{failure}\r\n## Binary (ymodem) download aborted\r\n")
        if rate != home:
            self.wire.write(f"## Switch baudrate to {home} bps and press ESC ...\r\n")
            self.wire.sleep(0.05)
            self.wire.rate = home
            while self.wire.read(0.2) != 0x1B:
                pass

    def crc32(self, address: str, size: str) -> None:
        start, count = int(address, 16), int(size, 16)
        value = zlib.crc32(self.memory.read(start, count))
        span = f"{start:08x} ... {start + count - 1:08x}"
        self.wire.write(f"crc32 for {span} ==> {value:08x}\r\n")

    def go(self, address: str) -> None:
        self.wire.write(f"## Starting application at {address} ...\r\n")
        self.run_image(int(address, 16))

    def booti(self, address: str, *_: str) -> None:
        if self.memory.read(int(address, 16) + 56, 4) != b"RSC\x05":
            self.wire.write("Bad Linux RISCV Image magic!\r\n")
            return
        self.run_image(int(address, 16))

    def fill(self, address: str, value: str, count: str) -> None:
        self.memory.write(int(address, 16), bytes((int(value, 16),)) * int(count, 16))

    def fill_words(self, address: str, value: str, count: str) -> None:
        word = int(value, 16).to_bytes(4, "little")
        self.memory.write(int(address, 16), word * int(count, 16))

    def medium(self, unit: int, verb: str, *arguments: str) -> None:
        if not self.has_card:
            self.wire.write("MMC: no card present\r\n")
            return
        if re.fullmatch("read|write|update", verb):
            address, at, count = (int(text, 16) for text in arguments)
            place = slice(at * unit, (at + count) * unit)
            if verb == "read":
                self.memory.write(address, bytes(self.storage[place]))
            elif self.storage_works:
                self.storage[place] = self.memory.read(address, count * unit)
        self.wire.write(f"{verb}: OK\r\n")
