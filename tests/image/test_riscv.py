import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.image.errors import ImageFormatError
from starrylab.image.riscv import SIZE, RiscvHeader, is_riscv, read_header

U64 = st.integers(0, 2**64 - 1)


@given(st.binary(min_size=8, max_size=8), U64, st.integers(1, 2**64 - 1), U64, st.binary())
def test_what_is_written_is_read(code, offset, size, flags, rest):
    header = RiscvHeader(code, offset, size, flags & ~1)
    image = header.pack() + rest
    assert is_riscv(image)
    assert read_header(image) == header


def test_fields_lie_where_u_boot_looks():
    image = RiscvHeader(b"\x13\0\0\0\x6f\0\xc0\x03", 0x200000, 0x1234, 0).pack()
    assert len(image) == SIZE == 64
    assert struct.unpack_from("<QQQI", image, 8) == (0x200000, 0x1234, 0, 2)
    assert image[48:60] == b"RISCV\0\0\0RSC\x05"


@pytest.mark.parametrize(
    ("code", "offset", "size"),
    [(b"", 0, 1), (bytes(8), 0, 0), (bytes(8), -1, 1), (bytes(8), 0, 2**64)],
)
def test_values_that_do_not_fit_are_refused(code, offset, size):
    with pytest.raises(ImageFormatError):
        RiscvHeader(code, offset, size).pack()


@given(st.binary(max_size=200))
def test_nonsense_is_refused(data):
    if not is_riscv(data):
        with pytest.raises(ImageFormatError):
            read_header(data)


@pytest.mark.parametrize(("at", "value", "said"), [(16, 0, "image_size"), (24, 1, "big-endian")])
def test_headers_that_no_board_starts(at, value, said):
    image = bytearray(RiscvHeader(bytes(8), 0, 1).pack())
    image[at] = value
    with pytest.raises(ImageFormatError, match=said):
        read_header(bytes(image))
