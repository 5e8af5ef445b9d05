"""Terminal flags, control characters and settings (<asm-generic/termbits.h>, termios(3))."""

from __future__ import annotations

import struct
from typing import Any, Final

ADDRB: Final = 0o4000000000
B0: Final = 0
B1000000: Final = 0o10010
B110: Final = 3
B115200: Final = 0o10002
B1152000: Final = 0o10011
B1200: Final = 0o11
B134: Final = 4
B150: Final = 5
B1500000: Final = 0o10012
B1800: Final = 0o12
B19200: Final = 0o16
B200: Final = 6
B2000000: Final = 0o10013
B230400: Final = 0o10003
B2400: Final = 0o13
B2500000: Final = 0o10014
B300: Final = 7
B3000000: Final = 0o10015
B3500000: Final = 0o10016
B38400: Final = 0o17
B4000000: Final = 0o10017
B460800: Final = 0o10004
B4800: Final = 0o14
B50: Final = 1
B500000: Final = 0o10005
B57600: Final = 0o10001
B576000: Final = 0o10006
B600: Final = 0o10
B75: Final = 2
B921600: Final = 0o10007
B9600: Final = 0o15
BOTHER: Final = 0o10000
BRKINT: Final = 2
BS0: Final = 0
BS1: Final = 0o20000
BSDLY: Final = 0o20000
CBAUD: Final = 0o10017
CBAUDEX: Final = 0o10000
CIBAUD: Final = 0o2003600000
CLOCAL: Final = 0o4000
CMSPAR: Final = 0o10000000000
CR0: Final = 0
CR1: Final = 0o1000
CR2: Final = 0o2000
CR3: Final = 0o3000
CRDLY: Final = 0o3000
CREAD: Final = 0o200
CRTSCTS: Final = 0o20000000000
CS5: Final = 0
CS6: Final = 0o20
CS7: Final = 0o40
CS8: Final = 0o60
CSIZE: Final = 0o60
CSTOPB: Final = 0o100
ECHO: Final = 0o10
ECHOCTL: Final = 0o1000
ECHOE: Final = 0o20
ECHOK: Final = 0o40
ECHOKE: Final = 0o4000
ECHONL: Final = 0o100
ECHOPRT: Final = 0o2000
EXTPROC: Final = 0o200000
FF0: Final = 0
FF1: Final = 0o100000
FFDLY: Final = 0o100000
FLUSHO: Final = 0o10000
HUPCL: Final = 0o2000
ICANON: Final = 2
ICRNL: Final = 0o400
IEXTEN: Final = 0o100000
IGNBRK: Final = 1
IGNCR: Final = 0o200
IGNPAR: Final = 4
IMAXBEL: Final = 0o20000
INLCR: Final = 0o100
INPCK: Final = 0o20
ISIG: Final = 1
ISTRIP: Final = 0o40
IUCLC: Final = 0o1000
IUTF8: Final = 0o40000
IXANY: Final = 0o4000
IXOFF: Final = 0o10000
IXON: Final = 0o2000
NCCS: Final = 0o23
NL0: Final = 0
NL1: Final = 0o400
NLDLY: Final = 0o400
NOFLSH: Final = 0o200
OCFS2_SUPER_MAGIC: Final = 0x7461636F
OCRNL: Final = 0o10
OFDEL: Final = 0o200
OFILL: Final = 0o100
OLCUC: Final = 2
OLD_DT_HIOS: Final = 0o15777777777
OLD_DT_LOOS: Final = 0o14000000000
ONLCR: Final = 4
ONLRET: Final = 0o40
ONOCR: Final = 0o20
OPOST: Final = 1
PARENB: Final = 0o400
PARMRK: Final = 0o10
PARODD: Final = 0o1000
PENDIN: Final = 0o40000
TAB0: Final = 0
TAB1: Final = 0o4000
TAB2: Final = 0o10000
TAB3: Final = 0o14000
TABDLY: Final = 0o14000
TCIFLUSH: Final = 0
TCIOFF: Final = 2
TCIOFLUSH: Final = 2
TCION: Final = 3
TCOFLUSH: Final = 1
TCOOFF: Final = 0
TCOON: Final = 1
TCSADRAIN: Final = 1
TCSAFLUSH: Final = 2
TCSANOW: Final = 0
TOSTOP: Final = 0o400
VDISCARD: Final = 0o15
VEOF: Final = 4
VEOL: Final = 0o13
VEOL2: Final = 0o20
VERASE: Final = 2
VINTR: Final = 0
VKILL: Final = 3
VLNEXT: Final = 0o17
VMIN: Final = 6
VQUIT: Final = 1
VREPRINT: Final = 0o14
VSTART: Final = 0o10
VSTOP: Final = 0o11
VSUSP: Final = 0o12
VSWTC: Final = 7
VT0: Final = 0
VT1: Final = 0o40000
VTDLY: Final = 0o40000
VTIME: Final = 5
VWERASE: Final = 0o16
XCASE: Final = 4
XTABS: Final = 0o14000

