from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.image.errors import ImageFormatError
from starrylab.image.fat import SECTOR, chunks_to_bytes, fat32
from starrylab.image.fat_names import is_short, short_name
from starrylab.image.fat_reader import FatReader
from tests.image.host import run

SMALLEST = 40 << 20 >> 9
FILES = {
    "extlinux/extlinux.conf": b"label one\n",
    "boot.scr": b"y" * 100_000,
    "IMAGE.BIN": b"z" * 600,
    "a name of more than thirteen units": b"",
    "extlinux/below/ünïcode": b"1",
}
TORN = chunks_to_bytes(
    fat32({"folder/file": b"x" * 3000}, SMALLEST, label="", serial=0, time=0), SMALLEST * SECTOR
)
NAMES = st.text(st.sampled_from("abcABC123 .~_-é"), min_size=1, max_size=30).filter(
    lambda name: name[-1] not in " ."
)


def made(files=FILES, sectors=SMALLEST):
    chunks = fat32(files, sectors, label="boot", serial=0x12345678, time=1_700_000_000)
    return chunks_to_bytes(chunks, sectors * SECTOR)


def test_what_is_written_is_read():
    reader = FatReader(made())
    assert (reader.kind, reader.label) == ("FAT32", "BOOT")
    assert dict(reader.files()) == FILES


@settings(max_examples=10)
@given(st.dictionaries(NAMES, st.binary(max_size=2000), max_size=20))
def test_any_names_are_kept(files):
    if len({name.upper() for name in files}) < len(files):
        with pytest.raises(ImageFormatError, match="there twice"):
            made(files)
    else:
        assert dict(FatReader(made(files)).files()) == files


@given(st.lists(NAMES, max_size=40, unique_by=str.upper))
def test_short_names_are_short_and_differ(names):
    taken = set()
    made = [short_name(name, taken) for name in names]
    assert len(set(made)) == len(names)
    for short in made:
        base, tail = short[:8].rstrip().decode(), short[8:].rstrip().decode()
        assert is_short(f"{base}.{tail}" if tail else base)


@pytest.mark.parametrize("sectors", [SMALLEST, 1 << 20 >> 9 << 10, 600 << 11])
def test_fsck_finds_nothing(tmp_path, sectors):
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        for at, data in fat32(FILES, sectors, label="boot", serial=1, time=1_700_000_000):
            file.seek(at)
            file.write(data)
        file.truncate(sectors * SECTOR)
    said = run("fsck.fat", "-nv", disk)
    assert ": 8 files, " in said
    assert "Free cluster summary" not in said


def test_mtools_reads_the_same(tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(made())
    listed = run("mdir", "-i", disk, "::extlinux", TZ="UTC")
    assert "extlinux.conf" in listed
    assert "2023-11-14  22:13" in listed
    run("mcopy", "-i", disk, "::boot.scr", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == FILES["boot.scr"]


@pytest.mark.parametrize("width", [16, 32])
def test_we_read_what_mkfs_and_mtools_write(tmp_path, width):
    disk, content = tmp_path / "disk", tmp_path / "content"
    content.write_bytes(b"abc" * 5000)
    with disk.open("wb") as file:
        file.truncate(SMALLEST * SECTOR)
    run("mkfs.fat", "-F", width, *(["-s", "1"] if width == 32 else []), "-n", "LABEL", disk)
    run("mmd", "-i", disk, "::folder")
    run("mcopy", "-i", disk, content, "::folder/a long name.txt")
    reader = FatReader(disk.read_bytes())
    assert reader.kind == f"FAT{width}"
    assert dict(reader.files()) == {"folder/a long name.txt": content.read_bytes()}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": b"", "a/b": b""}, "a file and a folder"),
        ({"a/B": b"", "a/b": b""}, "there twice"),
        ({"a?": b""}, "no name"),
        ({"x" * 256: b""}, "no name"),
        ({"big": bytes(SMALLEST * SECTOR)}, "do not fit"),
    ],
)
def test_what_cannot_be_is_refused(files, message):
    with pytest.raises(ImageFormatError, match=message):
        fat32(files, SMALLEST, label="", serial=0, time=0)


def test_a_partition_too_small_for_fat32_is_refused():
    with pytest.raises(ImageFormatError, match="no FAT32"):
        fat32({}, 65_000, label="", serial=0, time=0)


@settings(max_examples=100)
@given(st.data())
def test_a_torn_file_system_is_refused_or_read(data):
    used = 0x8000 + 2 * 4 * (SMALLEST + 2)
    whole = bytearray(TORN[:used])
    places = st.integers(0, 600) | st.integers(0x4000, 0x4040) | st.integers(used - 4096, used - 1)
    for at in data.draw(st.lists(places, max_size=6)):
        whole[at] = data.draw(st.integers(0, 255))
    with suppress(ImageFormatError):
        list(FatReader(bytes(whole[: data.draw(st.integers(0, len(whole)))])).files())
