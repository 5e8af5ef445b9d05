"""A board in one object: boot loader first, then the monitor, at the end of a line without a host.

The loader does what U-Boot does (countdown, command line, `loady`, `crc32`, `booti`); its receiver
answers as U-Boot's xyzModem.c: a bad block with ``C``, block 0 with ACK alone.  Time is virtual and
passes only in `EmulatedLoader.read` and `write`.
"""

from __future__ import annotations

import zlib
from binascii import crc_hqx
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..image.errors import ImageFormatError
from ..image.riscv import is_riscv, read_header
from ..link.monitor.emulated import WireBoard
from ..machine.board.emulated import EmulatedBoard

if TYPE_CHECKING:
    from ..boards import Board

_SOH, _STX, _EOT, _ACK, _CAN = 1, 2, 4, 6, 0x18
_BYTE_S: Final = 10 / 115200
_CHAR_S: Final = 2.0  #: that the receiver waits for a byte
_QUIET_S: Final = 0.5
_TRIES: Final = 20
_PROMPT: Final = "=> "

Life = Generator[float, int | None, None]  #: yields seconds to wait, gets a byte, or None


@dataclass(frozen=True, slots=True)
class Places:
    """Physical addresses of a board."""

    ram: int
    ram_size: int  #: bytes
    reserved: tuple[tuple[int, int, str], ...]  #: start, size, why
    run_address: int  #: where an image runs
    load_address: int  #: where the boot loader receives it

    def plain(self) -> tuple[int, int, tuple[tuple[int, int, str], ...], int, int]:
        """Return what makes another one, as a scenario can be given it."""
        return self.ram, self.ram_size, self.reserved, self.run_address, self.load_address


def places_of(board: Board) -> Places:
    """Return what a lab has to know of a board."""
    ram = board.memory[0]
    reserved = tuple((place.start, place.size, place.why) for place in board.reserved)
    return Places(ram.start, ram.size, reserved, board.run_address, board.boot.load_address)


def start_of(image: bytes) -> int:
    """Return where the monitor's first two instructions (c.li, c.j) jump to: an offset."""
    word = int.from_bytes(image[2:4], "little")
    fields = ((12, 11), (11, 4), (10, 9), (9, 8), (8, 10), (7, 6), (6, 7), (5, 3), (4, 2), (3, 1))
    return 2 + sum((word >> at & 1) << bit for at, bit in (*fields, (2, 5)))


