import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.boards import BoardError, load
from starrylab.boards.images import formats, monitor_program, pack, wrapped_program
from starrylab.boards.inspect import explain
from starrylab.boards.monitor_config import FIELDS, MAGIC, OFFSET
from starrylab.image.elf import flatten
from starrylab.image.errors import ImageFormatError
from starrylab.image.fit import read_fit
from starrylab.image.pages import PAGE, unpack_pages
from starrylab.image.riscv import RiscvHeader, read_header
from starrylab.image.uimage import read_uimage
from tests.image.test_elf import BASE, elf

VIRT = load("virt-riscv64")
LOONGSON = load("2k1000la")
TIME = 1_700_000_000
CODE = bytes(range(1, 65))
HELLO = elf((BASE, CODE, 100, 0), entry=BASE + 4)
CONFIG = struct.Struct("<" + "".join(form for form, _, _ in FIELDS))


def monitor(board=VIRT):
    """An ELF file that has what the monitor has: a header, and a block for the configuration."""
    head = RiscvHeader(b"\x6f\0\0\x08".ljust(8, b"\0"), 0, 0x2345).pack()
    if board.arch != "riscv64":
        head = bytes(64)
    body = head + MAGIC.ljust(CONFIG.size, b"\0") + b"code"
    return elf((0, body, 0x2345, 0), entry=0, machine={"riscv64": 243}.get(board.arch, 258))


def test_a_program_for_booti_has_a_header_before_it():
    image = pack(wrapped_program(VIRT, HELLO, "hello"), VIRT, "riscv", TIME)
    header = read_header(image)
    assert header.text_offset == BASE - PAGE - VIRT.memory[0].start
    assert header.image_size == PAGE + 100
    assert image[PAGE:] == CODE
    auipc, jalr = struct.unpack("<2I", header.code)
    assert (auipc & 0xFFF, jalr & 0xFFFFF) == (0x297, 0x28067)
    assert (auipc & 0xFFFFF000) + (jalr >> 20) == PAGE + 4


@pytest.mark.parametrize("distance", [0x800, 0x1004, 0x7FC, 0xFFFFF800 - 0x100000000])
def test_a_jump_goes_anywhere(distance):
    from starrylab.boards.images import _jump

    auipc, jalr = struct.unpack("<2i", _jump(distance))
    assert (auipc >> 12 << 12) + (jalr >> 20) == distance


def test_other_forms_say_where_the_program_runs():
    program = wrapped_program(VIRT, HELLO, "hello")
    found = read_uimage(pack(program, VIRT, "uimage", TIME))
    assert (found.load, found.entry, found.time) == (BASE, BASE + 4, TIME)
    (kernel,) = read_fit(pack(program, VIRT, "fit", TIME)).images
    assert (kernel.load, kernel.entry, kernel.data) == (BASE, BASE + 4, CODE)
    flat = flatten(pack(program, VIRT, "elf", TIME))
    assert (flat.base, flat.entry, flat.data, flat.memory_size) == (BASE, BASE + 4, CODE, 100)


def test_bytes_and_images_are_wrapped_too():
    program = wrapped_program(VIRT, CODE, "code")
    assert (program.load, program.entry) == (VIRT.run_address, VIRT.run_address)
    assert wrapped_program(VIRT, CODE, "code", 0x81000000).load == 0x81000000
    image = pack(program, VIRT, "riscv", TIME)
    again = wrapped_program(VIRT, image, "image")
    assert again.load == VIRT.run_address - PAGE
    assert pack(again, VIRT, "riscv", TIME) == image


def test_boards_start_different_forms():
    assert formats(VIRT) == ("riscv", "raw", "uimage", "fit")
    assert formats(LOONGSON) == ("raw", "uimage")
    assert formats(load("virt-loongarch64")) == ("elf",)
    kernel = elf((0x90000000, CODE, 64, 0), entry=0x90000000, machine=258)
    fixed = wrapped_program(LOONGSON, kernel, "fixed")
    assert read_uimage(pack(fixed, LOONGSON, "uimage", TIME)).arch == 27


def test_a_raw_program_is_moved_to_where_it_runs():
    image = pack(wrapped_program(VIRT, HELLO, "hello"), VIRT, "raw", TIME)
    assert image[PAGE:] == CODE
    assert struct.unpack_from("<4Q", image, 128) == (BASE, 64, 40, BASE + 4)
    there = wrapped_program(VIRT, CODE, "code", VIRT.boot.load_address + 0x1000)
    with pytest.raises(BoardError, match="where u-boot loads it first"):
        pack(there, VIRT, "raw", TIME)
    with pytest.raises(BoardError, match="no multiple of 8"):
        pack(wrapped_program(VIRT, CODE, "code", BASE + 2), VIRT, "raw", TIME)


