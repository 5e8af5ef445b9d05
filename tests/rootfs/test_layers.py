"""Layers: what was changed, and a tree with it, against a model; trees that lose names."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.rootfs import Entry, RootfsError, Tree
from starrylab.rootfs.layers import apply_layer, describe, find_changes, read_layer
from starrylab.rootfs.store import lock_root, write_entries

#: path -> what is there: a number for a file's content, "" for a folder, other text for a link
Model = dict[str, int | str]

#: a busy host is no reason to fail
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_NAMES = st.sampled_from("abc")
_NODES = st.recursive(
    st.one_of(st.integers(0, 3), st.just("to")),
    lambda below: st.dictionaries(_NAMES, below, max_size=3),
    max_leaves=8,
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A tree with files, links, folders, and now and then a file of several names."""
    tree = Tree()
    files: dict[int, str] = {}

    def put(path: str, node: object) -> None:
        match node:
            case dict():
                if path:
                    mode = draw(st.sampled_from([0o755, 0o700]))
                    tree.add(Entry(path, stat.S_IFDIR | mode, mtime_ns=1))
                for name, below in node.items():
                    put(f"{path}/{name}" if path else name, below)
            case int():
                if node in files and draw(st.booleans()):
                    first = files[node]
                    tree.add(Entry(path, stat.S_IFREG | 0o644, 0, 0, 1, hardlink=first))
                else:
                    files[node] = path
                    tree.add(Entry(path, stat.S_IFREG | 0o644, 0, 0, 1, content=b"%d" % node))
            case str():
                tree.add(Entry(path, stat.S_IFLNK | 0o777, 0, 0, 1, target=node))

    put("", draw(st.dictionaries(_NAMES, _NODES, max_size=3)))
    return tree


def shown(tree: Tree) -> dict[str, tuple[object, ...]]:
    """What a tree is, whichever of a file's names has the content."""
    names: dict[str, set[str]] = {}
    for entry in tree:
        names.setdefault(entry.hardlink or entry.path, set()).add(entry.path)
    result: dict[str, tuple[object, ...]] = {}
    for entry in tree:
        first = tree.get(entry.hardlink or entry.path)
        assert first is not None
        assert not first.hardlink
        same = frozenset(names[first.path])
        result[entry.path] = (first.mode, first.read(), first.target, same)
    return result


@_PATIENT
@given(trees(), trees())
def test_a_layer_makes_one_tree_of_another(base: Tree, now: Tree) -> None:
    layer = list(find_changes(base, now))
    before = shown(base)
    assert shown(apply_layer(base, layer)) == shown(now)
    assert shown(base) == before
    assert list(find_changes(now, now)) == []


@_PATIENT
@given(trees(), trees(), trees())
def test_in_a_tree_what_is_linked_to_stands_first(base: Tree, now: Tree, then: Tree) -> None:
    tree = apply_layer(apply_layer(base, find_changes(base, now)), find_changes(now, then))
    seen = {""}
    for entry in tree:
        assert entry.parent in seen
        assert not entry.hardlink or entry.hardlink in seen
        seen.add(entry.path)


@_PATIENT
@given(trees(), trees())
def test_lines_are_those_of_docker(base: Tree, now: Tree) -> None:
    lines = describe(base, find_changes(base, now))
    old, new = shown(base), shown(now)
    added = {f"A /{path}" for path in new.keys() - old.keys()}
    assert {line for line in lines if line[0] == "A"} == added
    gone = old.keys() - new.keys()
    tops = {f"D /{path}" for path in gone if path.rpartition("/")[0] not in gone}
    assert {line for line in lines if line[0] == "D"} == tops
    assert {line for line in lines if line[0] == "C"} >= {
        f"C /{path}" for path in old.keys() & new.keys() if old[path][:3] != new[path][:3]
    }


def test_a_layer_is_kept_in_a_file(tmp_path: Path) -> None:
    base, now = Tree(), Tree()
    base.file("gone/x", b"1")
    base.file("d/.wh.x", b"1")
    now.file("d/.wh.x", b"2")
    now.file("d/new", b"3" * 10000)
    now.add(Entry("d/again", stat.S_IFREG | 0o644, hardlink="d/new"))
    now.add(Entry("null", stat.S_IFCHR | 0o666, major=1, minor=3))
    path = tmp_path / "x.layer"
    assert read_layer(path, base) == []
    write_entries(find_changes(base, now), path)
    layer = read_layer(path, base)
    assert shown(apply_layer(base, layer)) == shown(now)
    assert describe(base, layer) == [
        "C /d", "C /d/.wh.x", "A /d/again", "A /d/new", "D /gone", "A /null"
    ]  # fmt: skip
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RootfsError, match=r"x\.layer is damaged or truncated"):
        read_layer(path, base)


def test_what_takes_the_place_of_a_first_name_leaves_the_others_alone() -> None:
    tree = Tree()
    tree.file("a", b"old")
    tree.add(Entry("b", stat.S_IFREG | 0o644, hardlink="a"))
    tree.add(Entry("c", stat.S_IFREG | 0o644, hardlink="a"))
    tree.file("a", b"new")
    assert [(e.path, e.read(), e.hardlink) for e in tree] == [
        ("b", b"old", ""), ("c", b"", "b"), ("a", b"new", "")
    ]  # fmt: skip


def test_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with lock_root("mine"):
        lock_root("other").release()
        with pytest.raises(RootfsError, match=r"changes the root mine \(process \d+\); wait"):
            lock_root("mine")
    lock_root("mine").release()
