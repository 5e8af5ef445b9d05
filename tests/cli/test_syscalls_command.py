"""`starrylab syscalls`: every number once, and the same facts as text and as JSON."""

from __future__ import annotations

import json
import sys

import pytest

from starrylab.abi import numbers
from starrylab.cli import main
from starrylab.kernel.syscalls import declared
from starrylab.kernel.syscalls._support import support_table as rows


@pytest.mark.parametrize("arch", numbers.ARCHES)
def test_every_number_has_a_row(arch: numbers.Arch) -> None:
    found = rows(arch)
    assert [(row.number, row.name) for row in found] == sorted(numbers.names(arch).items())
    assert {row.state for row in found} <= {"full", "partial", "absent"}


def test_a_row_says_what_the_declaration_says() -> None:
    entries = declared()
    for row in rows("riscv64"):
        entry = entries.get(row.name)
        if entry is None:
            assert (row.state, row.missing, row.where) == ("absent", "", "")
        else:
            assert row.missing == (entry.partial or "")
            assert row.state == ("partial" if entry.partial else "full")
            file, _, line = row.where.rpartition(":")
            assert file.endswith(".py")
            assert int(line) > 0


def test_the_output_of_a_caller_stays_the_callers(capfd) -> None:
    before = sys.stdout  # without a buffer, as pytest makes it
    assert main(["syscalls"]) == 0
    assert sys.stdout is before
    assert "getppid" in capfd.readouterr().out


def test_the_text_ends_with_the_counts(capsys) -> None:
    assert main(["syscalls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    counts = {
        state: sum(row.state == state for row in rows("riscv64"))
        for state in ("full", "partial", "absent")
    }
    assert lines[-1] == ", ".join(f"{count} {state}" for state, count in counts.items())
    assert len(lines) == sum(counts.values()) + 1
    assert any(line.split()[:3] == ["64", "write", "full"] for line in lines)


def test_json_holds_the_same_rows(capsys) -> None:
    assert main(["syscalls", "--json", "--arch", "loongarch64"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == [row._asdict() for row in rows("loongarch64")]
