"""What the unwinder knows of architectures, and of images whose frame tables are elsewhere."""

from __future__ import annotations

import pytest

from starrylab.abi.arch import ARCHES
from starrylab.abi.arch.unwinding import UNWINDING
from starrylab.debug.symbols.image import ImageError
from starrylab.debug.unwind.cursor import CfiError
from starrylab.debug.unwind.tables import FrameTables
from starrylab.debug.unwind.unwinder import Unwinder

from .frame_writer import Function, debug_frame, eh_frame
from .test_unwinder import CODE, STACK, Memory, with_rules


@pytest.mark.parametrize("arch", sorted(ARCHES))
def test_registers_are_found_by_their_numbers(arch) -> None:
    layout, words = UNWINDING[arch], ARCHES[arch].general
    assert len(layout.general) == len(words)
    assert words[layout.pc_word] == "pc"
    for number, name in zip(layout.general, words, strict=True):
        assert number == -1 or layout.names[number] == name
    for register in (layout.stack_pointer, layout.return_address, layout.frame_pointer):
        assert register in layout.general


def test_riscv_numbers_are_those_of_the_psabi() -> None:
    names = UNWINDING["riscv64"].names
    assert [names.index(name) for name in ("ra", "sp", "s0", "a0", "t6", "ft0", "fs0", "ft11")] == [
        1, 2, 8, 10, 31, 32, 40, 63,
    ]  # fmt: skip


@pytest.mark.parametrize("arch", sorted(ARCHES))
def test_frame_records_of_every_architecture(arch) -> None:
    """Where instructions are not analysed, frame pointers lead on."""
    layout = UNWINDING[arch]
    values = {layout.pc_word: CODE + 64}
    words = [values.get(index, 0) for index in range(len(layout.general))]
    at = STACK + 64
    words[layout.general.index(layout.frame_pointer)] = at
    words[layout.general.index(layout.stack_pointer)] = STACK
    memory = Memory({at + layout.record_offset: 0, at + layout.record_offset + 8: CODE + 8})
    code = with_rules(Function(CODE, 32, bytes((7, layout.return_address))))
    memory.blocks = {CODE: bytes.fromhex("ef000000") * 64}
    general = b"".join(word.to_bytes(8, "little") for word in words)
    frames = Unwinder(layout, ARCHES[arch], code, memory).walk(general)
    assert [frame.pc for frame in frames] == [CODE + 64, CODE + 8]
    assert frames[0].how == "frame pointer"


class Image:
    """An image with some sections."""

    def __init__(self, **sections: bytes) -> None:
        self.sections = {f".{name}": memoryview(data) for name, data in sections.items()}
        self.broken: tuple[str, ...] = ()

    def section(self, name: str) -> memoryview | None:
        if name in self.broken:
            raise ImageError(f"{name} is broken")
        return self.sections.get(name)

    def section_address(self, name: str) -> int:
        return 0x5000 if name == ".eh_frame" else 0


ONE, TWO = Function(0x1000, 64), Function(0x2000, 64)


def test_both_kinds_of_section_are_searched() -> None:
    tables = FrameTables(Image(eh_frame=eh_frame(0x5000, [ONE]), debug_frame=debug_frame([TWO])))
    assert [tables.find(addr) is not None for addr in (0x1000, 0x2000, 0x3000)] == [
        True,
        True,
        False,
    ]


def test_a_separate_debug_file_is_asked_last_and_once() -> None:
    asked = []

    def find() -> Image:
        asked.append(1)
        return Image(debug_frame=debug_frame([TWO]))

    tables = FrameTables(Image(eh_frame=eh_frame(0x5000, [ONE])), find)
    assert tables.find(0x1000) is not None
    assert asked == []
    assert tables.find(0x2000) is not None
    assert tables.find(0x3000) is None
    assert asked == [1]


def test_a_broken_section_is_as_good_as_none() -> None:
    image = Image(eh_frame=eh_frame(0x5000, [ONE]), debug_frame=debug_frame([TWO]))
    image.broken = (".eh_frame", ".eh_frame_hdr")
    tables = FrameTables(image)
    assert tables.find(0x1000) is None
    assert tables.find(0x2000) is not None


def test_broken_entries_are_an_error_unless_another_section_knows() -> None:
    bad = Function(0x1000, 64, b"\x3d")
    with pytest.raises(CfiError):
        FrameTables(Image(eh_frame=eh_frame(0x5000, [bad]))).find(0x1000)
    good = FrameTables(Image(eh_frame=eh_frame(0x5000, [bad]), debug_frame=debug_frame([ONE])))
    assert good.find(0x1000) is not None
