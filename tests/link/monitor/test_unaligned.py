"""Unaligned loads and stores of the LA264, for instructions that LLVM assembled.

No emulator at hand traps them, so the C that does them in pieces runs on the host.
"""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.boards.monitor_build import sources_folder
from starrylab.link.monitor.protocol import Cause
from tests.oracle.fixtures import _missing

DONE = 0xFF  #: CAUSE_NONE
PAGE = 4096
NUMBER = 7  #: of the register that is loaded or stored
#: cause, address, stores; r, pc .. fcsr, fcc, f, said; two pages
STATE = struct.Struct("<3Q 32Q 8Q 16s 64Q 32Q 8192s")
R, PC, F, MEMORY = 3, 35, 44, 140

#: instruction -> bytes, kind: s sign-extended, z zero-extended, f floating or vector
LOADS = {
    "ld.h": (2, "s"), "ld.w": (4, "s"), "ld.d": (8, "z"), "ld.hu": (2, "z"), "ld.wu": (4, "z"),
    "fld.s": (4, "f"), "fld.d": (8, "f"), "vld": (16, "f"), "ldptr.w": (4, "s"),
    "ldptr.d": (8, "z"), "ldx.h": (2, "s"), "ldx.w": (4, "s"), "ldx.d": (8, "z"),
    "ldx.hu": (2, "z"), "ldx.wu": (4, "z"), "fldx.s": (4, "f"), "fldx.d": (8, "f"),
    "vldx": (16, "f"),
}  # fmt: skip
STORES = {
    "st.h": (2, "z"), "st.w": (4, "z"), "st.d": (8, "z"), "fst.s": (4, "f"), "fst.d": (8, "f"),
    "vst": (16, "f"), "stptr.w": (4, "z"), "stptr.d": (8, "z"), "stx.h": (2, "z"),
    "stx.w": (4, "z"), "stx.d": (8, "z"), "fstx.s": (4, "f"), "fstx.d": (8, "f"), "vstx": (16, "f"),
}  # fmt: skip
OTHERS = ("ll.w $a0, $a1, 4", "sc.d $a0, $a1, 8", "amadd.w $a0, $a1, $a2", "add.d $a0, $a1, $a2")


def spelled(name):
    register = "$vr7" if name[0] == "v" else "$fa7" if name[0] == "f" else "$a3"
    if "x" in name[2:]:
        return f"{name} {register}, $a1, $a2"
    return f"{name} {register}, $a1, {4 if 'ptr' in name else 3}"


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Instruction -> word, as LLVM has it."""
    if shutil.which("llvm-objcopy") is None:
        _missing("llvm-objcopy is not installed")
    folder = tmp_path_factory.mktemp("words")
    lines = [*map(spelled, (*LOADS, *STORES)), *OTHERS]
    source, output, text = folder / "words.s", folder / "words.o", folder / "words"
    source.write_text("\n".join([".text", *lines, ""]))
    target = ["-target", "loongarch64-freestanding-none", "-mcpu=generic_la64+d+f+lsx"]
    compiler = [sys.executable, "-m", "ziglang", "cc", *target, "-c", "-o", output, source]
    subprocess.run([str(word) for word in compiler], check=True, capture_output=True)
    subprocess.run(["llvm-objcopy", "-O", "binary", "-j", ".text", output, text], check=True)
    found = struct.unpack(f"<{len(lines)}I", text.read_bytes())
    return dict(zip((*LOADS, *STORES, *OTHERS), found, strict=True))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs one instruction on a state."""
    if shutil.which("gcc") is None:
        _missing("gcc is not installed")
    program = tmp_path_factory.mktemp("unaligned") / "unaligned"
    sources = [sources_folder() / "unaligned.c", Path(__file__).with_name("unaligned_host.c")]
    options = ["-O1", f"-I{sources_folder()}", "-Wno-builtin-declaration-mismatch"]
    subprocess.run(["gcc", *options, "-o", program, *sources], check=True)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:

        def one(word, address, registers, floating, memory):
            state = [0] * 3 + registers + [0x1000, 0, 0, address, word, 0, 0, 0, bytes(16)]
            data = STATE.pack(*state, *floating, *[0] * 32, memory)
            process.stdin.write(data)
            process.stdin.flush()
            return STATE.unpack(process.stdout.read(STATE.size))

        yield one
        process.stdin.close()


def state_of(seed):
    chance = random.Random(seed)
    registers = [0] + [chance.getrandbits(64) for _ in range(31)]
    floating = [chance.getrandbits(64) for _ in range(64)]
    return registers, floating, chance.randbytes(2 * PAGE)


@pytest.mark.parametrize("address", [1, PAGE - 1, PAGE + 5])
@pytest.mark.parametrize("name", LOADS)
def test_a_load_gets_its_bytes(run, words, name, address):
    size, kind = LOADS[name]
    registers, floating, memory = state_of(name)
    after = run(words[name], address, registers, floating, memory)
    data = memory[address : address + size]
    assert after[0] == DONE
    assert after[PC] == 0x1004
    wanted = list(registers), list(floating)
    if kind == "f":
        wanted[1][2 * NUMBER] = int.from_bytes(data[:8], "little")
        if size == 16:
            wanted[1][2 * NUMBER + 1] = int.from_bytes(data[8:], "little")
    else:
        value = int.from_bytes(data, "little", signed=kind == "s") % 2**64
        wanted[0][NUMBER] = value
    assert list(after[R : R + 32]) == wanted[0]
    assert list(after[F : F + 64]) == wanted[1]
    assert after[MEMORY] == memory


@pytest.mark.parametrize("address", [PAGE + 1, PAGE + 2001])
@pytest.mark.parametrize("name", STORES)
def test_a_store_puts_its_bytes(run, words, name, address):
    size, kind = STORES[name]
    registers, floating, memory = state_of(name)
    after = run(words[name], address, registers, floating, memory)
    source = floating[2 * NUMBER : 2 * NUMBER + 2] if kind == "f" else [registers[NUMBER], 0]
    data = b"".join(word.to_bytes(8, "little") for word in source)[:size]
    assert (after[0], after[PC]) == (DONE, 0x1004)
    assert after[2] > 0  # the page is noted as stored to
    assert after[MEMORY] == memory[:address] + data + memory[address + size :]
    assert list(after[R : R + 32]) == registers


@pytest.mark.parametrize(
    ("name", "address", "cause", "at"),
    [
        ("ld.d", 2 * PAGE - 3, Cause.LOAD, 2 * PAGE),
        ("ldx.w", 2**40 + 1, Cause.LOAD, 2**40 + 1),
        ("st.d", PAGE - 1, Cause.STORE, PAGE - 1),
        ("fst.d", 2 * PAGE - 3, Cause.STORE, 2 * PAGE),
        ("vst", 2 * PAGE - 15, Cause.STORE, 2 * PAGE),
    ],
)
def test_what_is_not_there_is_a_fault_and_nothing_is_done(run, words, name, address, cause, at):
    registers, floating, memory = state_of(0)
    after = run(words[name], address, registers, floating, memory)
    assert after[:2] == (cause, at)
    assert after[PC] == 0x1000
    assert after[MEMORY] == memory
    assert list(after[R : R + 32]) == registers


@pytest.mark.parametrize("name", OTHERS)
def test_what_has_to_be_aligned_is_not_done(run, words, name):
    registers, floating, memory = state_of(0)
    after = run(words[name], PAGE + 1, registers, floating, memory)
    assert after[:2] == (Cause.MISALIGNED, PAGE + 1)
    assert after[PC] == 0x1000
