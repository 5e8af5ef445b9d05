"""Decoding: against llvm-objdump on a whole program, and what is no code."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.disasm import Disassembler, Flow
from starrylab.debug.symbols.image import ElfImage
from starrylab.userland import build

LINE = re.compile(r"\s*([0-9a-f]+):\s+(.*)")


@pytest.fixture(scope="module")
def program() -> Path:
    return build.programs("riscv64") / "starry"


def text_section(image: ElfImage) -> tuple[int, bytes]:
    code = image.section(".text")
    assert code is not None
    return image.section_address(".text"), bytes(code)


def normal(text: str) -> str:
    """Write numbers in decimal, and leave symbols out."""
    text = re.sub(r"\s+", " ", re.sub(r"\s*[<#].*", "", text)).strip()
    return re.sub(r"\b0x([0-9a-f]+)\b", lambda m: str(int(m[1], 16)), text)


def objdump(path: Path) -> Iterator[tuple[int, str]]:
    if shutil.which("llvm-objdump") is None:
        pytest.skip("no llvm-objdump (Debian package llvm)")
    command = ["llvm-objdump", "-d", "--mattr=+a,+c,+m,+d,+f", "-j", ".text", "--no-show-raw-insn"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        if match:
            yield int(match[1], 16), normal(match[2])


def test_a_program_reads_as_llvm_reads_it(program: Path) -> None:
    start, code = text_section(ElfImage.open(program))
    ours = {i.address: normal(i.text) for i in Disassembler("riscv64").decode(code, start)}
    theirs = dict(objdump(program))
    differing = {
        hex(address): (text, ours.get(address))
        for address, text in theirs.items()
        if ours.get(address) != text and "unknown" not in text
    }
    assert len(theirs) > 10_000
    assert len(differing) <= len(theirs) // 1000, differing


def test_flow_and_targets() -> None:
    code = bytes.fromhex("c1bf 6f000001 ef001000 8280 73000000 0290 639cb500 0a85 8292")
    found = [(i.text, i.flow, i.target) for i in Disassembler("riscv64").decode(code, 0x1000)]
    assert found == [
        ("j 0xfd0", Flow.JUMP, 0xFD0),
        ("j 0x1012", Flow.JUMP, 0x1012),
        ("jal 0x1806", Flow.CALL, 0x1806),
        ("ret", Flow.RETURN, None),
        ("ecall", Flow.TRAP, None),
        ("ebreak", Flow.TRAP, None),
        ("bne a1, a1, 0x102a", Flow.BRANCH, 0x102A),
        ("mv a0, sp", Flow.NEXT, None),
        ("jalr t0", Flow.CALL, None),
    ]


def test_data_between_code_is_stepped_over() -> None:
    code = bytes.fromhex("ffffffff 8280 ffff")
    found = list(Disassembler("riscv64").decode(code, 0))
    assert [(i.text, i.size) for i in found] == [
        (".4byte 0xffffffff", 4),
        ("ret", 2),
        (".2byte 0xffff", 2),
    ]
    assert found[0].flow is Flow.INVALID


def test_aarch64() -> None:
    code = bytes.fromhex("fd7bbfa9 00000094 40000054 c0035fd6 010000d4")
    found = [(i.mnemonic, i.flow, i.target) for i in Disassembler("aarch64").decode(code, 0x4000)]
    assert found == [
        ("stp", Flow.NEXT, None),
        ("bl", Flow.CALL, 0x4004),
        ("b.eq", Flow.BRANCH, 0x4010),
        ("ret", Flow.RETURN, None),
        ("svc", Flow.TRAP, None),
    ]


@given(st.binary(max_size=64), st.sampled_from(["riscv64", "aarch64", "loongarch64"]))
def test_every_byte_is_in_one_instruction(code: bytes, arch: str) -> None:
    found = list(Disassembler(arch).decode(code, 0x100))  # type: ignore[arg-type]
    assert b"".join(i.data for i in found) == code
    assert [i.address for i in found] == [0x100 + sum(j.size for j in found[:n])
                                          for n in range(len(found))]  # fmt: skip
