"""llvm-symbolizer and addr2line: what other tools say about the addresses of a file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

#: addr2line for riscv64 files: of that architecture's binutils
ADDR2LINE = "riscv64-linux-gnu-addr2line"


class Unavailable(Exception):
    """The tool is not installed; the message says which package brings it."""


class Frame(NamedTuple):
    """One function at an address; "" and 0 for what is unknown."""

    function: str  #: as the linker knows it
    file: str
    line: int
    column: int


def symbolizer() -> str:
    """Return the path of llvm-symbolizer; raise Unavailable."""
    path = shutil.which("llvm-symbolizer")
    if path is None:
        raise Unavailable("llvm-symbolizer is missing; install llvm")
    return path


def llvm(path: Path, addresses: Sequence[int]) -> list[list[Frame]]:
    """Return the frames at each address, innermost first."""
    command = [symbolizer(), "-e", str(path), "--output-style=JSON", "--no-demangle"]
    text = "".join(f"{address:#x}\n" for address in addresses)
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, timeout=120
    )
    return [_frames(json.loads(line)) for line in done.stdout.splitlines()]


def _frames(answer: dict) -> list[Frame]:
    return [
        Frame(at["FunctionName"], at["FileName"], at["Line"], at["Column"])
        for at in answer.get("Symbol", [])
    ] or [Frame("", "", 0, 0)]


def addr2line(path: Path, addresses: Sequence[int]) -> list[list[Frame]]:
    """Return the frames at each address, innermost first; binutils knows no columns."""
    tool = shutil.which(ADDR2LINE)
    if tool is None:
        raise Unavailable(f"{ADDR2LINE} is missing; install binutils-riscv64-linux-gnu")
    text = "".join(f"{address:#x}\n" for address in addresses)
    command = [tool, "-a", "-f", "-i", "-e", str(path)]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, timeout=300
    )
    found: list[list[Frame]] = []
    lines = iter(done.stdout.splitlines())
    for line in lines:
        if line.startswith("0x"):
            found.append([])
            continue
        file, _, number = next(lines).split(" (discriminator")[0].rpartition(":")
        found[-1].append(
            Frame(
                "" if line == "??" else line,
                "" if file == "??" else file,
                int(number) if number.isdecimal() else 0,
                0,
            )
        )
    return found
