import json
import subprocess

import pytest

from starrylab.boards import BoardError, load
from starrylab.boards.card import Card, write_card
from starrylab.boards.images import wrapped_program
from starrylab.boards.inspect import explain
from starrylab.image.errors import ImageFormatError
from starrylab.rootfs import Tree
from tests.image.host import run
from tests.image.test_elf import BASE, elf

VF2 = load("visionfive2")
HELLO = elf((BASE, bytes(range(1, 65)), 100, 0))
SECTOR = 512


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card")
    return make(folder, "disk")


def make(folder, name):
    root = Tree()
    root.file("etc/motd", "welcome\n")
    scratch = folder / f"{name}-scratch"
    scratch.mkdir()
    program = wrapped_program(VF2, HELLO, "hello")
    notes = write_card(Card(VF2, program, 1_700_000_000, root), folder / name, scratch)
    assert notes == []
    return folder / name


def part(disk, number, folder):
    """Cut a partition out; where it is, says sfdisk."""
    table = json.loads(run("sfdisk", "--json", disk))["partitiontable"]["partitions"][number - 1]
    path = folder / table["name"]
    with disk.open("rb") as file:
        file.seek(table["start"] * SECTOR)
        path.write_bytes(file.read(table["size"] * SECTOR))
    return path


def test_sfdisk_sees_the_partitions(card):
    assert "No errors detected" in run("sfdisk", "--verify", card)
    table = json.loads(run("sfdisk", "--json", card))["partitiontable"]
    assert [entry["name"] for entry in table["partitions"]] == ["spl", "uboot", "boot", "root"]
    starts = [entry["start"] * SECTOR for entry in table["partitions"]]
    assert starts[:3] == [2 << 20, 4 << 20, 8 << 20]  # where the boot ROM and the SPL look
    assert table["partitions"][2]["attrs"] == "LegacyBIOSBootable"


def test_the_file_systems_are_sound(card, tmp_path):
    boot, root = part(card, 3, tmp_path), part(card, 4, tmp_path)
    run("fsck.fat", "-n", boot)
    run("e2fsck", "-fn", root)
    assert "welcome" in run("debugfs", "-R", "cat /etc/motd", root)
    assert "kernel /starrylab.img" in run("mtype", "-i", boot, "::extlinux/extlinux.conf")
    run("mcopy", "-i", boot, "::boot.scr", tmp_path / "boot.scr")
    assert "RISC-V Linux Script" in run("mkimage", "-l", tmp_path / "boot.scr")


def test_a_card_is_explained(card):
    said = "\n".join(explain(card.read_bytes()))
    for part in ("partition 3 'boot': 64 MiB", "RISC-V Image for booti", "ext4 file system 'root'"):
        assert part in said


def test_a_torn_card_is_refused(card):
    whole = card.read_bytes()
    with pytest.raises(ImageFormatError, match=r"the disk is cut: 1000000 of \d+ bytes"):
        explain(whole[:1_000_000])
    with pytest.raises(ImageFormatError, match="CRC"):
        explain(whole[:600] + b"x" + whole[601:])
    with pytest.raises(ImageFormatError, match="no GUID partition table in sector"):
        explain(whole[:-512] + bytes(512))


def test_the_same_card_has_the_same_bytes(card, tmp_path):
    again = make(tmp_path, "again")
    assert subprocess.run(["cmp", card, again], check=False).returncode == 0


def test_a_board_that_starts_nothing_from_a_card_says_so(tmp_path):
    board = load("virt-loongarch64")
    program = wrapped_program(board, bytes(8), "code", 0x80000000)
    with pytest.raises(BoardError, match="starts nothing from a card"):
        write_card(Card(board, program, 0), tmp_path / "disk", tmp_path)
