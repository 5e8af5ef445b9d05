"""Torn and falsified ELF files: execve gives a clean errno or a program, and never a bug."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import LinuxError
from starrylab.kernel.task.elf import parse
from starrylab.kernel.task.exec import execve

MACHINE = 243  #: EM_RISCV
PT_LOAD, PT_INTERP, PT_PHDR, PT_GNU_STACK = 1, 3, 6, 0x6474E551
NAME = b"/prog"


def header(kind: int, count: int) -> bytes:
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return ident + struct.pack(
        "<HHIQQQIHHHHHH", kind, MACHINE, 1, 0x10100, 64, 0, 0, 64, 56, count, 0, 0, 0
    )


def line(kind: int, flags: int, offset: int, vaddr: int, size: int, memory: int) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, flags, offset, vaddr, vaddr, size, memory, 4096)


def image(kind: int = 2, *, interpreter: bool = False) -> bytes:
    lines = [
        line(PT_PHDR, 4, 64, 0x10040, 56 * 5, 56 * 5),
        line(PT_LOAD, 5, 0, 0x10000, 0x1800, 0x1800),
        line(PT_LOAD, 6, 0x1800, 0x12800, 0x400, 0x3000),
        line(PT_GNU_STACK, 6, 0, 0, 0, 0),
        line(PT_INTERP if interpreter else 0, 4, 0x1000, 0x11000, 4, 4),
    ]
    body = (header(kind, len(lines)) + b"".join(lines)).ljust(0x1000, b"\x13")
    return (body + b"/ld\0").ljust(0x1C00, b"\0")


IMAGES = [image(2), image(3), image(2, interpreter=True), image(3, interpreter=True)]
HEADERS = 64 + 5 * 56

flips = st.lists(
    st.tuples(
        st.integers(0, HEADERS - 1),
        st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)) | st.integers(0, 255),
    ),
    min_size=1,
    max_size=12,
)


def falsified(base: bytes, changes: list[tuple[int, int]]) -> bytes:
    data = bytearray(base)
    for at, value in changes:
        data[at] = value
    return bytes(data)


@given(st.sampled_from(IMAGES), flips, st.integers(0, 0x1C00))
@settings(max_examples=400, deadline=None)
def test_the_parser_raises_errnos_only(
    base: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    data = falsified(base, changes)[: cut if cut % 3 == 0 else None]
    try:
        parse(lambda size, offset: data[offset : offset + size], MACHINE)
    except LinuxError:
        return


class World:
    """A kernel that executes one file after the other as process 1."""

    def __init__(self, make_lab) -> None:
        self.lab = make_lab(8 << 20)
        self.thread = self.lab.start(lambda m: iter(()))
        self.write(b"/ld", image(3))

    def write(self, path: bytes, data: bytes) -> None:
        folder = self.thread.fs.root.entry
        name = path[1:]
        if name in folder.children:
            node = folder.children[name].node
            node.truncate(0)
        else:
            node = folder.directory.create(name, 0o100755, 0, 0)
            folder.attach(name, node)
        node.write_at(data, 0)

    def execute(self, data: bytes) -> str:
        """Return "" or the name of the errno."""
        self.write(NAME, data)
        place = self.thread.fs.walk(NAME, self.thread.cred)
        try:
            execve(self.thread, place, NAME, [NAME], [])
        except LinuxError as error:
            return type(error).__name__
        return ""


@pytest.fixture
def world(make_lab) -> World:
    return World(make_lab)


def test_the_whole_images_are_executed(world: World) -> None:
    assert [world.execute(data) for data in IMAGES] == [""] * 4


def test_a_file_cut_anywhere_in_its_headers_is_refused(world: World) -> None:
    for data in IMAGES:
        for size in range(0, HEADERS + 1, 8):
            problem = world.execute(data[:size])
            assert size == HEADERS or problem in {"ENOEXEC", "EIO"}, size


def test_falsified_headers_give_clean_errors_and_lose_no_memory(make_lab) -> None:
    world = World(make_lab)
    assert world.execute(IMAGES[0]) == ""
    frames = world.lab.kernel.frames
    before = frames.free_frames()

    @given(st.sampled_from(IMAGES), flips)
    @example(IMAGES[0], [(64 + 56 + 0x28 + i, 0xFF) for i in range(6)])  # a vast segment
    @example(IMAGES[0], [(64 + 2 * 56 + 0x14, 0x7F)])  # headers that lie beyond all addresses
    @settings(
        max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def attempt(base: bytes, changes: list[tuple[int, int]]) -> None:
        world.execute(falsified(base, changes))

    attempt()
    assert world.lab.kernel.panic_text is None
    assert world.execute(IMAGES[0]) == ""
    assert abs(frames.free_frames() - before) <= 16
