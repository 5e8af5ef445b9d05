"""Files to receivers as they are, over a line that damages them."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Iterator

import pytest

from starrylab.boards import load
from starrylab.link.errors import BaudError, PortGone
from starrylab.link.loader import Loader
from starrylab.link.pmon import Pmon
from starrylab.link.port import Port
from starrylab.link.shell import ShellError
from starrylab.link.uboot import UBoot, taken_by
from starrylab.link.xmodem import Progress, TransferError
from tests.fakes.pmon import FakePmon
from tests.fakes.uboot import FakeLoader, FakeUBoot

SCALE = 0.05
ADDRESS = 0x8400_0000
DATA = os.urandom(5000)
ALLOWED = ("loady", "crc32", "version", "bdinfo", "ymodem")


@pytest.fixture
def board() -> Iterator[FakeUBoot]:
    with FakeUBoot(SCALE) as board:
        yield board
        assert all(line.startswith(ALLOWED) for line in board.entered), board.entered


def at_prompt(board: FakeLoader) -> Loader:
    """Return a loader at the prompt of a board that was just switched on."""
    port = Port.open(board.tty, time_scale=SCALE)
    board.power_on()
    name, kind = ("2k1000la", Pmon) if isinstance(board, FakePmon) else ("virt-riscv64", UBoot)
    dialect = next(d for d in load(name).loader if d.kind == ("pmon" if kind is Pmon else "u-boot"))
    loader = kind(port, dialect)
    loader.expect(dialect.stop_when, 20)
    port.write(dialect.stop_keys.encode())
    loader.sync(20)
    return loader


def check(board: FakeLoader, loader: Loader, data: bytes = DATA) -> None:
    assert board.memory.read(ADDRESS, len(data)) == data
    assert loader.run("version") == ("U-Boot 2025.01 (fake)" if loader.loader.crc else "")


def test_a_file_arrives_and_its_progress_is_told(board: FakeUBoot) -> None:
    loader = at_prompt(board)
    told: list[Progress] = []
    assert loader.load(ADDRESS, DATA, progress=told.append) == 0
    assert [p.sent for p in told] == [0, 1024, 2048, 3072, 4096, 5000]
    assert all(p.total == len(DATA) and p.rate >= 0 for p in told)
    assert told[-1].seconds_left == 0
    assert loader.crc32(ADDRESS, len(DATA)) == zlib.crc32(DATA)
    check(board, loader)


@pytest.mark.parametrize("size", [1, 127, 128, 129, 1023, 1024, 1025])
def test_sizes_around_a_block_arrive_exactly(board: FakeUBoot, size: int) -> None:
    loader = at_prompt(board)
    data = DATA[: size - 1] + b"\x1a"
    loader.load(ADDRESS, data)
    assert board.receives == [size]
    check(board, loader, data)


HEADER = 133  #: bytes of block 0 on the line
BLOCK = 1029
END = HEADER + 4 * BLOCK + BLOCK  # EOT is the byte behind it


@pytest.mark.parametrize(
    ("way", "place", "damage"),
    [
        ("to_board", 5, "flip"),  # the file's name
        ("to_board", HEADER, "flip"),  # the start of a block
        ("to_board", HEADER + 1, "flip"),  # its number
        ("to_board", HEADER + 500, "flip"),
        ("to_board", HEADER + 500, "drop"),
        ("to_board", HEADER + 500, "double"),
        ("to_board", HEADER + BLOCK - 1, "drop"),  # of the CRC
        ("to_board", END, "drop"),  # EOT
        ("to_board", END, "flip"),
        ("from_board", 0, "drop"),  # the first C
        ("from_board", 2, "drop"),  # an ACK
        ("from_board", 2, "flip"),
        ("from_board", 3, "double"),
        ("from_board", 7, "drop"),  # the ACK of EOT
    ],
)
def test_damage_is_repaired(board: FakeUBoot, way: str, place: int, damage: str) -> None:
    loader = at_prompt(board)
    getattr(board.wire, way)[place] = damage
    loader.load(ADDRESS, DATA)
    assert board.receives == [len(DATA)]
    assert not getattr(board.wire, way)  # it has happened
    check(board, loader)


def test_every_acknowledgement_twice(board: FakeUBoot) -> None:
    board.quirks.double_ack = True
    loader = at_prompt(board)
    loader.load(ADDRESS, DATA)
    assert board.quirks.blocks == [1, 2, 3, 4, 5]
    check(board, loader)


def test_a_receiver_by_the_book_asks_after_block_0(board: FakeUBoot) -> None:
    board.quirks.asks_after_block_0 = True
    loader = at_prompt(board)
    loader.load(ADDRESS, DATA)
    check(board, loader)


def test_a_receiver_without_crc(board: FakeUBoot) -> None:
    board.quirks.wants_crc = False
    loader = at_prompt(board)
    loader.load(ADDRESS, DATA)
    check(board, loader)


def test_cancelled_is_a_message_and_nothing_is_typed_into_the_shell(board: FakeUBoot) -> None:
    board.quirks.gives_up_at = 2
    loader = at_prompt(board)
    with pytest.raises(TransferError, match="U-Boot gave up: Cancelled"):
        loader.load(ADDRESS, DATA)
    loader.load(ADDRESS, DATA)
    check(board, loader)


def test_another_rate_is_used_and_left_again(board: FakeUBoot) -> None:
    loader = at_prompt(board)
    loader.load(ADDRESS, DATA, baud=1_500_000)
    assert loader.port.baud == board.wire.rate == 115200
    check(board, loader)


def test_a_rate_that_does_not_work_is_told(board: FakeUBoot) -> None:
    board.wire.works_at = lambda rate: rate < 1_000_000
    loader = at_prompt(board)
    with pytest.raises(BaudError, match="1500000 baud does not work here"):
        loader.load(ADDRESS, DATA, baud=1_500_000)
    assert loader.port.baud == 115200


@pytest.mark.parametrize("baud", [115200, 500_000])
def test_an_interrupt_leaves_a_prompt_and_the_old_rate(board: FakeUBoot, baud: int) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.sent > 2000:
            raise KeyboardInterrupt

    loader = at_prompt(board)
    with pytest.raises(KeyboardInterrupt):
        loader.load(ADDRESS, DATA, baud=baud, progress=interrupt)
    assert loader.port.baud == board.wire.rate == 115200
    assert loader.run("version") == "U-Boot 2025.01 (fake)"


def test_what_the_line_garbles_is_not_entered(board: FakeUBoot) -> None:
    loader = at_prompt(board)
    board.wire.to_board.update({3: "flip"})
    board.wire.mark()
    assert loader.run("version") == "U-Boot 2025.01 (fake)"
    assert board.entered == ["version"]


def test_a_line_that_garbles_everything_is_told(board: FakeUBoot) -> None:
    loader = at_prompt(board)
    board.wire.to_board.update(dict.fromkeys(range(1, 500, 3), "drop"))
    board.wire.mark()
    with pytest.raises(ShellError, match=r"garbles what is typed|no prompt"):
        loader.run("version")
    assert board.entered == []


def test_an_unplugged_adapter_is_told(board: FakeUBoot) -> None:
    loader = at_prompt(board)
    threading.Timer(0.05, board.unplug).start()
    with pytest.raises(PortGone, match="is gone: plug the adapter in again"):
        loader.load(ADDRESS, bytes(1 << 20))


def test_pmon_takes_a_file_at_its_rate_and_has_no_checksum() -> None:
    with FakePmon(SCALE) as board:
        loader = at_prompt(board)
        loader.run("version")  # which it does not know
        loader.load(ADDRESS, DATA)
        assert board.memory.read(ADDRESS, len(DATA)) == DATA
        assert loader.crc32(ADDRESS, len(DATA)) is None
        with pytest.raises(BaudError, match="cannot load at another rate"):
            loader.load(ADDRESS, DATA, baud=460_800)


def test_memory_that_bdinfo_tells_of() -> None:
    taken = taken_by(
        "relocaddr   = 0x000000008ff57000\nfdt_blob    = 0x000000008f735950\n"
        " reserved[0]\t[0x80000000-0x8007ffff], 0x00080000 bytes flags: 0\n"
    )
    assert [(t.start, t.why) for t in taken] == [
        (0x8FF57000, "the running U-Boot"),
        (0x8F735950, "the device tree"),
        (0x80000000, "what U-Boot reserves"),
    ]
