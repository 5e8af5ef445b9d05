"""The boards' values against device trees: that of QEMU, and that of the board's own U-Boot."""

import shutil
import struct
import subprocess

import pytest

from starrylab.boards import Range, load
from starrylab.image.dtb import Node, unpack
from starrylab.image.fit import read_fit
from tests.boards.test_real_uboot import missing
from tests.oracle import debian

ITB = "usr/lib/u-boot/starfive_visionfive2/u-boot.itb"


def virt(folder):
    """The tree that QEMU makes for 256 MiB."""
    qemu = shutil.which("qemu-system-riscv64")
    if qemu is None:
        missing("qemu-system-riscv64 is not installed")
    made = folder / "virt.dtb"
    subprocess.run(
        [qemu, "-M", f"virt,dumpdtb={made}", "-m", "256M", "-display", "none"], check=True
    )
    return unpack(made.read_bytes())


def visionfive2(_folder):
    """The tree that Debian's U-Boot for the board has."""
    try:
        root = debian.tree("u-boot-starfive", ("u-boot-starfive",))
    except debian.Unavailable as error:
        missing(str(error))
    images = read_fit((root / ITB).read_bytes()).images
    return unpack(next(image.data for image in images if image.name.startswith("fdt")))


TREES = {"virt-riscv64": virt, "visionfive2": visionfive2}


@pytest.fixture(scope="module", params=sorted(TREES))
def board_and_tree(request, tmp_path_factory):
    return load(request.param), TREES[request.param](tmp_path_factory.mktemp("tree"))


def at(tree: Node, address: int) -> Node:
    """Return the node at a unit address, wherever it is."""
    found = [node for name, node in nodes(tree) if name.endswith(f"@{address:x}")]
    assert found, hex(address)
    return found[0]


def nodes(node: Node):
    for name, child in node.children.items():
        yield name, child
        yield from nodes(child)


def first_range(node: Node) -> Range:
    start, size = struct.unpack_from(">2Q", node.properties["reg"])
    return Range(start=start, size=size)


def test_devices_are_where_the_tree_says(board_and_tree):
    board, tree = board_and_tree
    for device in board.device:
        node = at(tree, device.start)
        assert device.kind in node.text("compatible").split("\0")
        assert first_range(node).size == device.size
        interrupts = node.properties.get("interrupts", b"")
        assert device.irq == (int.from_bytes(interrupts[:4], "big") if interrupts else None)


def test_the_uart_is_what_the_tree_says(board_and_tree):
    board, tree = board_and_tree
    node = at(tree, board.uart.base)
    assert node.number("clock-frequency") == board.uart.clock_hz
    assert (node.number("reg-shift") or 0) == board.uart.register_shift
    assert (node.number("reg-io-width") or 1) == board.uart.register_width
    assert node.number("interrupts") == board.uart.irq
    assert (node.number("current-speed") or board.uart.baud) == board.uart.baud


def test_memory_and_timer_are_what_the_tree_says(board_and_tree):
    board, tree = board_and_tree
    (memory,) = board.memory
    whole = first_range(at(tree, memory.start))
    assert whole.contains(memory)  # the tree of a VisionFive 2 has 8 GiB, U-Boot corrects it
    assert tree.child("cpus").number("timebase-frequency") == board.timer.frequency_hz
    plic = at(tree, board.interrupts.base)
    assert plic.number("riscv,ndev") == board.interrupts.sources
