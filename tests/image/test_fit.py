from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.image import dtb
from starrylab.image.errors import ImageFormatError
from starrylab.image.fit import pack_fit, read_fit
from tests.image.host import run

NAMES = st.text(st.sampled_from("abcdefghij-,@#0123456789"), min_size=1, max_size=12)
NODES = st.recursive(
    st.builds(dtb.Node, st.dictionaries(NAMES, st.binary(max_size=20), max_size=4)),
    lambda below: st.builds(
        dtb.Node,
        st.dictionaries(NAMES, st.binary(max_size=20), max_size=4),
        st.dictionaries(NAMES, below, max_size=3),
    ),
    max_leaves=8,
)
FIT = pack_fit(
    b"kernel" * 100, title="a lab", arch="riscv64", load=0x80200000, entry=0x80200040, time=7
)


@given(NODES)
def test_a_tree_that_is_written_is_read(root):
    assert dtb.unpack(dtb.pack(root)) == root


def test_dtc_reads_the_same_tree(tmp_path):
    file = tmp_path / "tree.dtb"
    below = dtb.Node({"reg": dtb.cell(0x1234)})
    file.write_bytes(dtb.pack(dtb.Node({"model": dtb.string("a board")}, {"soc": below})))
    said = run("dtc", "-q", "-I", "dtb", "-O", "dts", file)
    assert 'model = "a board";' in said
    assert "soc {" in said
    assert "reg = <0x1234>;" in said


def test_we_read_what_dtc_writes(tmp_path):
    source, file = tmp_path / "tree.dts", tmp_path / "tree.dtb"
    source.write_text('/dts-v1/;\n/ { a = "x"; n { b = <1 2>; m { }; }; };\n')
    run("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", file, source)
    root = dtb.unpack(file.read_bytes())
    assert root.text("a") == "x"
    node = root.child("n")
    assert node is not None
    assert node.number("b") == 0x100000002
    assert root.child("n", "m") == dtb.Node()


def test_a_fit_is_read_back():
    fit = read_fit(FIT)
    assert (fit.description, fit.time, fit.default) == ("a lab", 7, "conf-1")
    (image,) = fit.images
    assert (image.load, image.entry) == (0x80200000, 0x80200040)
    assert image.data == b"kernel" * 100
    assert image.checked == ("crc32", "sha256")


def test_mkimage_and_dumpimage_read_the_same(tmp_path):
    file, kernel = tmp_path / "fit", tmp_path / "kernel"
    file.write_bytes(FIT)
    listed = run("mkimage", "-l", file)
    for line in ("Architecture: RISC-V", "Load Address: 0x80200000", "Entry Point:  0x80200040"):
        assert line in listed
    assert "Default Configuration: 'conf-1'" in listed
    run("dumpimage", "-T", "flat_dt", "-p", "0", "-o", kernel, file)
    assert kernel.read_bytes() == b"kernel" * 100


@given(st.integers(0, 599), st.integers(1, 255))
def test_a_byte_of_the_kernel_that_changed_is_noticed(at, difference):
    torn = bytearray(FIT)
    torn[FIT.index(b"kernelkernel") + at] ^= difference
    with pytest.raises(ImageFormatError, match="of image kernel in the FIT is wrong"):
        read_fit(bytes(torn))


@given(st.data())
def test_a_torn_fit_is_refused_or_read(data):
    torn = bytearray(FIT)
    for _ in range(data.draw(st.integers(0, 4))):
        torn[data.draw(st.integers(0, len(torn) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ImageFormatError):
        read_fit(bytes(torn[: data.draw(st.integers(0, len(torn)))]))


def test_a_cut_tree_is_refused():
    with pytest.raises(ImageFormatError, match="is cut"):
        read_fit(FIT[:-1])
    with pytest.raises(ImageFormatError, match="no FIT"):
        read_fit(dtb.pack(dtb.Node()))
