"""From power-on to a running image, with everything that goes wrong on the way."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from starrylab.boards import Board, load
from starrylab.flash.errors import FlashError
from starrylab.flash.events import Event, Said, Sent, State, StateChanged
from starrylab.flash.job import Job, Recovery
from starrylab.flash.strategy import Flasher
from starrylab.image.riscv import RiscvHeader
from starrylab.link import port as port_module
from starrylab.link.errors import PortGone
from starrylab.link.port import Port
from tests.fakes.bootrom import FakeBootRom
from tests.fakes.pmon import FakePmon
from tests.fakes.uboot import FakeLoader, FakeUBoot
from tests.fakes.wire import FakeBoard

SCALE = 0.05
RANDOM = random.Random(1)
VIRT = load("virt-riscv64")
VISION = load("visionfive2")
LOONGSON = load("2k1000la")
IMAGE = RiscvHeader(
    struct.pack("<2I", 0x0400006F, 0x13), 0x200000, 30000
).pack() + RANDOM.randbytes(20000)
DISK = (
    bytes(510)
    + b"\x55\xaa"
    + b"EFI PART"
    + RANDOM.randbytes(700)
    + bytes(300_000)
    + RANDOM.randbytes(500)
)


@dataclass
class Watched:
    """What happened, and what to do when it does."""

    events: list[Event] = field(default_factory=list)
    on: Callable[[Event], None] = lambda _: None

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.on(event)

    @property
    def states(self) -> list[State]:
        return [e.state for e in self.events if isinstance(e, StateChanged)]

    @property
    def said(self) -> str:
        return "\n".join(e.text for e in self.events if isinstance(e, Said))

    @property
    def bauds(self) -> list[int]:
        return list(dict.fromkeys(e.baud for e in self.events if isinstance(e, Sent)))


@pytest.fixture
def watched() -> Watched:
    return Watched()


def typed_nothing_else(board: FakeLoader) -> bool:
    known = {*board.commands(), "virtio"}
    return all(line.split()[0] in known for line in board.entered)


def flash(board: FakeLoader, job: Job, watched: Watched, answer: bool | None = None) -> None:
    """Run a job; whatever came of it, nothing but commands was typed and the rate is the old."""
    confirm = None if answer is None else (lambda _: answer)
    with Port.open(board.tty, time_scale=SCALE) as port:
        try:
            Flasher(port, job, watched, confirm=confirm).run()
        finally:
            assert port.baud == 115200
            assert typed_nothing_else(board), board.entered


@pytest.fixture
def board() -> Iterator[FakeUBoot]:
    with FakeUBoot(SCALE, delay=60) as board:  # long enough for a busy host
        yield board


def started(board: FakeLoader, image: bytes = IMAGE) -> bool:
    """Whether the image, whole, is what runs."""
    return [board.memory.read(at & 0xFFFFFFFF, len(image)) for at in board.started] == [image]


ALL_STATES = [State.LOADER, State.LOADED, State.STARTED, State.DONE]


def test_a_board_at_its_prompt(board: FakeUBoot, watched: Watched) -> None:
    board.power_on()
    with Port.open(board.tty, time_scale=SCALE) as port:
        port.sleep(1.5)
        port.write(b"\x03")
        port.sleep(0.5)
    flash(board, Job(VIRT, IMAGE), watched)
    assert started(board)
    assert watched.states == [State.UNKNOWN, *ALL_STATES]
    assert watched.bauds == [230400]  # the fastest of this board
    assert f"crc32 0x84000000 {len(IMAGE):#x}" in board.entered


@pytest.mark.parametrize("delay", [2, 0])
def test_a_board_that_is_switched_on_late(watched: Watched, delay: int) -> None:
    """With a delay of zero U-Boot looks for a key once, before it says so."""

    def switch(event: Event) -> None:
        if isinstance(event, Said) and "switch the board on" in event.text:
            board.power_on()

    watched.on = switch
    with FakeUBoot(SCALE if delay else 10 * SCALE, delay=delay) as board:  # for a busy host
        flash(board, Job(VIRT, IMAGE), watched)
        assert started(board)
    assert "saw nothing: switch the board on, or press its reset button" in watched.said


def test_a_stop_string_is_streamed_from_power_on(watched: Watched) -> None:
    """Loongson's U-Boot waits for no key; it has to have come."""
    watched.on = lambda e: board.power_on() if isinstance(e, Said) else None
    with FakeUBoot(SCALE, stop_key="c") as board:
        flash(board, Job(LOONGSON, IMAGE[64:]), watched)
        assert board.started == [0x9000_0000_9800_0000]
        assert board.memory.read(0x9000_0000_9800_0000, 20000) == IMAGE[64:]


