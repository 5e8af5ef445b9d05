"""Which files a process maps, where, and which functions its addresses belong to."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE
from starrylab.debug.modules import ImageCache, Modules, symbols_for
from starrylab.debug.stack import Stacks, named
from starrylab.debug.symbols.image import ElfImage
from starrylab.debug.unwind.cursor import CfiError
from starrylab.debug.unwind.unwinder import RawFrame
from starrylab.kernel import boot
from starrylab.kernel.fs.hostfs_access import HostFolder
from starrylab.kernel.fs.overlay import OverlayFs
from starrylab.kernel.vfs.context import FsContext
from starrylab.machine.api import EXEC, READ, WRITE
from starrylab.machine.door import VirtualDoor
from starrylab.machine.scripted import ScriptedHart, ScriptedRam
from tests.kernel.conftest import ScriptedLab

LOAD, TEXT, DATA, BSS_END = 0x10_0000_0000, 0x1000, 0x2E00, 0x5000
PIE = 3


def elf(*, kind: int = PIE, entry: int = TEXT, name: bytes = b"work") -> bytes:
    """A file with a text segment, a data segment that shares its last page, and one symbol."""
    segments = (
        (5, 0, 0, 0x2000, 0x2000),
        (6, DATA - 0x1000, DATA, 0x300, BSS_END - DATA),
    )  # fmt: skip
    strings = b"\0" + name + b"\0"
    names = b"\0.symtab\0.strtab\0.shstrtab\0.plt\0.text\0"
    symbols = bytes(24) + struct.pack("<IBBHQQ", 1, 0x12, 0, 5, TEXT + 0x20, 0x40)
    body = bytearray(0x2100)
    body[0x200 : 0x200 + len(symbols)] = symbols
    body[0x300 : 0x300 + len(strings)] = strings
    body[0x400 : 0x400 + len(names)] = names
    sections = (
        bytes(64),
        struct.pack("<IIQQQQIIQQ", 1, 2, 0, 0, 0x200, len(symbols), 2, 1, 8, 24),
        struct.pack("<IIQQQQIIQQ", 9, 3, 0, 0, 0x300, len(strings), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", 17, 3, 0, 0, 0x400, len(names), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", 27, 1, 6, TEXT + 0x100, TEXT + 0x100, 0x40, 0, 0, 16, 0),
        struct.pack("<IIQQQQIIQQ", 32, 1, 6, TEXT, TEXT, 0x100, 0, 0, 16, 0),
    )
    table = b"".join(sections)
    body[0x500 : 0x500 + len(table)] = table
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    body[:64] = struct.pack(
        "<16sHHIQQQIHHHHHH", ident, kind, 243, 1, entry, 64, 0x500, 0, 64, 56, 2, 64, 6, 3
    )
    at = 64
    for flags, offset, vaddr, size, memory in segments:
        head = struct.pack("<IIQQQQQQ", 1, flags, offset, vaddr, vaddr, size, memory, 4096)
        body[at : at + 56] = head
        at += 56
    return bytes(body)


@pytest.fixture
def thread(lab):
    return lab.start(lambda m: iter(()))


def install(lab, name: bytes, data: bytes):
    """Make /NAME; return its location."""
    kernel = lab.kernel
    context = FsContext(kernel.root.root_location)
    root = context.root.entry
    node = root.directory.create(name, 0o100755, 0, 0)
    root.attach(name, node)
    node.write_at(data, 0)
    place = kernel.root.root_location.lookup(name)
    context.close()
    return place


def load(space, place, base: int = LOAD) -> None:
    """Map the file as execve(2) would."""
    flags = MAP_PRIVATE | MAP_FIXED
    source = place.node.pages
    space.map(base, 0x2000, READ | EXEC, flags, source=source, offset=0, place=place)
    start = base + 0x2000
    space.map(start, 0x2000, READ | WRITE, flags, source=source, offset=0x1000, place=place)
    space.map(base + 0x4000, 0x1000, READ | WRITE, flags | MAP_ANONYMOUS)


def modules(lab, space) -> Modules:
    return Modules(space, lab.kernel.arch, ImageCache())


def test_the_bias_follows_from_the_program_headers(lab, thread) -> None:
    load(thread.mm, install(lab, b"prog", elf()))
    found = modules(lab, thread.mm)
    module = found.find(LOAD + TEXT)
    assert module is not None
    assert (module.path, module.name, module.bias) == ("/prog", "prog", LOAD)
    assert (module.start, module.end) == (LOAD, LOAD + BSS_END)
    assert [m.path for m in found] == ["/prog"]
    for addr in (LOAD, LOAD + DATA, LOAD + 0x3FFF, LOAD + BSS_END - 1):
        assert found.find(addr) is module
    for addr in (LOAD - 1, LOAD + BSS_END, 0, 1 << 63):
        assert found.find(addr) is None


def test_functions_stubs_and_the_entry(lab, thread) -> None:
    load(thread.mm, install(lab, b"prog", elf()))
    thread.mm.note_arguments(0, 0, 0, 0, struct.pack("<4Q", 9, LOAD + TEXT, 0, 0))
    found = modules(lab, thread.mm)
    assert found.function_start(LOAD + TEXT + 0x30) == LOAD + TEXT + 0x20
    assert found.function_start(LOAD + TEXT + 0x10) is None
    assert found.is_stub(LOAD + TEXT + 0x100)
    assert not found.is_stub(LOAD + TEXT)
    assert found.is_entry(LOAD + TEXT + 4)
    assert not found.is_entry(LOAD + TEXT + 0x40)
    assert found.executable(LOAD + TEXT)
    assert not found.executable(LOAD + DATA)
    assert not found.executable(-8)
    assert found.rules(LOAD + TEXT) is None


def test_what_is_unmapped_is_forgotten_and_what_is_mapped_is_found(lab, thread) -> None:
    space = thread.mm
    place = install(lab, b"prog", elf())
    found = modules(lab, space)
    assert found.find(LOAD + TEXT) is None
    load(space, place)
    first = found.find(LOAD + TEXT)
    assert first is not None
    space.unmap(LOAD, 0x5000)
    assert found.find(LOAD + TEXT) is None
    load(space, place, LOAD + 0x10_0000)
    second = found.find(LOAD + 0x10_0000 + TEXT)
    assert second is not None
    assert second.bias == LOAD + 0x10_0000
    assert second.loaded is first.loaded  # the image was read once


def test_a_deleted_file_is_still_read(lab, thread) -> None:
    place = install(lab, b"prog", elf())
    load(thread.mm, place)
    root = lab.kernel.root.root_location.entry
    root.directory.unlink(b"prog", place.node)
    module = modules(lab, thread.mm).find(LOAD + TEXT)
    assert module is not None
    assert module.symbols.lookup(TEXT + 0x30)[0].function == "work"


def test_a_file_that_is_written_anew_is_another_image(lab, thread) -> None:
    place = install(lab, b"prog", elf())
    load(thread.mm, place)
    images = ImageCache()
    space = thread.mm
    first = Modules(space, lab.kernel.arch, images).find(LOAD + TEXT)
    place.node.write_at(elf(name=b"other") + b"more", 0)
    second = Modules(space, lab.kernel.arch, images).find(LOAD + TEXT)
    assert first.symbols.lookup(TEXT + 0x20)[0].function == "work"
    assert second.symbols.lookup(TEXT + 0x20)[0].function == "other"


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF", b"#!/bin/sh\n", elf()[:100], elf()[:64] + b"\xff" * 500, bytes(9000)]
)
def test_files_that_are_no_images(lab, thread, data: bytes) -> None:
    place = install(lab, b"prog", data)
    source = place.node.pages
    flags = MAP_PRIVATE | MAP_FIXED
    thread.mm.map(LOAD, 0x2000, READ | EXEC, flags, source=source, offset=0, place=place)
    assert modules(lab, thread.mm).find(LOAD + 0x10) is None


def test_the_vdso_is_a_module(lab, thread) -> None:
    lab.kernel.vdso.map_into(thread.mm)
    module = modules(lab, thread.mm).find(thread.mm.trampoline)
    assert module is not None
    assert module.path == "[vdso]"
    places = module.symbols.lookup(thread.mm.trampoline - module.bias)
    assert [place.function for place in places] == ["__vdso_rt_sigreturn"]
    assert modules(lab, thread.mm).find(thread.mm.layout.vvar) is None


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_images_do_no_harm(data: st.DataObject) -> None:
    """Whatever a program maps as executable, looking at its addresses raises nothing."""
    lab = ScriptedLab()
    space = lab.start(lambda m: iter(())).mm
    content = bytearray(elf())
    spots = st.one_of(st.integers(0, 63), st.integers(64, 175), st.integers(0x500, 0x67F))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(spots)] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    load(space, install(lab, b"prog", bytes(content[: data.draw(st.integers(64, 0x2100))])))
    stacks = Stacks(lab.kernel, ImageCache())
    found = stacks.modules(space)
    for addr in (LOAD, LOAD + TEXT + 0x20, LOAD + TEXT + 0x100, LOAD + DATA, LOAD + BSS_END - 1):
        found.find(addr)
        found.function_start(addr)
        found.is_stub(addr)
        found.is_entry(addr)
        with contextlib.suppress(CfiError):
            found.rules(addr)
        named([RawFrame(addr, addr, [])], found)


def test_debug_files_of_the_guest_come_first(tmp_path) -> None:
    kernel = boot.build(ScriptedHart(ScriptedRam(32 << 20)), VirtualDoor())
    now, pool = kernel.clock.realtime, kernel.pool
    boot.mount_root(kernel, OverlayFs(now, pool, HostFolder(tmp_path)))
    symbols = symbols_for(kernel)(ElfImage.from_bytes(elf(), "prog"))
    assert list(symbols._search) == [str(tmp_path / "usr/lib/debug"), "/usr/lib/debug"]


def test_a_file_of_a_host_folder_is_mapped_where_it_lies(tmp_path) -> None:
    (tmp_path / "prog").write_bytes(elf())
    kernel = boot.build(ScriptedHart(ScriptedRam(32 << 20)), VirtualDoor())
    now, pool = kernel.clock.realtime, kernel.pool
    boot.mount_root(kernel, OverlayFs(now, pool, HostFolder(tmp_path)))
    place = kernel.root.root_location.lookup(b"prog")
    images = ImageCache()
    loaded = images.of(place, place.node.pages)
    assert loaded is not None
    assert loaded.image.path == str(tmp_path / "prog")
    assert images.of(place, place.node.pages) is loaded
    assert place.node.pages.nr_pages == 0  # nothing was brought in
    place.node.write_at(b"\x7fELF", 0)  # a copy of its own now, with the same content
    changed = images.of(place, place.node.pages)
    assert changed is not None
    assert changed.image.path == "/prog"
