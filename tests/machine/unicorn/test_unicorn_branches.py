"""Forgetting branches: a detour through more jumps than the processor remembers."""

from __future__ import annotations

import platform

import capstone
import pytest

from starrylab.machine.unicorn import branches


def test_the_code_is_jumps_to_each_other_and_a_return():
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    code = branches._JUMP * 3 + branches._RETURN
    at, path = 0, []
    while at < len(code):
        instruction = next(decoder.disasm(code[at:], at))
        path.append(instruction.mnemonic)
        at = int(instruction.op_str, 16) if instruction.mnemonic == "jmp" else len(code)
    assert path == ["jmp", "jmp", "jmp", "ret"]


def test_every_eighth_call_takes_the_detour(monkeypatch):
    taken = []
    monkeypatch.setattr(branches, "_is_amd", lambda: True)
    monkeypatch.setattr(branches, "_field_of_jumps", lambda: lambda: taken.append(1))
    sometimes = branches.forgetter()
    for _ in range(17):
        sometimes()
    assert len(taken) == 2


@pytest.mark.parametrize("amd", [False, True])
def test_other_hosts_and_those_without_executable_memory_do_nothing(monkeypatch, amd):
    monkeypatch.setattr(branches, "_is_amd", lambda: amd)
    monkeypatch.setattr(branches, "_field_of_jumps", lambda: None)
    sometimes = branches.forgetter()
    assert [sometimes() for _ in range(8)] == [None] * 8


@pytest.mark.skipif(platform.machine() != "x86_64", reason="optional: the code is for x86-64 hosts")
def test_the_detour_comes_back():
    forget = branches._field_of_jumps()
    assert forget is not None
    assert [forget() for _ in range(3)] == [None] * 3
