from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.base.page_key import page_key
from starrylab.image.errors import ImageFormatError
from starrylab.image.pages import PAGE, pack_pages, pages_of, unpack_pages
from tests.image.test_elf import BASE, elf

FILES = st.lists(st.binary(max_size=3 * 64).map(lambda data: data * 60), max_size=5)


@given(FILES)
def test_every_page_that_is_not_zero_is_there(files):
    packed = pack_pages(files)
    wanted = {page for file in files for page in pages_of(file)} - {bytes(PAGE)}
    assert len(packed) % PAGE == 0
    if not wanted:
        assert packed == b""
        return
    found = unpack_pages(packed + b"behind")
    assert set(found.values()) == wanted
    assert all(page_key(page) == key for key, page in found.items())
    assert len(packed) <= (len(wanted) + 2) * PAGE


def test_pages_lie_where_the_table_says():
    packed = pack_pages([b"a" * PAGE + b"b", b"a" * PAGE])
    assert packed[:16] == b"SLPAGES1\x02\0\0\0\0\x10\0\0"
    assert packed[PAGE : 2 * PAGE] == b"a" * PAGE
    assert packed[2 * PAGE :] == b"b".ljust(PAGE, b"\0")


def test_the_page_where_bss_begins_is_there_too():
    data = b"d" * 100
    file = bytearray(elf((BASE, data, 5000, 0)) + b"section headers")
    file[68] |= 2  # PF_W
    tail = bytes(file[: file.index(data) + 100]).ljust(PAGE, b"\0")
    assert list(pages_of(bytes(file))) == [bytes(file).ljust(PAGE, b"\0"), tail]


@given(st.data())
def test_torn_pages_are_refused(data):
    torn = bytearray(pack_pages([b"a" * 5000]))
    at = data.draw(st.integers(0, 7) | st.integers(16, 31) | st.integers(PAGE, 3 * PAGE - 1))
    torn[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ImageFormatError):
        unpack_pages(bytes(torn))


@given(st.data())
def test_cut_or_odd_pages_are_refused(data):
    torn = bytearray(pack_pages([b"a" * 5000]))
    torn[data.draw(st.integers(8, 15))] = data.draw(st.integers(0, 255))
    with suppress(ImageFormatError):
        unpack_pages(bytes(torn[: data.draw(st.integers(0, len(torn)))]))