def test_pmon(watched: Watched) -> None:
    watched.on = lambda e: board.power_on() if isinstance(e, Said) else None
    with FakePmon(SCALE) as board:
        flash(board, Job(LOONGSON, IMAGE[64:]), watched)
        assert board.memory.read(0x9000_0000_9800_0000, 20000) == IMAGE[64:]
        assert board.entered[-1] == "g -e 0x9000000098000000"
    assert "no checksum command" in watched.said


def test_a_running_system_needs_a_reset(board: FakeUBoot, watched: Watched) -> None:
    watched.on = lambda e: board.press_reset() if isinstance(e, Said) else None
    board.delay = 5
    board.power_on()
    with Port.open(board.tty, time_scale=SCALE) as port:
        port.sleep(20)
    flash(board, Job(VIRT, IMAGE), watched)
    assert started(board)
    assert watched.said.startswith("saw an operating system")


def test_silence_ends_in_one_message(board: FakeUBoot, watched: Watched) -> None:
    with pytest.raises(FlashError, match="said nothing in 3 s: check that TX and RX are crossed"):
        flash(board, Job(VIRT, IMAGE, patience=3.0), watched)


def test_a_wrong_rate_ends_in_one_message(watched: Watched) -> None:
    with FakeUBoot(SCALE, rate=1_500_000) as board:
        board.power_on()
        with pytest.raises(FlashError, match="sends noise at 115200 baud"):
            flash(board, Job(VIRT, IMAGE, patience=5.0), watched)


def test_a_loady_that_was_left_alone_is_ended(board: FakeUBoot, watched: Watched) -> None:
    board.power_on()
    with Port.open(board.tty, time_scale=SCALE) as port:
        port.sleep(2)
        port.write(b"\x03")
        port.sleep(0.5)
        port.write(b"loady 84000000\r")
        port.sleep(3)
    flash(board, Job(VIRT, IMAGE), watched)
    assert started(board)


@pytest.mark.parametrize("keys", [b"", b"\r"])
def test_a_transfer_that_was_left_alone_at_another_rate_is_ended(
    board: FakeUBoot, watched: Watched, keys: bytes
) -> None:
    """Whoever had begun it was killed: U-Boot waits for Enter there, or for a file."""
    board.power_on()
    with Port.open(board.tty, time_scale=SCALE) as port:
        port.sleep(2)
        port.write(b"\x03")
        port.sleep(0.5)
        port.write(b"loady 44000000 1500000\r")
        port.sleep(0.5)
        port.baud = 1_500_000
        port.write(keys)
        port.sleep(0.5)
    flash(board, Job(VISION, IMAGE), watched)
    assert board.boots == 1
    assert board.started == [0x4400_0000]


def test_a_fast_rate_that_fails_is_given_up_after_a_reset(
    board: FakeUBoot, watched: Watched
) -> None:
    """U-Boot waits for Enter at a rate that it cannot be given: only a reset helps."""
    board.wire.works_at = lambda rate: rate < 1_000_000
    watched.on = lambda e: board.press_reset() if isinstance(e, Said) and e.urgent else None
    board.power_on()
    flash(board, Job(VISION, IMAGE), watched)
    assert "1500000 baud does not work here" in watched.said
    assert watched.bauds == [750_000]
    assert board.started == [0x4400_0000]


def test_a_rate_that_the_adapter_does_not_do_is_not_asked_for(
    board: FakeUBoot, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_module, "_actual_baud", lambda _: 800_000)
    board.power_on()
    flash(board, Job(VISION, IMAGE), watched)
    assert "the adapter does 800000 baud instead of 1500000" in watched.said
    assert watched.bauds == [115_200]
    assert board.boots == 1


def test_a_transfer_that_is_cancelled_is_tried_again(board: FakeUBoot, watched: Watched) -> None:
    board.quirks.gives_up_at = 5
    board.power_on()
    flash(board, Job(VIRT, IMAGE), watched)
    assert started(board)
    assert "U-Boot gave up: Cancelled; trying again" in watched.said


def test_power_is_lost_in_the_middle(board: FakeUBoot, watched: Watched) -> None:
    watched.on = lambda e: board.press_reset() if isinstance(e, Said) and e.urgent else None
    board.wire.lose_power_at = 9000
    board.power_on()
    flash(board, Job(VIRT, IMAGE), watched)
    assert started(board)
    assert board.boots > 1


