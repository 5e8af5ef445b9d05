"""Programs of the host stopped by gdb: DWARF is the same, only registers have other numbers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from starrylab.debug.dwarf.errors import NoMemory, Unavailable
from starrylab.debug.dwarf.frame import FrameState
from starrylab.debug.dwarf.module import DebugData, ModuleData
from starrylab.debug.symbols.image import ElfImage

#: System V ABI for AMD64, figure 3.36
X86_64 = (
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15", "rip",
)  # fmt: skip
_REGISTER = re.compile(r"(?m)^(\w+)\s+0x([0-9a-f]+)")


class CoreMemory:
    """What a core file and the program itself have."""

    def __init__(self, *images: ElfImage) -> None:
        self.parts = [(s, image) for image in images for s in image.segments() if s.filesz]

    def read(self, address: int, size: int) -> bytes:
        for segment, image in self.parts:
            offset = address - segment.vaddr
            if offset >= 0 and offset + size <= segment.filesz:
                start = segment.offset + offset
                return bytes(image.data[start : start + size])
        raise NoMemory(address)

    def write(self, address: int, data: bytes) -> None:
        raise Unavailable("a core file cannot be changed")


def stopped(program: Path, function: str, folder: Path) -> tuple[ModuleData, FrameState, str]:
    """Run until ``function``; return its caller's frame and what gdb says are its locals."""
    core = folder / "core"
    commands = [
        "set width 0", "set startup-with-shell off", f"break {function}", "run", "frame 1",
        "info frame", "info registers", r'printf "\n@@@\n"', "info args", "info locals",
        r'printf "\n@@@\n"', f"generate-core-file {core}", "kill",
    ]  # fmt: skip
    arguments = [argument for line in commands for argument in ("-ex", line)]
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", *arguments, str(program)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    head, variables, _ = done.stdout.split("\n@@@\n")
    values = {name: int(number, 16) for name, number in _REGISTER.findall(head)}
    registers = {number: values[name] for number, name in enumerate(X86_64)}
    match = re.search(r"frame at 0x([0-9a-f]+)", head)
    assert match is not None
    image = ElfImage.open(program)
    memory = CoreMemory(ElfImage.open(core), image)
    pc = values["rip"]
    frame = FrameState(pc, pc - 1, registers, memory, int(match[1], 16))
    return ModuleData(DebugData(image), 0), frame, variables
