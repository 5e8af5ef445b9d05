"""LoongArch64: every instruction of the table with random operands, against gdb."""

from __future__ import annotations

import random
import re
import struct
import subprocess
from pathlib import Path

import pytest

from starrylab.debug.disasm import Disassembler, Flow, Instruction
from starrylab.debug.disasm.loongarch64_table import ROWS
from starrylab.image.elf import Flat, wrap_elf
from tests.oracle import gdb
from tests.oracle.fixtures import _or_missing

BASE = 0x1_2000_0000
ET_CORE = 4
EACH = 6  #: words of each instruction
LINE = re.compile(r"\s*(0x[0-9a-f]+):\s+(.*)")


def words() -> list[int]:
    rng = random.Random(1)
    found = []
    for mask, rows in ROWS.items():
        for encoding in rows:
            found += [encoding | rng.getrandbits(32) & ~mask for _ in range(EACH)]
            found.append(encoding)
    return found


def normal(text: str, branches: bool) -> str:
    """Write numbers in decimal, and a branch's target as an address."""
    text, _, target = text.partition("#")
    text = re.sub(r"\(-?0x[0-9a-f]+\)|<.*", "", text)
    if branches and target:
        text = re.sub(r"-?\d+\s*$", target.split()[0], text)
    text = re.sub(r"\s*,\s*|\s+", " ", text).strip()
    return re.sub(r"\b0x([0-9a-f]+)", lambda m: str(int(m[1], 16)), text)


def decoded(code: bytes) -> list[Instruction]:
    return list(Disassembler("loongarch64").decode(code, BASE))


def test_every_instruction_reads_as_gdb_reads_it(tmp_path: Path) -> None:
    command = _or_missing(gdb.loongarch64)
    code = struct.pack(f"<{len(words())}I", *words())
    elf = bytearray(wrap_elf(Flat("loongarch64", BASE, BASE, code, len(code))))
    elf[16] = ET_CORE  # gdb reads no code of a program without sections
    file = tmp_path / "core"
    file.write_bytes(elf)
    shown = subprocess.run(
        [*command, "-batch", "-ex", f"core-file {file}", "-ex", f"x/{len(words())}i {BASE:#x}"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    theirs = {int(m[1], 16): m[2] for m in map(LINE.match, shown.splitlines()) if m}
    assert len(theirs) == len(words())
    differing = [
        (i.text, theirs[i.address])
        for i in decoded(code)
        if normal(i.text, branches=False) != normal(theirs[i.address], branches=True)
    ]
    assert differing == []


def test_flow_targets_and_references() -> None:
    code = struct.pack(
        "<12I",
        0x50080000, 0x57FFFFFF, 0x40000880, 0x4C000020, 0x002B0000, 0x4C000181,
        0x1A000024, 0x02C04084,  # pcalau12i $a0, 1; addi.d $a0, $a0, 16
        0x1E00000C, 0x4C000981,  # pcaddu18i $t0, 0; jirl $ra, $t0, 8
        0xFFFFFFFF, 0x4C000180,
    )  # fmt: skip
    found = [(i.text, i.flow, i.target, i.reference) for i in decoded(code)]
    assert found == [
        (f"b {BASE + 0x800:#x}", Flow.JUMP, BASE + 0x800, None),
        (f"bl {BASE:#x}", Flow.CALL, BASE, None),
        (f"beqz $a0, {BASE + 0x10:#x}", Flow.BRANCH, BASE + 0x10, None),
        ("ret", Flow.RETURN, None, None),
        ("syscall 0x0", Flow.TRAP, None, None),
        ("jirl $ra, $t0, 0", Flow.CALL, None, None),
        ("pcalau12i $a0, 1", Flow.NEXT, None, None),
        ("addi.d $a0, $a0, 16", Flow.NEXT, None, BASE + 0x1010),
        ("pcaddu18i $t0, 0", Flow.NEXT, None, None),
        ("jirl $ra, $t0, 8", Flow.CALL, BASE + 0x20 + 8, None),
        (".4byte 0xffffffff", Flow.INVALID, None, None),
        ("jr $t0", Flow.JUMP, None, None),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_what_is_cut_is_no_instruction(size: int) -> None:
    found = decoded(b"\0\0\x40\x03"[:size].ljust(size, b"\1"))
    assert b"".join(i.data for i in found) == b"\0\0\x40\x03"[:size].ljust(size, b"\1")
    assert found[-1].flow is Flow.INVALID
