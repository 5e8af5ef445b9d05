"""What clang makes of C passes the verifier, and returns what C would."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
import ziglang
from elftools.elf.elffile import ELFFile

from starrylab.abi import bpf as b
from starrylab.abi import ebpf as e
from starrylab.kernel.bpf.instructions import Instruction, decode
from starrylab.kernel.bpf.maps.base import Map
from tests.kernel.bpf.assembly import FILTER, Bench

_SOURCE = Path(__file__).with_name("clang.c")
_HEADERS = Path(ziglang.__file__).parent / "lib/libc/include"
_PACKET = bytes(range(1, 51))
RAW = b.BPF_PROG_TYPE_RAW_TRACEPOINT


@cache
def image() -> bytes:
    """Compile the programs."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "bpfel-freestanding", "-mcpu=v3"]
    command += [f"-I{_HEADERS / name}" for name in ("any-linux-any", "riscv-linux-any")]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "clang.o"
        subprocess.run([*command, "-O2", "-c", str(_SOURCE), "-o", str(output)], check=True)
        return output.read_bytes()


class Object:
    """One program of the object, with the functions that it calls behind it."""

    def __init__(self, bench: Bench, section: str) -> None:
        self._elf = ELFFile(io.BytesIO(image()))
        self._symbols = self._elf.get_section_by_name(".symtab")
        self.maps = {
            "counts": bench.map(b.BPF_MAP_TYPE_HASH, 8, 8, 16),
            "array": bench.map(b.BPF_MAP_TYPE_ARRAY, 4, 64, 1),
            "ring": bench.map(b.BPF_MAP_TYPE_RINGBUF, 0, 0, 4096),
        }
        for name in (".rodata", ".bss", ".data"):
            data = self._elf.get_section_by_name(name)
            if data is not None:
                self.maps[name] = self._data(bench, name, data)
        self.used: dict[int, Map] = {}
        self._functions: dict[int, int] = {}  #: where in .text -> where in the program
        self.code = self._section(section)
        self._relocate(section, 0, 0, len(self.code) * 8)

    def _section(self, name: str) -> list[Instruction]:
        found = self._elf.get_section_by_name(name)
        return decode(found.data()) if found is not None else []

    def _data(self, bench: Bench, name: str, section) -> Map:
        fixed = b.BPF_F_RDONLY_PROG if name == ".rodata" else 0
        found = bench.map(b.BPF_MAP_TYPE_ARRAY, 4, section["sh_size"], 1, flags=fixed)
        if section["sh_type"] != "SHT_NOBITS":
            found.update(bytes(4), section.data(), 0)
        found.frozen = bool(fixed)
        return found

    def _relocate(self, name: str, base: int, start: int, end: int) -> None:
        """Relocate what was put at ``base`` from bytes ``start`` to ``end`` of a section."""
        table = self._elf.get_section_by_name(f".rel{name}")
        for entry in table.iter_relocations() if table is not None else ():
            if start <= entry["r_offset"] < end:
                symbol = self._symbols.get_symbol(entry["r_info_sym"])
                self._apply(base + (entry["r_offset"] - start) // 8, symbol)

    def _function(self, offset: int) -> int:
        """Return where a function of .text is in the program; add it if it is not there yet."""
        if offset not in self._functions:
            symbol = next(
                s for s in self._symbols.iter_symbols()
                if s["st_info"]["type"] == "STT_FUNC" and s["st_value"] == offset
                and s["st_shndx"] == self._elf.get_section_index(".text")
            )  # fmt: skip
            base = self._functions[offset] = len(self.code)
            end = offset + symbol["st_size"]
            self.code += self._section(".text")[offset // 8 : end // 8]
            self._relocate(".text", base, offset, end)
        return self._functions[offset]

    def _apply(self, index: int, symbol) -> None:
        i = self.code[index]
        where = symbol["st_shndx"]
        section = "" if isinstance(where, str) else self._elf.get_section(where).name
        if section == ".text":
            added = i.imm if i.is_wide else 8 * (i.imm + 1)
            target = self._function(symbol["st_value"] + added)
            source = e.PSEUDO_FUNC if i.is_wide else e.PSEUDO_CALL
            self.code[index] = i._replace(src=source, imm=target - index - 1)
        elif section in self.maps:
            offset = symbol["st_value"] + i.imm
            self.code[index] = i._replace(src=e.PSEUDO_MAP_VALUE, imm=0)
            self.code[index + 1] = self.code[index + 1]._replace(imm=offset)
            self.used[index] = self.maps[section]
        else:
            self.code[index] = i._replace(src=e.PSEUDO_MAP_FD)
            self.used[index] = self.maps[symbol.name]


def run(
    bench: Bench, section: str, kind: int = FILTER, arguments: bytes = b""
) -> tuple[int, Object]:
    made = Object(bench, section)
    maps = [made.used[index] for index in sorted(made.used)]
    program = bench.load(made.code, *maps, kind=kind)
    context = bytearray(arguments.ljust(192, b"\0"))
    if kind == FILTER:
        context[:4] = len(_PACKET).to_bytes(4, "little")
    result = bench.interpreter.run(program, context, _PACKET) & 0xFFFF_FFFF
    return result, made


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_checksum(bench) -> None:
    total = sum(int.from_bytes(_PACKET[n : n + 2], "big") for n in range(0, 40, 2))
    total = (total & 0xFFFF) + (total >> 16)
    assert run(bench, "socket/checksum")[0] == ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def test_an_array_on_the_stack(bench) -> None:
    counts = [sum(byte & 15 == n for byte in _PACKET[:24]) for n in range(16)]
    assert run(bench, "socket/letters")[0] == max(counts)


def test_functions_and_data(bench) -> None:
    result, made = run(bench, "socket/functions")
    size = len(_PACKET)
    assert result == sum(size - n for n in range(20))
    total = made.maps[".bss"].value(bytes(4))[:8]
    assert int.from_bytes(total, "little") == sum(n * size for n in range(20))


def test_a_loop_of_a_helper(bench) -> None:
    assert run(bench, "socket/loops")[0] == sum(range(31)) * 1000 + 31


def test_a_text_of_a_process(bench) -> None:
    bench.services.user[0x5000] = b"some words here\0"
    address = (0x5000).to_bytes(8, "little")
    assert run(bench, "raw_tp/text", RAW, address)[0] == 2 * 100 + 16
    assert run(bench, "raw_tp/text", RAW, bytes(8))[0] == 0


def test_maps_and_a_ring_buffer(bench) -> None:
    result, made = run(bench, "socket/records")
    place = len(_PACKET) & 7
    assert result == place
    key = (5).to_bytes(4, "little") + len(_PACKET).to_bytes(2, "little") + bytes(2)
    assert made.maps["counts"].value(key) == (1).to_bytes(8, "little")
    words = made.maps["array"].value(bytes(4))
    assert words[8 * place : 8 * place + 8] == (3).to_bytes(8, "little")
    record = bytes(made.maps["ring"].store[8:40])
    assert record == place.to_bytes(8, "little") + _PACKET[:24]