_TERMIOS = struct.Struct("<4IB19s")  #: struct termios of the kernel, 36 bytes
_TERMIOS2 = struct.Struct("<4IB19s2I")  #: struct termios2, 44 bytes
_TERMIO = struct.Struct("<4HB8sx")  #: struct termio of System V, 18 bytes
WINSIZE = struct.Struct("<4H")  #: struct winsize: rows, columns, width and height in pixels

TERMIOS_SIZE: Final = _TERMIOS.size
TERMIOS2_SIZE: Final = _TERMIOS2.size
TERMIO_SIZE: Final = _TERMIO.size

_NCC: Final = 8  #: control characters of struct termio
_CIBAUD_SHIFT: Final = 16

#: c_cflag speed code -> bits per second
BAUD_RATES: Final[dict[int, int]] = {
    B0: 0, B50: 50, B75: 75, B110: 110, B134: 134, B150: 150, B300: 300, B600: 600,
    B1200: 1200, B1800: 1800, B2400: 2400, B4800: 4800, B9600: 9600, B19200: 19200,
    B38400: 38400, B57600: 57600, B115200: 115200, B230400: 230400, B460800: 460800,
    B500000: 500000, B576000: 576000, B921600: 921600, B1000000: 1000000, B1152000: 1152000,
    B1500000: 1500000, B2000000: 2000000, B2500000: 2500000, B3000000: 3000000,
    B3500000: 3500000, B4000000: 4000000,
}  # fmt: skip

#: Control characters of a terminal that was just made (<asm-generic/termios.h>, INIT_C_CC).
INIT_CC: Final = bytes(
    [0x03, 0x1C, 0x7F, 0x15, 0x04, 0, 1, 0, 0x11, 0x13, 0x1A, 0, 0x12, 0x0F, 0x17, 0x16, 0, 0, 0]
)


