import itertools
import json
import os
import shutil
import subprocess
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.image.errors import ImageFormatError
from starrylab.image.gpt import EFI_SYSTEM, LINUX, SECTOR, Partition, Table, read_table

DISK = uuid.UUID(int=5)
SECTORS = 4096
BOOT = Partition("boot", EFI_SYSTEM, uuid.UUID(int=1), 64, 1023, 4)
ROOT = Partition("root", LINUX, uuid.UUID(int=2), 1024, SECTORS - 34)


def disk_of(table: Table) -> bytes:
    front, back = table.pack()
    return front.ljust(table.sectors * SECTOR - len(back), b"\0") + back


@st.composite
def tables(draw):
    cuts = draw(st.lists(st.integers(34, SECTORS - 34), unique=True, max_size=20).map(sorted))
    names = st.text(st.characters(exclude_characters="\0"), max_size=18)
    guids = st.uuids(allow_nil=False)
    parts = [
        Partition(draw(names), draw(guids), draw(guids), first, last - 1)
        for first, last in itertools.pairwise(cuts)
    ]
    return Table(draw(guids), SECTORS, tuple(draw(st.permutations(parts))))


@given(tables(), st.booleans())
def test_what_is_written_is_read_from_either_end(table, backup):
    assert read_table(disk_of(table), backup=backup) == table


@given(st.integers(0, 8 * (92 + 128 * 128) - 1))
def test_one_flipped_bit_is_noticed(bit):
    disk = bytearray(disk_of(Table(DISK, SECTORS, (BOOT, ROOT))))
    at = SECTOR + bit // 8 if bit < 8 * 92 else 2 * SECTOR + bit // 8 - 92
    disk[at] ^= 1 << bit % 8
    with pytest.raises(ImageFormatError):
        read_table(bytes(disk))


@pytest.mark.parametrize(
    "part",
    [
        Partition("tables", LINUX, DISK, 33, 60),
        Partition("end", LINUX, DISK, 1024, SECTORS - 33),
        Partition("overlap", LINUX, DISK, 1023, 1030),
        Partition("negative", LINUX, DISK, 1030, 1029),
        Partition("n" * 37, LINUX, DISK, 1024, 1030),
        Partition("typeless", uuid.UUID(int=0), DISK, 1024, 1030),
    ],
)
def test_impossible_partitions_are_refused(part):
    with pytest.raises(ImageFormatError):
        Table(DISK, SECTORS, (BOOT, part)).pack()


@given(st.binary(max_size=2000))
def test_nonsense_is_refused(data):
    with pytest.raises(ImageFormatError):
        read_table(data.ljust(SECTOR * 100, b"\0"))


def test_sfdisk_reads_the_same(tmp_path):
    if shutil.which("sfdisk") is None and not os.environ.get("CI"):
        pytest.skip("sfdisk is not installed")
    path = tmp_path / "disk"
    path.write_bytes(disk_of(Table(DISK, SECTORS, (BOOT, ROOT))))
    command = ["sfdisk", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    read = json.loads(done.stdout)["partitiontable"]
    assert (read["label"], read["id"].lower()) == ("gpt", str(DISK))
    assert [
        (part["name"], part["start"], part["size"], part["type"].lower())
        for part in read["partitions"]
    ] == [("boot", 64, 960, str(EFI_SYSTEM)), ("root", 1024, SECTORS - 34 - 1023, str(LINUX))]
