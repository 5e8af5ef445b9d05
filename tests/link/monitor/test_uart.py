"""The monitor's UART driver on a model of the JH7110's DW_apb_uart, which drops writes to LCR."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from starrylab.boards.monitor_build import sources_folder
from tests.oracle.fixtures import _missing

SECOND = 1_000_000
BOOT = (115_200, 13)  #: rate and divisor of 24 MHz
FAST = (1_500_000, 1)


class Chip(NamedTuple):
    baud: int
    divisor: int
    lcr: int
    sent: int
    wrong_reads: int
    lost_writes: int


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    if shutil.which("gcc") is None:
        _missing("gcc is not installed")
    folder = tmp_path_factory.mktemp("uart")
    text = (sources_folder() / "uart.c").read_text()
    # The two functions that touch the chip are the model's.
    text, count = re.subn(r"^static (u32 load|void store)(\([^)]*\)) \{.*?^\}$", r"\1\2;", text,
                          flags=re.DOTALL | re.MULTILINE)  # fmt: skip
    assert count == 2
    (folder / "uart.c").write_text(text)
    sources = [folder / "uart.c", Path(__file__).with_name("uart_host.c")]
    options = ["-O1", f"-I{sources_folder()}", "-Wno-builtin-declaration-mismatch"]
    subprocess.run(["gcc", *options, "-o", folder / "uart", *sources], check=True)

    def one(commands: str) -> Chip:
        words = [str(folder / "uart"), *commands.split()]
        told = subprocess.run(words, check=True, capture_output=True, text=True, timeout=10)
        chip = Chip(*map(int, told.stdout.split()))
        assert chip.lcr == 3
        assert chip.wrong_reads == 0
        return chip

    return one


def test_a_rate_is_set_though_the_chip_is_busy(run):
    assert run("put 5 baud 1500000")[:2] == FAST
    chip = run("put 5 typed 3 baud 1500000")
    assert chip[:2] == FAST
    assert chip.lost_writes > 0
    assert run("put 5 typed 3 baud 500000")[:2] == (500_000, 3)


def test_a_rate_that_nobody_confirms_is_given_up(run):
    assert run(f"baud 1500000 later {SECOND // 2} get 3")[:2] == FAST
    assert run(f"baud 1500000 later {2 * SECOND} get 3")[:2] == BOOT


def test_a_rate_that_works_is_kept(run):
    assert run(f"baud 1500000 trusted 0 later {2 * SECOND} get 3")[:2] == FAST
    told = run(f"baud 1500000 trusted 0 baud 750000 later {2 * SECOND} get 3")
    assert told[:2] == FAST


def test_a_host_with_another_rate_is_waited_for_at_the_first_one(run):
    assert run("baud 1500000 trusted 0 noise 1 get 40 trusted 0 get 40")[:2] == FAST
    assert run("baud 1500000 trusted 0 noise 1 get 90")[:2] == BOOT