class Termios:
    """A terminal's settings; never modified, a change makes a new one."""

    __slots__ = ("cc", "cflag", "iflag", "ispeed", "lflag", "line", "oflag", "ospeed")

    def __init__(
        self,
        iflag: int = ICRNL | IXON,
        oflag: int = OPOST | ONLCR,
        cflag: int = B38400 | CS8 | CREAD | HUPCL,
        lflag: int = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        cc: bytes = INIT_CC,
        line: int = 0,
        ispeed: int = 38400,
        ospeed: int = 38400,
    ) -> None:
        self.iflag = iflag
        self.oflag = oflag
        self.cflag = cflag
        self.lflag = lflag
        self.cc = cc  #: NCCS control characters; 0 disables one
        self.line = line  #: number of the line discipline
        self.ispeed = ispeed  #: bits per second
        self.ospeed = ospeed  #: bits per second

    def replace(self, **changes: Any) -> Termios:
        """Return these settings with some of them changed."""
        return Termios(**({name: getattr(self, name) for name in self.__slots__} | changes))

    def pack(self) -> bytes:
        """Return struct termios (TCGETS)."""
        return _TERMIOS.pack(self.iflag, self.oflag, self.cflag, self.lflag, self.line, self.cc)

    def pack2(self) -> bytes:
        """Return struct termios2 (TCGETS2)."""
        return self.pack() + struct.pack("<2I", self.ispeed, self.ospeed)

    def pack_termio(self) -> bytes:
        """Return struct termio (TCGETA): the low 16 bits of each flag word."""
        flags = (f & 0xFFFF for f in (self.iflag, self.oflag, self.cflag, self.lflag))
        return _TERMIO.pack(*flags, self.line, self.cc[:_NCC])

    def unpack(self, data: bytes) -> Termios:
        """Return the settings in struct termios (TCSETS); speeds follow from c_cflag."""
        iflag, oflag, cflag, lflag, line, cc = _TERMIOS.unpack(data)
        return Termios(iflag, oflag, cflag, lflag, cc, line, *self._speeds(cflag))

    def unpack2(self, data: bytes) -> Termios:
        """Return the settings in struct termios2 (TCSETS2); BOTHER takes any speed."""
        iflag, oflag, cflag, lflag, line, cc, ispeed, ospeed = _TERMIOS2.unpack(data)
        if cflag & CBAUD != BOTHER:
            ospeed = BAUD_RATES.get(cflag & CBAUD, self.ospeed)
        code = cflag >> _CIBAUD_SHIFT & CBAUD
        if code != BOTHER:
            ispeed = BAUD_RATES.get(code, ospeed) if code else ospeed
        return Termios(iflag, oflag, cflag, lflag, cc, line, ispeed, ospeed)

    def unpack_termio(self, data: bytes) -> Termios:
        """Return these settings changed as struct termio says (TCSETA)."""
        iflag, oflag, cflag, lflag, line, cc = _TERMIO.unpack(data)
        high = 0xFFFF0000
        cflag |= self.cflag & high
        return Termios(
            self.iflag & high | iflag,
            self.oflag & high | oflag,
            cflag,
            self.lflag & high | lflag,
            cc + self.cc[_NCC:],
            line,
            *self._speeds(cflag),
        )

    def keeping(self, old: Termios, locked: Termios) -> Termios:
        """Return these settings, with ``old`` ones where ``locked`` has bits (TIOCSLCKTRMIOS)."""
        words = ("iflag", "oflag", "cflag", "lflag")
        kept: dict[str, Any] = {}
        for word in words:
            mask = getattr(locked, word)
            kept[word] = getattr(self, word) & ~mask | getattr(old, word) & mask
        chosen = zip(self.cc, old.cc, locked.cc, strict=True)
        kept["cc"] = bytes(was if lock else new for new, was, lock in chosen)
        return self.replace(line=old.line if locked.line else self.line, **kept)

    def _speeds(self, cflag: int) -> tuple[int, int]:
        if cflag & CBAUD == BOTHER:
            return self.ispeed, self.ospeed
        ospeed = BAUD_RATES.get(cflag & CBAUD, self.ospeed)
        code = cflag >> _CIBAUD_SHIFT & CBAUD
        return (BAUD_RATES.get(code, ospeed) if code else ospeed), ospeed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Termios) and self.pack2() == other.pack2()

    __hash__ = None  # type: ignore[assignment]  # equality is by value, and settings key nothing

    def __repr__(self) -> str:
        words = (self.iflag, self.oflag, self.cflag, self.lflag)
        return f"Termios({', '.join(f'{word:#o}' for word in words)}, {self.cc!r})"


UNLOCKED: Final = Termios(0, 0, 0, 0, bytes(NCCS), 0, 0, 0)  #: every setting can be changed
