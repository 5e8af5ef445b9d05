import struct
import subprocess
import sys

import pytest
from unicorn import Uc
from unicorn.riscv_const import UC_RISCV_REG_A0, UC_RISCV_REG_A1
from unicorn.unicorn_const import UC_ARCH_RISCV, UC_MODE_RISCV64

from starrylab.boards.mover import CODE, movable
from starrylab.image.elf import flatten

FLAGS = {
    "riscv64": ["-target", "riscv64-freestanding-none", "-mcpu=generic_rv64"],
    "loongarch64": ["-target", "loongarch64-freestanding-none"],
}


@pytest.mark.parametrize("arch", sorted(CODE))
def test_the_words_are_what_an_assembler_makes(arch, tmp_path):
    source, output = tmp_path / "mover.S", tmp_path / "mover.elf"
    lines = [line for _, line in CODE[arch]]
    source.write_text(".globl _start\n_start:\n" + "\n".join(lines) + "\n")
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS[arch], "-nostdlib", "-o", output]
    subprocess.run([*command, source], check=True)
    flat = flatten(output.read_bytes())
    at = flat.entry - flat.base
    words = struct.unpack(f"<{len(lines)}I", flat.data[at : at + 4 * len(lines)])
    assert [hex(word) for word in words] == [hex(word) for word, _ in CODE[arch]]


def test_a_program_is_moved_cleared_behind_and_started():
    loaded, place = 0x10000, 0x40000
    program = b"\x13\0\0\0" * 3  # nop
    image = movable("riscv64", program, to=place, memory_size=100, entry=place + 4)
    cpu = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
    cpu.mem_map(loaded, 0x40000)
    cpu.mem_write(place, b"\xff" * 200)
    cpu.mem_write(loaded, image)
    cpu.reg_write(UC_RISCV_REG_A0, 1)
    cpu.reg_write(UC_RISCV_REG_A1, 2)
    cpu.emu_start(loaded, place + 8, count=1000)
    memory = bytes(cpu.mem_read(place, 200))
    assert memory == program + bytes(104 - 12) + b"\xff" * 96
    assert (cpu.reg_read(UC_RISCV_REG_A0), cpu.reg_read(UC_RISCV_REG_A1)) == (1, 2)
