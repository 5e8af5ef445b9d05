"""ELF core files: what is in them, read with the standard's own layouts."""

from __future__ import annotations

import io
import struct

import pytest

from starrylab.abi import elf
from starrylab.abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE
from starrylab.debug.core_file import EVERYTHING, write_core
from starrylab.kernel.signal.info import SignalInfo
from tests.debug.test_modules import LOAD, install, load
from tests.debug.test_modules import elf as elf_file

AT = 0x2000_0000


def core(process, **options: object) -> bytes:
    file = io.BytesIO()
    write_core(process, file, **options)
    return file.getvalue()


def segments(data: bytes) -> list[tuple[int, ...]]:
    offset, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    return [struct.unpack_from("<IIQQQQQQ", data, offset + 56 * n) for n in range(count)]


def notes(data: bytes) -> list[tuple[int, bytes]]:
    _, _, at, _, _, size, _, _ = segments(data)[0]
    end, found = at + size, []
    while at < end:
        name_size, length, kind = struct.unpack_from("<III", data, at)
        at += 12 + (name_size + 3 & ~3)
        found.append((kind, data[at : at + length]))
        at += length + 3 & ~3
    return found


def loaded(data: bytes) -> dict[int, tuple[bytes, int]]:
    """Address -> (bytes, size in memory) of each PT_LOAD."""
    return {s[3]: (data[s[2] : s[2] + s[5]], s[6]) for s in segments(data) if s[0] == elf.PT_LOAD}


@pytest.fixture
def thread(lab):
    thread = lab.start(lambda m: iter(()))
    thread.mm.map(AT, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    thread.mm.write(AT + 100, b"here it is")
    return thread


def test_the_header_names_machine_and_type(thread) -> None:
    data = core(thread.process)
    assert data[:7] == b"\x7fELF\x02\x01\x01"
    kind, machine = struct.unpack_from("<HH", data, 16)
    assert (kind, machine) == (elf.ET_CORE, elf.EM_RISCV)


def test_memory_is_there_and_untouched_pages_are_zero(thread) -> None:
    content, size = loaded(core(thread.process))[AT]
    assert (len(content), size) == (8192, 8192)
    assert content[100:110] == b"here it is"
    assert content[4096:] == bytes(4096)


def test_looking_does_not_touch(thread) -> None:
    before = dict(thread.mm.table), thread.mm.minflt
    core(thread.process, wanted=EVERYTHING)
    assert (dict(thread.mm.table), thread.mm.minflt) == before


def test_registers_of_every_thread_the_current_one_first(lab, thread) -> None:
    def program(m):
        yield m.call("exit_group", 0)

    thread.context.x[5] = 0x1234
    data = core(thread.process, current=thread, info=SignalInfo(11, 1, addr=0xBAD))
    status = [value for kind, value in notes(data) if kind == elf.NT_PRSTATUS]
    assert len(status) == 1
    signo, code, errno, cursig = struct.unpack_from("<iiih", status[0])
    assert (signo, code, errno, cursig) == (11, 1, 0, 11)
    assert struct.unpack_from("<i", status[0], 32)[0] == thread.tid
    assert status[0][112 : 112 + 256] == thread.context.general()
    kinds = [kind for kind, _ in notes(data)]
    assert kinds[0] == elf.NT_PRSTATUS
    assert {elf.NT_PRPSINFO, elf.NT_SIGINFO, elf.NT_AUXV, elf.NT_PRFPREG} <= set(kinds)
    info = dict(notes(data))[elf.NT_SIGINFO]
    assert struct.unpack_from("<i", info)[0] == 11
    assert struct.unpack_from("<Q", info, 16)[0] == 0xBAD


def test_files_are_named_and_only_their_own_pages_written(lab, thread) -> None:
    load(thread.mm, install(lab, b"prog", elf_file()))
    thread.mm.write(LOAD + 0x2F00, b"changed")
    data = core(thread.process)
    files = dict(notes(data))[elf.NT_FILE]
    count, page = struct.unpack_from("<QQ", files)
    assert (count, page) == (2, 4096)
    assert struct.unpack_from("<QQQ", files, 16) == (LOAD, LOAD + 0x2000, 0)
    assert files.endswith(b"/prog\0/prog\0")
    content = loaded(data)
    assert content[LOAD] == (elf_file()[:4096], 0x2000)  # the page with the ELF header
    assert content[LOAD + 0x2000][0][0xF00:0xF07] == b"changed"
    whole = loaded(core(thread.process, wanted=EVERYTHING))
    assert len(whole[LOAD][0]) == 0x2000


def test_a_zombie_has_nothing(lab) -> None:
    def program(m):
        yield m.call("exit_group", 0)

    thread = lab.start(program)
    lab.kernel.executor.run()
    with pytest.raises(ValueError, match="process 1 has ended"):
        core(thread.process)
