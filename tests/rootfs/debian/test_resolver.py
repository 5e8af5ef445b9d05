"""Versions against dpkg's own order, dependencies against small indexes made by hand."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starrylab.rootfs import RootfsError
from starrylab.rootfs.debian.index import Index, parse_relations
from starrylab.rootfs.debian.resolver import base_set, resolve_packages
from starrylab.rootfs.debian.version import satisfies

_TAIL = st.text("012a9bZ~.+", max_size=6)
_VERSION = st.builds(
    lambda epoch, tail, revision: f"{epoch}1{tail}{revision}",
    st.sampled_from(["", "0:", "2:"]),
    _TAIL,
    st.one_of(st.just(""), _TAIL.map(lambda text: f"-0{text}")),
)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is missing")
@given(_VERSION, _VERSION, st.sampled_from(["<<", "<=", "=", ">=", ">>"]))
@example("1.0~rc1", "1.0", "<<")
@example("1.0", "1.0-0", "=")
@example("1a", "1+", "<<")
@example("1", "1~", ">>")
@example("1.", "1.0", "=")
@settings(max_examples=300, deadline=None)
def test_versions_are_ordered_as_dpkg_orders_them(a: str, b: str, relation: str) -> None:
    command = ["dpkg", "--compare-versions", a, relation, b]
    wanted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert satisfies(a, relation, b) is wanted


def make_index(*packages: str) -> Index:
    """Each package is "name version; Field: value; ..."."""
    stanzas = []
    for text in packages:
        head, *fields = text.split("; ")
        name, version = head.split()
        lines = [f"Package: {name}", f"Version: {version}", "Filename: x", "SHA256: 0", *fields]
        stanzas.append("\n".join(lines))
    return Index.parse("\n\n".join(stanzas) + "\n")


def names(index: Index, *wanted: str) -> list[str]:
    return [package.name for package in resolve_packages(index, wanted)]


def test_dependencies_are_followed_in_circles_too() -> None:
    index = make_index("a 1; Depends: b (>= 2), c:any", "b 2; Pre-Depends: a", "c 1", "d 1")
    assert names(index, "a") == ["a", "b", "c"]


def test_alternatives() -> None:
    index = make_index("a 1; Depends: none | c (>= 2) | d", "c 1", "d 1", "e 1; Depends: c | d")
    assert names(index, "a") == ["a", "d"]
    assert names(index, "e") == ["c", "e"]
    assert names(index, "e", "d") == ["d", "e"]  # what is chosen already wins


def test_provides() -> None:
    index = make_index(
        "a 1; Depends: mta", "exim 4; Provides: mta", "b 1; Depends: abi (>= 3)",
        "old 1; Provides: abi (= 2)", "open 1; Provides: abi", "new 1; Provides: abi (= 3)",
    )  # fmt: skip
    assert names(index, "a") == ["a", "exim"]
    assert names(index, "b") == ["b", "new"]
    assert names(index, "mta") == ["exim"]


def test_the_newest_version_counts() -> None:
    index = make_index("a 1.9", "a 1.10", "a 1.10~rc1")
    assert index.by_name["a"].version == "1.10"


def test_what_cannot_be_satisfied_is_said() -> None:
    index = make_index("a 1; Depends: b (>> 5) | q", "b 5", "x 1; Conflicts: y", "y 1")
    with pytest.raises(RootfsError, match=r"^a needs b \(>> 5\) \| q, which this suite"):
        resolve_packages(index, ["a"])
    with pytest.raises(RootfsError, match=r"^there is no package nope"):
        resolve_packages(index, ["nope"])
    with pytest.raises(RootfsError, match=r"^x and y cannot be installed together"):
        resolve_packages(index, ["x", "y"])


def test_a_package_may_conflict_with_what_it_provides() -> None:
    index = make_index("a 1; Provides: mta; Conflicts: mta", "b 1; Breaks: a (<< 1)")
    assert names(index, "a", "b") == ["a", "b"]


def test_variants() -> None:
    index = make_index("a 1; Essential: yes", "b 1; Priority: required", "c 1; Priority: standard")
    assert base_set(index, "minimal") == ["a", "b"]
    assert base_set(index, "standard") == ["a", "b", "c"]


def test_damaged_indexes() -> None:
    with pytest.raises(RootfsError, match="bad dependency"):
        parse_relations("a (~~ 1)")
    with pytest.raises(RootfsError, match="is damaged"):
        Index.parse("Package: a\nVersion: 1\n")
