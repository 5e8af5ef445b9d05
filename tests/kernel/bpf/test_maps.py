"""Maps against simple models, and BTF that is none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi import bpf as b
from starrylab.abi.errno import E2BIG, EEXIST, ENOENT, LinuxError
from starrylab.kernel.bpf.btf import BadBtf, Btf
from starrylab.kernel.bpf.maps.base import Room, Shape
from starrylab.kernel.bpf.maps.making import make_map
from starrylab.kernel.bpf.memory import BadAddress, Memory

_KINDS = (b.BPF_MAP_TYPE_HASH, b.BPF_MAP_TYPE_PERCPU_HASH)


def outcome(action, *args):
    try:
        return action(*args)
    except LinuxError as error:
        return type(error)


class Model:
    """A hash of four entries."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}

    def update(self, key: bytes, value: bytes, flags: int) -> None:
        if flags == b.BPF_NOEXIST and key in self.entries:
            raise EEXIST
        if flags == b.BPF_EXIST and key not in self.entries:
            raise ENOENT
        if key not in self.entries and len(self.entries) == 4:
            raise E2BIG
        self.entries[key] = value

    def delete(self, key: bytes) -> None:
        if key not in self.entries:
            raise ENOENT
        del self.entries[key]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_KINDS), st.lists(
    st.tuples(st.sampled_from(("update", "delete")), st.integers(0, 7), st.integers(0, 2)),
    max_size=40))  # fmt: skip
def test_a_hash_is_a_dictionary(kind, actions):
    room = Room(Memory())
    found = make_map(Shape(kind, 4, 8, 4), room)
    model = Model()
    for turn, (what, number, flags) in enumerate(actions):
        key, value = number.to_bytes(4, "little"), turn.to_bytes(8, "little")
        args = (key, value, flags) if what == "update" else (key,)
        assert outcome(getattr(found, what), *args) == outcome(getattr(model, what), *args)
    assert {key: found.value(key) for key in found.all_keys()} == model.entries
    for key in model.entries:
        assert room.memory.read(found.lookup(key), 8) == model.entries[key]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 16), st.integers(0, 0xFFFF)), max_size=20),
    st.integers(0, 0xFFFF),
)
def test_a_trie_finds_the_longest_prefix(prefixes, wanted):
    found = make_map(Shape(b.BPF_MAP_TYPE_LPM_TRIE, 6, 4, 32, b.BPF_F_NO_PREALLOC), Room(Memory()))
    best = (-1, b"")
    for number, (length, bits) in enumerate(prefixes):
        value = number.to_bytes(4, "little")
        found.update(struct.pack("<I", length) + bits.to_bytes(2, "big"), value, 0)
        if bits >> 16 - length == wanted >> 16 - length and length >= best[0]:
            best = (length, value)
    key = struct.pack("<I", 16) + wanted.to_bytes(2, "big")
    assert outcome(found.value, key) == (best[1] or ENOENT)


def test_an_address_is_good_as_long_as_its_map():
    memory = Memory()
    found = make_map(Shape(b.BPF_MAP_TYPE_ARRAY, 4, 8, 2), Room(memory))
    found.acquire()
    addr = found.lookup((1).to_bytes(4, "little"))
    memory.store(addr, 8, 7)
    assert memory.load(addr, 8) == 7
    with pytest.raises(BadAddress):
        memory.load(addr + 8, 8)
    found.release()
    with pytest.raises(BadAddress):
        memory.load(addr, 8)


def btf(types: bytes, strings: bytes = b"\0int\0") -> bytes:
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
    return header + types + strings


_INT = struct.pack("<IIII", 1, 1 << 24, 4, 32)


def test_types():
    pointer = struct.pack("<III", 0, 2 << 24, 1)
    assert Btf(btf(_INT + pointer)).count == 2


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "hdr_len"),
        (bytes(24), "magic"),
        (btf(_INT)[:-1], "section"),
        (btf(_INT, b"int\0"), "string"),
        (btf(_INT[:-4]), "too small"),
        (btf(struct.pack("<III", 0, 2 << 24, 7)), "Invalid type_id 7"),
        (btf(struct.pack("<III", 0, 30 << 24, 0)), "kind"),
        (btf(struct.pack("<III", 99, 2 << 24, 0)), "name_offset"),
    ],
)
def test_what_is_no_btf(data, text):
    with pytest.raises(BadBtf, match=text):
        Btf(data)


@given(st.binary(max_size=64))
def test_any_bytes_are_types_or_refused(data):
    outcome(Btf, btf(data))
    outcome(Btf, data)
