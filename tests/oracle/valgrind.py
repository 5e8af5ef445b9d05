"""valgrind on the host: the oracle of what a program loses on its heap (package valgrind)."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

#: (fate, the program's own functions from the inside out, "blocks" or "bytes") -> how many
Found = Counter[tuple[str, tuple[str, ...], str]]

FATES = {
    "Leak_DefinitelyLost": "definitely lost",
    "Leak_IndirectlyLost": "indirectly lost",
    "Leak_PossiblyLost": "possibly lost",
    "Leak_StillReachable": "still reachable",
}
_OPTIONS = ("--leak-check=full", "--show-leak-kinds=all", "--leak-resolution=high", "--xml=yes")


class Unavailable(Exception):
    """The host cannot do this; the message says why."""


def check() -> None:
    """Raise `Unavailable` without valgrind or a compiler for the host."""
    for tool in ("valgrind", "gcc"):
        if shutil.which(tool) is None:
            raise Unavailable(f"{tool} is missing; run: make system")


def lost(source: Path, flags: Sequence[str], folder: Path) -> Found:
    """Build a C program for the host in ``folder``, run it, and return what it lost."""
    program, report = folder / source.stem, folder / "report.xml"
    subprocess.run(["gcc", *flags, "-w", source, "-o", program], check=True, timeout=100)
    command = ["valgrind", *_OPTIONS, f"--xml-file={report}", program]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    found: Found = Counter()
    for error in ET.parse(report).iter("error"):
        fate = FATES.get(error.findtext("kind", ""))
        if fate is None:
            continue
        frames = error.findall("stack/frame")
        names = tuple(f.findtext("fn", "") for f in frames if f.findtext("file") == source.name)
        # "192 (48 direct, 144 indirect) bytes in 1 blocks ..."
        size = re.match(r"(?:.*\()?([\d,]+)", error.findtext("xwhat/text", ""))
        assert size is not None
        found[fate, names, "bytes"] += int(size[1].replace(",", ""))
        found[fate, names, "blocks"] += int(error.findtext("xwhat/leakedblocks", "0"))
    return found
