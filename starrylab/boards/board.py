"""What ``board.toml`` says, as frozen values. Each class is a table of that file.

Addresses are physical, sizes are in bytes, frequencies in Hz. docs/boards.md has the same list
for those who write one.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Natural = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Addresses ``start .. start + size - 1``."""

    start: Natural
    size: Positive

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.size

    def overlaps(self, other: Range) -> bool:
        """Whether an address belongs to both."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: Range) -> bool:
        """Whether all of `other` lies within."""
        return self.start <= other.start and other.end <= self.end


class Reserved(Range, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Memory that somebody needs until the image runs: nothing is loaded there."""

    why: str


class Uart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The UART that the boot loader speaks on: a 16550 or compatible."""

    base: Natural
    register_shift: Literal[0, 1, 2, 3]  #: a register is at ``base + (number << shift)``
    register_width: Literal[1, 4]  #: bytes of an access
    clock_hz: Positive
    baud: Positive  #: what it has after reset
    bauds: tuple[Positive, ...]  #: what the divisor gives within 2.5 %, fastest first
    irq: Natural
    quirks: tuple[Literal["dw-apb"], ...] = ()  #: dw-apb: LCR writes are lost while it is busy


class Timer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The counter that user programs and the kernel read."""

    frequency_hz: Natural = 0  #: 0: it has to be asked for, as `probe` says
    probe: Literal["", "cpucfg"] = ""  #: cpucfg: LoongArch's CPUCFG words 4 and 5


class Interrupts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The interrupt controller; numbers of `irq` keys are its inputs."""

    kind: Literal["plic", "liointc", "pch-pic"]
    base: Natural
    sources: Positive


class Device(Range, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Registers of one device."""

    name: str
    kind: str  #: the device tree's `compatible`
    irq: Natural | None = None


class Reset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a running program restarts or ends the board."""

    kind: Literal["sbi", "mmio"]  #: sbi: the SRST extension; mmio: the two writes below
    reboot: tuple[Natural, Positive, Natural] | None = None  #: address, bytes of the access, value
    poweroff: tuple[Natural, Positive, Natural] | None = None


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A medium that the boot loader reads and writes by command.

    Commands are templates of ``str.format``: `address` (of the data in memory), `at` and `count`
    (place and length on the medium, in units).
    """

    name: Literal["sd", "emmc", "spi", "disk"]
    title: str
    unit: Positive  #: bytes that `at` and `count` count in
    at: Natural  #: where an image is put, in units: 0 for a whole disk image
    limit: Natural  #: bytes that an image may have there; 0: as much as the medium has
    prepare: tuple[str, ...]  #: commands before the first transfer
    write: str
    read: str


class CardPartition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A partition that an SD card has before the boot partition, empty."""

    name: str
    kind: str  #: its type, a UUID
    size: Positive  #: bytes


class Starts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The command that starts an image of each kind, if the boot loader has one.

    Templates of ``str.format``: `address` is where the image was loaded, as the loader spells it.
    """

    riscv: str | None = None  #: with the RISC-V Image header
    raw: str | None = None  #: position-independent code, entered at its first byte
    uimage: str | None = None
    fit: str | None = None


class BootLoader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to talk to the boot loader.

    `prompts` and `banner` are regular expressions; a prompt matches at the start of a line. Where
    `stop_when` is empty, `stop_keys` are sent every `stop_interval_ms` from power-on until a
    prompt appears; else they are sent once when it matches.
    """

    kind: Literal["u-boot", "pmon", "direct"]  #: direct: an emulator loads the image itself
    banner: str
    prompts: tuple[str, ...]
    stop_keys: str
    stop_when: str
    stop_interval_ms: Natural
    interrupt: str  #: keys that give a clean prompt
    line_limit: Natural  #: bytes of a command line
    load_address: Natural  #: physical
    virtual_offset: Natural  #: added to a physical address where the loader wants a virtual one
    load: str  #: `address`; makes the loader receive YMODEM there
    load_baud: str | None = None  #: the same at another rate: `address`, `baud`
    baud_prompt: str | None = None  #: what it prints before it changes the rate
    crc: str | None = None  #: `address`, `size`; prints the CRC-32 of memory
    crc_result: str | None = None  #: regular expression, group 1 has the eight digits
    start: Starts

    def spelled(self, address: int) -> int:
        """Return physical `address` as this loader's commands want it."""
        return address + self.virtual_offset


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to do when no boot loader answers."""

    kind: Literal["jh7110-uart", "none"]  #: jh7110-uart: XMODEM of the SPL, YMODEM of U-Boot
    steps: tuple[str, ...]  #: for a person: switches, jumpers, buttons


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A board. `load` has checked it: ranges do not overlap, expressions compile."""

    name: str
    title: str
    arch: Literal["riscv64", "loongarch64"]
    run_address: Natural  #: where an image runs: `booti` moves it there
    traps: tuple[str, ...]  #: known traps of the board, one sentence each
    memory: tuple[Range, ...]
    reserved: tuple[Reserved, ...]
    uart: Uart
    timer: Timer
    interrupts: Interrupts
    device: tuple[Device, ...]
    reset: Reset
    storage: tuple[Storage, ...]
    loader: tuple[BootLoader, ...]  #: the usual one first
    card: tuple[CardPartition, ...] = ()  #: what an SD card has before its boot partition
    recovery: Recovery

    @property
    def boot(self) -> BootLoader:
        """The usual boot loader."""
        return self.loader[0]

    def storage_named(self, name: str) -> Storage | None:
        """Return the medium of that name, if the board's loader can write one."""
        return next((medium for medium in self.storage if medium.name == name), None)

    def in_the_way(self, wanted: Range) -> str | None:
        """Say why nothing may be loaded to `wanted`; None: it may."""
        for reserved in self.reserved:
            if reserved.overlaps(wanted):
                return (
                    f"{wanted.start:#x}..{wanted.end - 1:#x} would overwrite {reserved.why} "
                    f"({reserved.start:#x}..{reserved.end - 1:#x})"
                )
        if not any(memory.contains(wanted) for memory in self.memory):
            return f"{wanted.start:#x}..{wanted.end - 1:#x} is not memory of {self.title}"
        return None
