"""Registers for a screen."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.arch import ARCHES
from starrylab.abi.arch.register_notes import FIELDS, ROLES
from starrylab.abi.numbers import Arch
from starrylab.debug.registers import fields, view


def test_every_register_with_notes_exists() -> None:
    for arch, layout in ARCHES.items():
        names = {*layout.general, *layout.floating, "fcsr", "zero"}
        assert set(ROLES[arch]) <= names
        assert set(FIELDS[arch]) <= names


def test_all_general_registers_of_riscv64_are_explained() -> None:
    layout = ARCHES["riscv64"]
    assert set(ROLES["riscv64"]) == {*layout.general, *layout.floating, "fcsr", "zero"}


def test_what_changed_and_how_fractions_look() -> None:
    two = int.from_bytes(struct.pack("<d", 2.5), "little")
    single = 0xFFFFFFFF << 32 | int.from_bytes(struct.pack("<f", 0.1), "little")
    values = {"pc": 0x1000, "a0": 7, "fa0": two, "fa1": single}
    shown = {r.name: r for r in view("riscv64", values, {"pc": 0xFFE, "a0": 7}, {"pc": "<main>"})}
    assert [shown["pc"].changed, shown["a0"].changed] == [True, False]
    assert [shown[name].text for name in values] == ["0x1000", "0x7", "2.5", "0.1 (single)"]
    assert shown["pc"].points_to == "<main>"
    assert shown["a0"].role.startswith("first argument")


@pytest.mark.parametrize(
    ("arch", "name", "value", "line"),
    [
        ("riscv64", "fcsr", 0x29, "frm [7:5] = 1 (towards zero): rounding mode"),
        ("riscv64", "fcsr", 0x29, "DZ [3] = 1: division by zero"),
        ("aarch64", "pstate", 0x40000000, "Z [30] = 1: zero"),
    ],
)
def test_fields(arch: Arch, name: str, value: int, line: str) -> None:
    assert line in fields(arch, name, value)


def test_plain_registers_have_no_fields() -> None:
    assert fields("riscv64", "a0", 5) == []
