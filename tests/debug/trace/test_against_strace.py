"""The same C source under strace(1) on the host and under ours: line for line the same.

Only what differs between two machines is taken out: addresses, process numbers, and, in a call
that only one of the two can decode, nothing at all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from starrylab.userland import compile_c
from tests import guest

SOURCE = Path(__file__).parent / "calls.c"
FIRST = "getpriority("  #: before it is what the C library does
_ADDRESS = re.compile(r"0x[0-9a-f]{5,}")


def missing(reason: str) -> None:
    """Skip here, but fail where all is expected to be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def compared(lines: list[str]) -> list[str]:
    """Return the lines from the first that matters on, without what differs by nature."""
    found = [_ADDRESS.sub("ADDRESS", re.sub(r"\s+= ", " = ", line)) for line in lines]
    start = next(number for number, line in enumerate(found) if FIRST in line)
    return found[start:]


@pytest.fixture(scope="module")
def native() -> list[str]:
    if shutil.which("strace") is None:
        missing("no strace: apt-get install strace")
    program = compile_c([SOURCE], "x86_64")
    done = subprocess.run(
        ["strace", "-a", "1", "-o", "/dev/fd/2", str(program)],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    if done.returncode != 5:
        missing(f"strace may not trace here: {done.stderr.strip()[-200:]}")
    return compared(done.stderr.splitlines())


@pytest.fixture(scope="module")
def ours() -> list[str]:
    program = compile_c([SOURCE], "riscv64")
    done = guest.run(["/tmp/share/" + program.name], share=program.parent, options=["--strace"])
    assert done.status == 5
    return compared([line.removeprefix("[1] ") for line in done.stderr.decode().splitlines()])


def test_line_by_line(native: list[str], ours: list[str]) -> None:
    assert len(native) > 60
    assert ours == native