def test_an_elf_file_of_virtual_addresses_is_put_where_it_is_told():
    high = 0xFFFFFFC080200000
    file = elf((high, CODE, 64, 0), entry=high + 8)
    with pytest.raises(BoardError, match="is not memory"):
        wrapped_program(VIRT, file, "kernel")
    program = wrapped_program(VIRT, file, "kernel", 0x80200000)
    assert (program.load, program.entry) == (0x80200000, 0x80200008)


@pytest.mark.parametrize(
    ("file", "address", "message"),
    [
        (elf((0x80040000, CODE, 64, 0), entry=0x80040000), None, "would overwrite OpenSBI"),
        (elf((0x10000000, CODE, 64, 0), entry=0x10000000), None, "is not memory"),
        (HELLO, 0x81000000, "was linked to 0x80200000, not to 0x81000000"),
        (elf((BASE, CODE, 64, 0), machine=258), None, "riscv64 CPU; the ELF file is for loong"),
        (HELLO[:80], None, "program headers .* cut"),
        (CODE, 0x80000000, "would overwrite OpenSBI"),
        (b"", None, "empty"),
    ],
)
def test_what_does_not_fit_on_the_board_is_refused(file, address, message):
    with pytest.raises(BoardError, match=message):
        wrapped_program(VIRT, file, "it", address)


def test_there_must_be_room_for_the_header():
    at = VIRT.reserved[0].end
    with pytest.raises(BoardError, match=r"no room for the RISC-V header .*OpenSBI"):
        pack(wrapped_program(VIRT, CODE, "code", at), VIRT, "riscv", TIME)


def test_a_form_that_the_board_does_not_start_is_refused():
    program = wrapped_program(LOONGSON, CODE, "code")
    with pytest.raises(BoardError, match="starts no fit; it starts: raw, uimage"):
        pack(program, LOONGSON, "fit", TIME)


@pytest.mark.parametrize("board", [VIRT, LOONGSON], ids=lambda board: board.name)
def test_the_monitor_knows_its_board_and_has_the_pages(board):
    files = [b"a" * 10_000, b"b" * 100]
    program = monitor_program(board, monitor(board), files)
    names = [name for _, name, _ in FIELDS]
    found = dict(zip(names, CONFIG.unpack_from(program.data, OFFSET), strict=True))
    assert found["uart_base"] == board.uart.base
    assert found["pages"] == 0x3000
    assert len(unpack_pages(program.data[found["pages"] :])) == 3
    assert program.movable
    if board.arch == "riscv64":
        header = read_header(program.data)
        assert header.image_size == len(program.data) == program.memory_size
        assert header.text_offset == 0x200000


def test_another_program_is_no_monitor():
    with pytest.raises(BoardError, match="not StarryLab's monitor"):
        monitor_program(VIRT, elf((0, bytes(300), 300, 0), entry=0))


def test_every_image_is_explained():
    program = wrapped_program(VIRT, HELLO, "hello")
    wanted = {
        "riscv": "RISC-V Image for booti",
        "uimage": "uImage 'hello': kernel for riscv64, made 2023-11-14",
        "fit": "FIT 'hello', made 2023-11-14",
        "elf": "ELF file for riscv64: 64 bytes at 0x80200000",
    }
    for form, first in wanted.items():
        assert explain(pack(program, VIRT, form, TIME))[0].startswith(first)
    said = "\n".join(explain(monitor_program(VIRT, monitor(), [b"x" * 5000]).data))
    assert "StarryLab's monitor" in said
    assert "UART at 0x10000000, 3686400 Hz, 115200 baud" in said
    assert "2 packed pages (8 KiB)" in said
    loongson = monitor_program(LOONGSON, monitor(LOONGSON)).data
    assert explain(loongson)[0].startswith("raw image for go")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes"),
        (bytes(100), "100 bytes, all zero"),
        (b"\x1f\x8b\x08", "compressed by gzip"),
        (b"hello world", "no known image; they begin with 68 65 6c 6c"),
        (pack(wrapped_program(VIRT, HELLO, "hello"), VIRT, "fit", TIME)[:-1], "is cut"),
        (pack(wrapped_program(VIRT, HELLO, "hello"), VIRT, "uimage", TIME)[:-1], "is cut"),
    ],
)
def test_what_is_unknown_or_torn_is_said(data, message):
    with pytest.raises(ImageFormatError, match=message):
        explain(data)


@given(st.data())
def test_a_torn_image_is_explained_or_refused(data):
    form = data.draw(st.sampled_from(["monitor", "riscv", "uimage", "fit", "elf"]))
    if form == "monitor":
        torn = bytearray(monitor_program(VIRT, monitor(), [b"x" * 5000]).data)
    else:
        torn = bytearray(pack(wrapped_program(VIRT, HELLO, "hello"), VIRT, form, TIME))
    for _ in range(data.draw(st.integers(0, 4))):
        torn[data.draw(st.integers(0, min(len(torn), 200) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ImageFormatError):
        lines = explain(bytes(torn[: data.draw(st.integers(0, len(torn)))]))
        assert all("\n" not in line for line in lines)
