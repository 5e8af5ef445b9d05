"""Performance events as C programs see them: events.txt is what Linux 6.18 prints."""

from __future__ import annotations

import ctypes
import platform
import subprocess
from pathlib import Path

import pytest

from starrylab.userland import compile_c
from tests import guest

FOLDER = Path(__file__).parent
_NUMBERS = {"x86_64": 298, "aarch64": 241, "riscv64": 241}
_ATTR_SIZE = 136


def host_has_events() -> bool:
    """Whether this host's kernel lets us count: containers often do not."""
    attr = bytearray(_ATTR_SIZE)
    attr[0:8] = (1).to_bytes(4, "little") + _ATTR_SIZE.to_bytes(4, "little")
    attr[8] = 9  # PERF_COUNT_SW_DUMMY
    call = ctypes.CDLL(None, use_errno=True).syscall
    number = _NUMBERS.get(platform.machine(), -1)
    return bool(call(number, (ctypes.c_char * _ATTR_SIZE).from_buffer(attr), 0, -1, -1, 0) >= 0)


@pytest.mark.parametrize("name", ["breakpoints", "events", "samples", "tracefs"])
def test_program_prints_what_it_should(name: str) -> None:
    program = compile_c([FOLDER / f"{name}.c"], "riscv64")
    result = guest.run([f"/tmp/share/{program.name}"], share=program.parent, timeout=60)
    assert result.stdout.decode() == (FOLDER / f"{name}.txt").read_text()
    assert result.status == 0, result.stderr.decode(errors="replace")


def test_linux_prints_the_same() -> None:
    if not host_has_events():
        pytest.skip("this host's kernel refuses perf_event_open(2)")
    program = compile_c([FOLDER / "events.c"], platform.machine())
    done = subprocess.run([program], capture_output=True, timeout=60, check=False)
    assert done.stdout.decode() == (FOLDER / "events.txt").read_text()
