"""Rust's types, in a program for the host: there is no Rust compiler for the guest in packages."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from starrylab.debug.dwarf.format import show
from starrylab.debug.dwarf.pretty import PRINTERS
from starrylab.debug.dwarf.shapes import children
from starrylab.debug.dwarf.variables import Variable, variables

from .host import stopped
from .stopped import PROGRAMS, assignments

MEANT = {
    "number": ("i32", "42"),
    "text": ("&str", '"borrowed"'),
    "owned": ("alloc::string::String", '"owned"'),
    "slice": ("&[u16]", "[7, 8, 9]"),
    "point": ("shapes::Point", "Point {x: -4, y: 1099511627776}"),
    "tuple": ("(u8, i16, &str)", '(1, -2, "t")'),
    "unit": ("shapes::Unit", "Unit"),
    "wrapped": ("shapes::Wrapped", "Wrapped(500, 233 'é')"),
    "letter": ("char", "120 'x'"),
    "truth": ("bool", "true"),
    "vector": ("alloc::vec::Vec<i64, alloc::alloc::Global>", "[10, 20, 30]"),
    "strings": (
        "alloc::vec::Vec<alloc::string::String, alloc::alloc::Global>", '["a", "bc"]',
    ),
    "array": ("[f32; 2]", "[1.5, 2.5]"),
    "some": ("core::option::Option<i32>", "Some(5)"),
    "none": ("core::option::Option<i32>", "None"),
    "nothing": (
        "core::option::Option<alloc::boxed::Box<i32, alloc::alloc::Global>>", "None",
    ),
    "empty": ("shapes::Shape", "Empty"),
    "circle": ("shapes::Shape", "Circle {radius: 2.5}"),
    "pair": ("shapes::Shape", "Pair(-7, 8)"),
    "level": ("shapes::Level", "shapes::Level::High"),
    "result": ("core::result::Result<u8, alloc::string::String>", 'Err("bad")'),
    "generic": ("shapes::deep::Generic<shapes::Point>", "Generic {inner: Point {x: 1, y: 2}}"),
    "big": ("i128", "-5"),
}  # fmt: skip
#: What gdb shows in the same way.
ALIKE = ("number", "text", "truth", "tuple", "array", "level", "big", "letter")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Variable], dict[str, str]]:
    for program in ("rustc", "gdb-multiarch"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}")
    folder = tmp_path_factory.mktemp("rust")
    program = folder / "shapes"
    flags = ["-g", "-C", "relocation-model=static", "-o", str(program)]
    subprocess.run(["rustc", *flags, str(PROGRAMS / "shapes.rs")], check=True, capture_output=True)
    module, frame, text = stopped(program, "stop", folder)
    return {v.name: v for v in variables(module, frame)}, dict(assignments(text))


pytestmark = pytest.mark.optional  # a compiler and a kernel that lets gdb trace


@pytest.mark.parametrize("name", MEANT)
def test_values(found: tuple[dict[str, Variable], dict[str, str]], name: str) -> None:
    variable = found[0][name]
    assert (variable.type_name, show(variable.value)) == MEANT[name]


@pytest.mark.parametrize("name", ALIKE)
def test_as_gdb(found: tuple[dict[str, Variable], dict[str, str]], name: str) -> None:
    ours, theirs = found
    assert show(ours[name].value) == theirs[name]


def test_a_tree(found: tuple[dict[str, Variable], dict[str, str]]) -> None:
    strings = found[0]["strings"].value
    assert [(p.name, show(p.value)) for p in children(strings, PRINTERS)] == [
        ("[0]", '"a"'), ("[1]", '"bc"')]  # fmt: skip
    niche = children(found[0]["niche"].value, PRINTERS)
    assert [p.name for p in niche] == ["0"]