@pytest.mark.parametrize(
    ("baud", "said"),
    [
        (115200, "the board started anew in the middle of the transfer; trying again"),
        (None, "noise comes: the board may have started anew, at its own rate; trying again"),
    ],
)
def test_a_reset_in_the_middle_is_said(
    board: FakeUBoot, watched: Watched, baud: int | None, said: str
) -> None:
    def reset(event: Event) -> None:
        if isinstance(event, Sent) and event.progress.sent > 5000 and board.boots == 1:
            board.press_reset()

    watched.on = reset
    board.power_on()
    flash(board, Job(VIRT, IMAGE, baud=baud), watched)
    assert said in watched.said
    assert started(board)


def test_memory_that_changes_is_noticed(board: FakeUBoot, watched: Watched) -> None:
    board.power_on()
    write = board.memory.write
    board.memory.write = lambda at, data: write(at, data[:-1] + b"?")
    with pytest.raises(FlashError, match="the checksum on the board is another one"):
        flash(board, Job(VIRT, IMAGE), watched)
    assert board.started == []


def test_an_adapter_that_is_unplugged(board: FakeUBoot, watched: Watched) -> None:
    def unplug(event: Event) -> None:
        if isinstance(event, Sent) and event.progress.sent > 5000:
            board.unplug()

    watched.on = unplug
    board.power_on()
    port = Port.open(board.tty, time_scale=SCALE)
    with pytest.raises(PortGone, match="is gone"):
        Flasher(port, Job(VIRT, IMAGE), watched).run()


def test_an_interrupt_leaves_a_prompt(board: FakeUBoot, watched: Watched) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Sent) and event.progress.sent > 5000:
            raise KeyboardInterrupt

    watched.on = interrupt
    board.power_on()
    with pytest.raises(KeyboardInterrupt):
        flash(board, Job(VIRT, IMAGE), watched)
    flash(board, Job(VIRT, IMAGE), Watched())
    assert started(board)
    assert board.boots == 1


def test_a_loader_that_refuses_the_image_is_quoted(board: FakeUBoot, watched: Watched) -> None:
    board.power_on()
    board.booti = lambda *_: board.wire.write("Bad Linux RISCV Image magic!\r\n")
    with pytest.raises(FlashError, match=r"did not start the image: .*Bad Linux RISCV Image magic"):
        flash(board, Job(VIRT, IMAGE), watched)


class Caller(FakeBoard):
    """Waits for a file, and is no boot ROM."""

    def boot(self) -> None:
        while True:
            self.wire.read(0.5)
            self.wire.write(b"C")


def test_who_waits_for_a_file_where_there_is_no_boot_rom(watched: Watched) -> None:
    with Caller(SCALE) as board, Port.open(board.tty, time_scale=SCALE) as port:
        board.power_on()
        with pytest.raises(FlashError, match="Ctrl-C does not end that: reset it"):
            Flasher(port, Job(VIRT, IMAGE), watched).run()


class Parrot(FakeBoard):
    """A plug that connects TX with RX."""

    def boot(self) -> None:
        while True:
            byte = self.wire.read(1.0)
            if byte is not None:
                self.wire.write(bytes([byte]))


@pytest.mark.parametrize("model", [VIRT, LOONGSON], ids=["virt", "2k1000la"])
def test_what_is_sent_comes_back(model: Board, watched: Watched) -> None:
    with Parrot(SCALE) as board, Port.open(board.tty, time_scale=SCALE) as port:
        board.power_on()
        with pytest.raises(FlashError, match="TX and RX are connected with each other"):
            Flasher(port, Job(model, bytes(100), patience=2.0), watched).run()


def test_a_loader_without_loady_is_quoted(watched: Watched) -> None:
    with FakeUBoot(0.01, delay=300) as board, Port.open(board.tty, time_scale=0.01) as port:
        board.power_on()
        board.loady = lambda *_: board.wire.write("Unknown command 'loady'\r\n")
        with pytest.raises(FlashError, match=r"not say 'Ready for binary .*but .Unknown command"):
            Flasher(port, Job(VIRT, IMAGE), watched).run()


# What is refused before anything is sent.


def test_an_image_over_opensbi_is_refused(board: FakeUBoot, watched: Watched) -> None:
    image = RiscvHeader(bytes(8), 0x1000, 30000).pack() + bytes(1000)
    with pytest.raises(FlashError, match="would overwrite OpenSBI"):
        flash(board, Job(VIRT, image), watched)


