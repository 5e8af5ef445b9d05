import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.image.errors import ImageFormatError
from starrylab.image.uimage import SIZE, TYPE_SCRIPT, UImage, read_uimage, script

U32 = st.integers(0, 2**32 - 1)
U8 = st.integers(0, 255)
NAMES = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=32)
IMAGES = st.builds(UImage, st.binary(), NAMES, U32, U32, U32, U8, U8, U8, U8)


@given(IMAGES, st.binary())
def test_what_is_written_is_read(image, after):
    assert read_uimage(image.pack() + after) == image


@given(IMAGES, st.data())
def test_one_flipped_bit_is_noticed(image, data):
    packed = bytearray(image.pack())
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    packed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ImageFormatError):
        read_uimage(bytes(packed))


@given(IMAGES, st.data())
def test_a_cut_image_is_refused(image, data):
    packed = image.pack()
    with pytest.raises(ImageFormatError):
        read_uimage(packed[: data.draw(st.integers(0, len(packed) - 1))])


@pytest.mark.parametrize(
    "image",
    [
        UImage(b"", "n" * 33, 0, 0, 0),
        UImage(b"", "", 1 << 32, 0, 0),
        UImage(b"", "", 0, -1, 0),
        UImage(b"", "", 0, 0, 0, arch=256),
    ],
)
def test_values_that_do_not_fit_are_refused(image):
    with pytest.raises(ImageFormatError):
        image.pack()


def test_a_script_has_its_length_before_the_text():
    image = read_uimage(script("echo hi\n", "boot", 7))
    assert (image.kind, image.time) == (TYPE_SCRIPT, 7)
    assert image.data == b"\0\0\0\x08\0\0\0\0echo hi\n"
    assert SIZE == 64


def test_mkimage_writes_and_lists_the_same(tmp_path):
    data, ours, theirs = (tmp_path / name for name in ("data", "ours", "theirs"))
    data.write_bytes(b"kernel" * 100)
    image = UImage(data.read_bytes(), "tiny", 0x80200000, 0x80200040, 1_700_000_000)
    ours.write_bytes(image.pack())
    kind = ["-A", "riscv", "-O", "linux", "-T", "kernel", "-C", "none"]
    place = ["-a", "80200000", "-e", "80200040", "-n", "tiny", "-d", str(data)]
    run("mkimage", *kind, *place, str(theirs), SOURCE_DATE_EPOCH="1700000000")
    assert ours.read_bytes() == theirs.read_bytes()
    assert "RISC-V Linux Kernel Image (uncompressed)" in run("mkimage", "-l", str(ours))


def test_mkimage_writes_the_same_script(tmp_path):
    text, theirs = tmp_path / "boot.cmd", tmp_path / "boot.scr"
    text.write_text("echo hi\nbooti ${kernel_addr_r}\n")
    kind = ["-A", "riscv", "-O", "linux", "-T", "script", "-C", "none", "-n", "boot"]
    run("mkimage", *kind, "-d", str(text), str(theirs), SOURCE_DATE_EPOCH="7")
    assert theirs.read_bytes() == script(text.read_text(), "boot", 7)


def run(*command: str, **env: str) -> str:
    path = shutil.which(command[0])
    if path is None and not os.environ.get("CI"):
        pytest.skip(f"{command[0]} is not installed")
    everything = {**os.environ, **env}
    return subprocess.run(
        command, env=everything, capture_output=True, text=True, check=True
    ).stdout
