"""What a board's debugger reads of LoongArch instructions, against an assembler's opinion."""

from __future__ import annotations

import struct
import subprocess
import sys

import pytest
from elftools.elf.elffile import ELFFile

from starrylab.machine.api import READ, WRITE
from starrylab.machine.board.instructions import BY_ARCH
from starrylab.userland import compiler_environment

LA = BY_ARCH["loongarch64"]
R4, R5 = 0x1000_0000, 0x30
BOTH = READ | WRITE

#: instruction, size of its access, kinds, address; r4 and r5 have the values above
ACCESSES = [
    ("ld.b $r6, $r4, -3", 1, READ, R4 - 3),
    ("ld.hu $r6, $r4, 2", 2, READ, R4 + 2),
    ("ld.wu $r6, $r4, 2047", 4, READ, R4 + 2047),
    ("ld.d $r6, $r4, -2048", 8, READ, R4 - 2048),
    ("st.b $r6, $r4, 1", 1, WRITE, R4 + 1),
    ("st.h $r6, $r4, 1", 2, WRITE, R4 + 1),
    ("st.w $r6, $r4, 1", 4, WRITE, R4 + 1),
    ("st.d $r6, $r4, 1", 8, WRITE, R4 + 1),
    ("fld.s $f6, $r4, 4", 4, READ, R4 + 4),
    ("fst.s $f6, $r4, 4", 4, WRITE, R4 + 4),
    ("fld.d $f6, $r4, 8", 8, READ, R4 + 8),
    ("fst.d $f6, $r4, -8", 8, WRITE, R4 - 8),
    ("ldptr.w $r6, $r4, 16", 4, READ, R4 + 16),
    ("ldptr.d $r6, $r4, -16", 8, READ, R4 - 16),
    ("stptr.w $r6, $r4, 16", 4, WRITE, R4 + 16),
    ("stptr.d $r6, $r4, 32764", 8, WRITE, R4 + 32764),
    ("ldx.b $r6, $r4, $r5", 1, READ, R4 + R5),
    ("ldx.hu $r6, $r4, $r5", 2, READ, R4 + R5),
    ("ldx.d $r6, $r4, $r5", 8, READ, R4 + R5),
    ("stx.w $r6, $r4, $r5", 4, WRITE, R4 + R5),
    ("stx.d $r6, $r4, $r5", 8, WRITE, R4 + R5),
    ("fldx.s $f6, $r4, $r5", 4, READ, R4 + R5),
    ("fstx.d $f6, $r4, $r5", 8, WRITE, R4 + R5),
    ("ll.w $r6, $r4, 8", 4, READ, R4 + 8),
    ("sc.w $r6, $r4, 8", 4, BOTH, R4 + 8),
    ("ll.d $r6, $r4, 8", 8, READ, R4 + 8),
    ("sc.d $r6, $r4, 8", 8, BOTH, R4 + 8),
    ("amswap.w $r6, $r5, $r4", 4, BOTH, R4),
    ("amadd.d $r6, $r5, $r4", 8, BOTH, R4),
    ("ammin_db.du $r6, $r5, $r4", 8, BOTH, R4),
]
OTHERS = ["add.d $r6, $r4, $r5", "addi.d $r6, $r4, 8", "b 8", "jirl $r1, $r4, 0", "syscall 0"]


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> dict[str, int]:
    """Assemble everything at once."""
    folder = tmp_path_factory.mktemp("assembled")
    texts = [text for text, *_ in ACCESSES] + OTHERS
    source, output = folder / "all.S", folder / "all.o"
    source.write_text(".globl _start\n_start:\n" + "\n".join(texts) + "\n")
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", "loongarch64-freestanding-none",
         "-c", "-o", str(output), str(source)],
        env=compiler_environment(),
        check=True, capture_output=True,
    )  # fmt: skip
    with output.open("rb") as file:
        code = ELFFile(file).get_section_by_name(".text").data()
    return dict(zip(texts, struct.unpack_from(f"<{len(texts)}I", code), strict=True))


def test_accesses(words: dict[str, int]) -> None:
    registers = [0] * 32
    registers[4], registers[5] = R4, R5
    for text, size, kinds, address in ACCESSES:
        word = words[text]
        assert (LA.access(word), LA.data_address(word, registers)) == ((size, kinds), address), text
        assert LA.is_load_reserved(word) == text.startswith("ll."), text
        assert LA.is_store_conditional(word) == text.startswith("sc."), text


def test_what_accesses_nothing(words: dict[str, int]) -> None:
    for text in OTHERS:
        assert LA.data_address(words[text], [0] * 32) is None, text