def test_an_image_over_the_running_uboot_is_refused(board: FakeUBoot, watched: Watched) -> None:
    """It moves itself: only `bdinfo` tells to where."""
    board.relocated = 0x8600_0000
    board.power_on()
    image = RiscvHeader(bytes(8), 0x200000, 0x800_0000).pack() + bytes(1000)
    with pytest.raises(FlashError, match="would overwrite the running U-Boot"):
        flash(board, Job(VIRT, image), watched)
    assert board.receives == []


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (b"", "the image is empty"),
        (b"\x7fELF" + bytes(60), "ELF file: first `starrylab image BOARD --wrap"),
        (DISK, "--persist disk"),
    ],
    ids=["empty", "elf", "disk"],
)
def test_what_no_boot_loader_starts(
    board: FakeUBoot, watched: Watched, image: bytes, words: str
) -> None:
    with pytest.raises(FlashError, match=words):
        flash(board, Job(VIRT, image), watched)


# Storage.


def test_a_disk_image_is_stored_after_a_question(board: FakeUBoot, watched: Watched) -> None:
    board.power_on()
    with pytest.raises(FlashError, match="nothing was written"):
        flash(board, Job(VIRT, DISK, persist="disk"), watched, answer=False)
    assert not any(board.storage)
    flash(board, Job(VIRT, DISK, persist="disk"), watched, answer=True)
    assert board.storage[: len(DISK)] == DISK
    assert sum(board.receives) < 4000  # zeros are made on the board
    assert "were read back" in watched.said


def test_flash_memory_is_written_behind_the_boot_loader(board: FakeUBoot, watched: Watched) -> None:
    small = replace_storage(VISION, at=0x10_0000)
    board.power_on()
    flash(board, Job(small, IMAGE, persist="spi"), watched, answer=True)
    assert board.storage[0x10_0000:][: len(IMAGE)] == IMAGE


def replace_storage(board, at: int):
    import msgspec

    media = tuple(msgspec.structs.replace(m, at=at) if m.unit == 1 else m for m in board.storage)
    return msgspec.structs.replace(board, storage=media)


def test_a_medium_that_does_not_keep_it_is_noticed(board: FakeUBoot, watched: Watched) -> None:
    board.storage_works = False
    board.power_on()
    with pytest.raises(FlashError, match="what was read back is not what was written"):
        flash(board, Job(VIRT, DISK, persist="disk"), watched, answer=True)


def test_a_slot_without_a_card_is_told(board: FakeUBoot, watched: Watched) -> None:
    board.has_card = False
    board.power_on()
    with pytest.raises(FlashError, match="SD card: `mmc dev 1` said 'MMC: no card present'"):
        flash(board, Job(VISION, DISK, persist="sd"), watched, answer=True)
    assert board.receives == []


def test_media_that_do_not_fit(board: FakeUBoot, watched: Watched) -> None:
    for name, image, words in (
        ("floppy", DISK, "no medium 'floppy' that can be written: disk"),
        ("disk", IMAGE, "wants a whole disk image"),
    ):
        with pytest.raises(FlashError, match=words):
            flash(board, Job(VIRT, image, persist=name), watched, answer=True)


# Recovery.


def spl() -> bytes:
    payload = RANDOM.randbytes(3000)
    head = bytearray(0x400)
    head[0x288:0x28C] = len(payload).to_bytes(4, "little")
    head[0x290:0x294] = zlib.crc32(payload).to_bytes(4, "little")
    return bytes(head) + payload


FILES = Recovery(spl(), bytes.fromhex("d00dfeed") + RANDOM.randbytes(5000))


@pytest.mark.parametrize("flood", [0, 15])
def test_recovery_by_the_boot_rom(watched: Watched, flood: int) -> None:
    with FakeBootRom(SCALE, flood=flood) as board:
        board.power_on()
        flash(board, Job(VISION, IMAGE, recovery=FILES), watched)
        assert board.spl.rstrip(b"\x1a") == FILES.spl.rstrip(b"\x1a")
        assert board.uboot == FILES.uboot
        assert board.started == [0x4400_0000]
    assert State.ROM in watched.states
    assert State.SPL in watched.states


def test_recovery_needs_files(watched: Watched) -> None:
    with FakeBootRom(SCALE) as board:
        board.power_on()
        with pytest.raises(FlashError, match="name its files with --recovery"):
            flash(board, Job(VISION, IMAGE), watched)


def test_a_rom_that_takes_no_more_wants_a_power_cycle(watched: Watched) -> None:
    def cycle(event: Event) -> None:
        if isinstance(event, Said) and event.urgent:
            board.hopeless = False
            board.press_reset()

    watched.on = cycle
    with FakeBootRom(SCALE, hopeless=True) as board:
        board.power_on()
        flash(board, Job(VISION, IMAGE, recovery=FILES), watched)
        assert board.started == [0x4400_0000]
    assert "switch the power off and on" in watched.said