class EmulatedLoader:
    """Both ends of the line: `read` and `write` are the host's."""

    def __init__(
        self, places: Places, body: bytes = b"", *, at_prompt: bool = False, stops: bool = True
    ) -> None:
        self.places = places
        self.body = body  #: what a started image has behind its header, for a monitor to run
        self.baud = 115200
        self.entered: list[str] = []
        self.blocks: list[int] = []  #: numbers, as they were accepted
        self.flip: set[int] = set()  #: bytes of a transfer, counted, that arrive damaged
        self.drop: set[int] = set()  #: and those that are lost
        self.bad_loads = 0  #: transfers after which memory has an error
        self.memory: dict[int, bytes] = {}  #: address -> file
        self.problem = ""  #: why an image did not run
        self.monitor: WireBoard | None = None
        self._transferred: int | None = None
        self._now = 0.0
        self._out = bytearray()
        self._life = self._shell() if at_prompt else self._boot(stops)
        self._deadline = next(self._life)

    # The host's end.

    def now(self) -> float:
        """Return the seconds since power-on."""
        return self._now

    def read(self, size: int = 4096, timeout: float = 0.0) -> bytes:
        """Return up to ``size`` bytes as soon as there are any; none after ``timeout`` seconds."""
        end = self._now + timeout
        while not self._out and self.monitor is None and self._deadline <= end:
            self._now = max(self._now, self._deadline)
            self._resume(None)
        if not self._out:
            self._now = end
        data = bytes(self._out[:size])
        del self._out[:size]
        return data

    def write(self, data: bytes) -> None:
        """Send all."""
        for at, byte in enumerate(data):
            if self.monitor is not None:
                self._out += self.monitor.feed(data[at:])
                return
            self._now += _BYTE_S
            while self._deadline < self._now:
                self._resume(None)
            got: int | None = byte
            if self._transferred is not None:
                if self._transferred in self.flip:
                    got = byte ^ 0x20
                elif self._transferred in self.drop:
                    got = None
                self._transferred += 1
            if got is not None:
                self._resume(got)

    def close(self) -> None:
        """Let the emulated CPU go."""
        if self.monitor is not None:
            self.monitor.board.close()

    # The board's.

    def _resume(self, byte: int | None) -> None:
        self._deadline = self._now + self._life.send(byte)

    def _say(self, text: str) -> None:
        self._out += text.encode()

    def _boot(self, stops: bool) -> Life:
        self._say("\r\nU-Boot SPL 2025.01 (emulated)\r\n")
        yield from self._pass(0.7)
        self._say("\r\nU-Boot 2025.01 (emulated)\r\n\r\nDRAM:  256 MiB\r\n")
        yield from self._pass(0.7)
        self._say("Hit any key to stop autoboot:  2 ")
        if stops and (yield 2.0) is not None:
            self._say("\r\n")
            yield from self._shell()
        self._say("\r\nStarting kernel ...\r\n\r\nsome system login: ")
        while True:
            if (yield 3600.0) == 0x0D:
                self._say("\r\nsome system login: ")

    def _pass(self, seconds: float) -> Life:
        """Let time pass; what arrives is lost."""
        end = self._now + seconds
        while self._now < end:
            yield max(end - self._now, 0.0)

    def _shell(self) -> Life:
        line = ""
        self._say(_PROMPT)
        while self.monitor is None:
            byte = yield 3600.0
            if byte == 3:
                line = ""
                self._say(f"<INTERRUPT>\r\n{_PROMPT}")
            elif byte == 0x0D:
                self._say("\r\n")
                self.entered.append(line)
                yield from self._execute(line.split())
                self._say(_PROMPT if self.monitor is None else "")
                line = ""
            elif byte is not None:
                line += chr(byte)
                self._say(chr(byte))
        while True:  # what comes now is the monitor's
            yield 3600.0

    def _execute(self, words: list[str]) -> Life:
        try:
            match words:
                case ["loady", address]:
                    yield from self._loady(int(address, 16))
                case ["crc32", address, size]:
                    self._crc32(int(address, 16), int(size, 16))
                case ["booti", address, "-", _]:
                    yield from self._booti(int(address, 16))
                case ["version"]:
                    self._say("U-Boot 2025.01 (emulated)\r\n")
                case []:
                    pass
                case _:
                    self._say(f"Unknown command '{words[0]}' - try 'help'\r\n")
        except ValueError:
            self._say(f"{words[0]}: that is no number\r\n")

    def _crc32(self, address: int, size: int) -> None:
        data = self.memory.get(address, b"")[:size].ljust(size, b"\0")
        span = f"{address:08x} ... {address + size - 1:08x}"
        self._say(f"crc32 for {span} ==> {zlib.crc32(data):08x}\r\n")

    def _booti(self, address: int) -> Life:
        image = self.memory.get(address, b"")
        if not is_riscv(image):
            self._say("Bad Linux RISCV Image magic!\r\n")
            return
        self._say("\r\nStarting kernel ...\r\n\r\n")
        self.problem = self._wrong_with(image)
        while self.problem:  # a board that crashed says nothing
            yield 3600.0
        self.monitor = WireBoard(EmulatedBoard())

    def _wrong_with(self, image: bytes) -> str:
        try:
            header = read_header(image)
        except ImageFormatError as error:
            return str(error)
        start = self.places.ram + header.text_offset
        if start != self.places.run_address:
            return f"it was moved to {start:#x}, not to {self.places.run_address:#x}"
        return "" if image[64:] == self.body else "what is behind the header is not the monitor"

    def _loady(self, address: int) -> Life:
        self._say(f"## Ready for binary (ymodem) download to 0x{address:08X} at 115200 bps...\r\n")
        self._transferred = 0
        data = yield from self._receive()
        self._transferred = None
        self.flip.clear()
        self.drop.clear()
        yield from self._pass(0.2)
        if data is None:
            self._say("## Binary (ymodem) download aborted\r\n")
            return
        if self.bad_loads and data:
            self.bad_loads -= 1
            middle = len(data) // 2
            data = data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :]
        self.memory[address] = data
        size = f"## Total Size      = 0x{len(data):08x} = {len(data)} Bytes\r\n"
        self._say(size + f"## Start Addr      = 0x{address:08X}\r\n")

    # YMODEM.

    def _receive(self) -> Generator[float, int | None, bytes | None]:
        """Return the file; None: given up."""
        name = yield from self._block(0)
        if name is None:
            return None
        try:
            size = int(name.split(b"\0")[1].split()[0])
        except (IndexError, ValueError):
            size = 1 << 30
        data = bytearray()
        while (content := (yield from self._block(len(self.blocks) + 1))) is not None:
            if content == b"":
                self._say("\x06\x06C")
                yield from self._block(0, asked=True)
                return bytes(data[:size])
            data += content
            self.blocks.append(len(self.blocks) + 1)
        return None

    def _block(
        self, number: int, *, asked: bool = False
    ) -> Generator[float, int | None, bytes | None]:
        """Acknowledge block ``number`` and return it; b"" at the end, None: given up."""
        if number == 0 and not asked:
            self.blocks.clear()
            self._say("C")
        for _ in range(_TRIES):
            got = yield from self._packet()
            if got is None:
                return None
            if got == (-1, b"") and number:
                return b""
            if got[0] == number & 0xFF:
                self._say("\x06")
                return got[1]
            self._say("\x06" if number and got[0] == number - 1 & 0xFF else "C")
        return None

    def _packet(self) -> Generator[float, int | None, tuple[int, bytes] | None]:
        """Return number and content; number -1: the end; -2: damaged, or late; None: cancelled."""
        cancels = 0
        while (byte := (yield _CHAR_S)) not in (_SOH, _STX):
            if byte == _EOT:
                return -1, b""
            if byte != _CAN:
                return (yield from self._damaged())
            cancels += 1
            if cancels == 3:
                return None
        length = 128 if byte == _SOH else 1024
        rest = bytearray()
        while len(rest) < length + 4:
            byte = yield _CHAR_S
            if byte is None:
                return -2, b""
            rest.append(byte)
        content, check = bytes(rest[2:-2]), int.from_bytes(rest[-2:], "big")
        good = rest[0] ^ rest[1] == 0xFF and crc_hqx(content, 0) == check
        return (rest[0], content) if good else (yield from self._damaged())

    def _damaged(self) -> Generator[float, int | None, tuple[int, bytes]]:
        """Let the rest of it pass: any of its bytes could look like another block's first."""
        while (yield _QUIET_S) is not None:
            pass
        return -2, b""
