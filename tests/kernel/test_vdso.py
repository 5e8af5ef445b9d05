"""The vDSO: what is in it, what programs read through it, and whether that is the kernel's time."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest

from starrylab.abi.arch import ARCHES
from starrylab.abi.arch.riscv64_vdso import LISTING
from starrylab.abi.elf import AT_SYSINFO_EHDR
from starrylab.abi.numbers import Arch
from starrylab.abi.time import CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_TAI
from starrylab.abi.vdso import VDSO, VVAR
from starrylab.debug.symbols.image import ElfImage
from starrylab.debug.unwind.tables import FrameTables
from starrylab.image.shared_object import elf_hash
from starrylab.kernel import boot, vdso
from starrylab.kernel.clock import COUNTER_HZ
from starrylab.machine.door import HostDoor, VirtualDoor
from starrylab.machine.scripted import ScriptedHart, ScriptedRam
from starrylab.machine.skipping import SkippingDoor
from tests import guest

SOURCE = Path(__file__).parent / "vdso.c"
GCC = "riscv64-linux-gnu-gcc"

#: Linux, arch/riscv/kernel/vdso/vdso.lds.S
RISCV_FUNCTIONS = {
    f"__vdso_{name}"
    for name in (
        *("rt_sigreturn", "clock_gettime", "gettimeofday", "clock_getres"),
        *("getcpu", "flush_icache", "riscv_hwprobe"),
    )
}


def tool(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_listing_is_what_an_assembler_makes_of_it(tmp_path: Path) -> None:
    lines = [
        line if line.endswith(":") else line[22:] for line in LISTING.splitlines() if line.strip()
    ]
    source, built, code = (tmp_path / name for name in ("v.S", "v.o", "code"))
    source.write_text("\n".join([".option norvc", ".option norelax", *lines, ""]))
    tool("riscv64-linux-gnu-as", "-march=rv64ima_zicsr_zifencei", source, "-o", built)
    tool("riscv64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", built, code)
    assert VDSO["riscv64"].code == code.read_bytes()


@pytest.mark.parametrize("arch", sorted(ARCHES))
def test_binutils_read_the_image(arch: Arch, tmp_path: Path) -> None:
    file = tmp_path / "vdso.so"
    file.write_bytes(vdso.image(arch)[0])
    done = subprocess.run(["readelf", "-aW", file], check=True, capture_output=True, text=True)
    assert "arning" not in done.stdout + done.stderr
    assert "rror" not in done.stderr
    symbols = set(re.findall(r"(__\w+)@@(\S+)", done.stdout))
    version = VDSO[arch].version
    assert symbols == {(f.name, version) for f in VDSO[arch].functions}
    assert "linux-vdso.so.1" in done.stdout
    if arch == "riscv64":
        assert {name for name, _ in symbols} == RISCV_FUNCTIONS
        assert version == "LINUX_4.15"


def test_hashes_of_names() -> None:
    # /usr/include/bits of glibc's sysdeps/unix/sysv/linux/dl-vdso.h has these two.
    assert elf_hash("LINUX_2.6") == 61765110
    assert elf_hash("LINUX_4.15") == 182943605


@pytest.mark.parametrize("arch", sorted(ARCHES))
def test_a_signal_handler_returns_to_the_trampoline(arch: Arch) -> None:
    file, at = vdso.image(arch)
    assert file[at:].startswith(ARCHES[arch].trampoline)


def test_every_function_has_call_frame_information() -> None:
    file, sigreturn = vdso.image("riscv64")
    image = ElfImage.from_bytes(file, "vdso")
    tables = FrameTables(image)
    text = image.section_address(".text")
    for function in VDSO["riscv64"].functions:
        for at in range(text + function.start, text + function.start + function.size, 4):
            found = tables.find(at)
            assert found is not None
            assert found.signal_frame == (function.name == "__vdso_rt_sigreturn")
    found = tables.find(sigreturn - 1)  # where a return address to it is looked up
    assert found is not None
    assert found.signal_frame
    assert found.return_register == 64


def data(kernel) -> tuple[int, ...]:
    return VVAR.unpack_from(kernel.ram.view, kernel.vdso.data_frame)


class CountingHart(ScriptedHart):
    """A hart whose counter can be read, though its programs never do."""

    def set_clock(self, read) -> bool:
        self.counter = read
        return True

    def read(self, clock: int) -> int | None:
        """Return what a program would read."""
        _, served, _, _, *ahead = VVAR.unpack_from(self.ram.view, self.data_frame)
        return self.counter() + ahead[clock] & (1 << 64) - 1 if served >> clock & 1 else None


def build(door) -> tuple[CountingHart, boot.Kernel]:
    hart = CountingHart(ScriptedRam(16 << 20))
    kernel = boot.build(hart, door)
    hart.data_frame = kernel.vdso.data_frame
    return hart, kernel


def test_without_a_counter_nothing_is_served() -> None:
    kernel = boot.build(ScriptedHart(ScriptedRam(16 << 20)), VirtualDoor())
    assert not any(data(kernel))


def test_virtual_time_is_served_exactly() -> None:
    door = VirtualDoor()
    hart, kernel = build(door)
    clock = kernel.clock
    for _ in range(3):
        for clock_id, reader in clock.readers.items():
            assert hart.read(clock_id) == reader()
        door.now += 123_456_789
    assert hart.read(2) is None  # CPU time is the kernel's
    assert hart.read(10) is None


def test_a_clock_that_is_set_is_served_anew() -> None:
    hart, kernel = build(VirtualDoor())
    before = data(kernel)[0]
    kernel.clock.set_realtime(42)
    assert hart.read(CLOCK_REALTIME) == 42
    assert hart.read(CLOCK_TAI) == 42
    assert data(kernel)[0] > before  # who was reading begins again
    assert data(kernel)[0] % 2 == 0


def test_clocks_that_stand_still_are_left_to_the_kernel() -> None:
    door = HostDoor(can_freeze=True)
    hart, _ = build(door)
    door.freeze()
    stood = door.monotonic()
    assert hart.read(CLOCK_MONOTONIC) is None
    door.thaw()
    first, read, last = door.monotonic(), hart.read(CLOCK_MONOTONIC), door.monotonic()
    assert stood <= first <= read <= last
    door.close()


def test_skipped_time_is_served() -> None:
    door = SkippingDoor()
    hart, kernel = build(door)
    door.poll(3600 * 10**9)
    first, read, last = door.monotonic(), hart.read(CLOCK_MONOTONIC), door.monotonic()
    assert first <= read <= last
    assert kernel.clock.monotonic() - hart.counter() > 3599 * 10**9
    door.close()


def test_a_host_whose_clock_is_set_is_followed_at_the_next_tick() -> None:
    door = VirtualDoor()
    hart, kernel = build(door)
    door._epoch += 10**9
    kernel.clock.follow_host()
    assert hart.read(CLOCK_REALTIME) == kernel.clock.realtime()
    sequence = data(kernel)[0]
    kernel.clock.follow_host()
    assert data(kernel)[0] == sequence


def test_what_programs_read(tmp_path: Path) -> None:
    """Through glibc: no clock is behind or ahead of the kernel, also when it is set; unwinding."""
    program = tmp_path / "vdso"
    tool(GCC, "-O1", "-static", "-fasynchronous-unwind-tables", SOURCE, "-o", program)
    result = guest.run(["/tmp/share/vdso"], share=tmp_path, options=["--strace=clock_getres"])
    assert (result.stdout, result.status) == (b"unwound rightly\n", 0), result.stderr
    # Nine by the program itself; by the library the CPU-time clocks and what is none.
    assert result.stderr.count(b"clock_getres(") == 9 + 2 + 1


def test_what_the_processor_can_do_is_told_without_a_call(tmp_path: Path) -> None:
    file = vdso.image("riscv64")[0]
    text = ElfImage.from_bytes(file, "vdso").section_address(".text")
    start = text + VDSO["riscv64"].start_of("__vdso_riscv_hwprobe")
    tool(GCC, "-O1", "-static", SOURCE.with_name("hwprobe.c"), "-o", tmp_path / "hwprobe")
    argv = ["/tmp/share/hwprobe", str(start)]
    result = guest.run(argv, share=tmp_path, options=["--strace=riscv_hwprobe"])
    assert (result.stdout, result.status) == (b"0 0 0 %d\n0 1\n0 1\n" % COUNTER_HZ, 0)
    # By the program itself once; what asks about a set of processors is for the kernel.
    assert result.stderr.count(b"riscv_hwprobe(") == 4


def test_where_it_is_mapped() -> None:
    program = "grep -E 'vvar|vdso' /proc/self/maps; cat /proc/self/auxv"
    vvar, code, auxv = guest.run(["/bin/sh", "-c", program]).stdout.split(b"\n", 2)
    assert re.fullmatch(rb"\w+-\w+ r--p 00000000 00:00 0 +\[vvar\]", vvar)
    assert re.fullmatch(rb"\w+-\w+ r-xp 00000000 00:00 0 +\[vdso\]", code)
    start = int(code.split(b"-")[0], 16)
    assert dict(struct.iter_unpack("<QQ", auxv))[AT_SYSINFO_EHDR] == start
    assert int(vvar.split()[0].split(b"-")[1], 16) == start
