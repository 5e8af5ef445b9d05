"""`starrylab rootfs`: roots by name."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from starrylab.cli import main
from starrylab.rootfs import Tree, builtin_tree, open_rootfs
from starrylab.rootfs.configure import configure
from starrylab.rootfs.debian.build import Built
from starrylab.rootfs.store import write_tree
from starrylab.rootfs.tree import RootfsError
from tests.rootfs.debian.conftest import deb


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A TAR of a small tree."""
    tree = Tree()
    tree.file("bin/sh", b"sh", 0o4755)
    write_tree(tree, tmp_path / "source.tar")
    return tmp_path / "source.tar"


def test_a_root_is_made_found_by_name_exported_and_removed(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rootfs", "create", "mine", "--from", str(source)]) == 0
    tree = open_rootfs("mine", "riscv64")
    assert isinstance(tree, Tree)
    assert tree.resolve("/bin/sh") is not None
    capsys.readouterr()
    assert main(["rootfs", "list"]) == 0
    assert capsys.readouterr().out.split()[0] == "mine"
    assert main(["rootfs", "path", "mine"]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()
    assert main(["rootfs", "export", "mine", "-o", "out.tar"]) == 0
    with tarfile.open("out.tar") as archive:
        assert archive.getmember("bin/sh").mode == 0o4755
    assert main(["rootfs", "remove", "mine"]) == 0
    with pytest.raises(RootfsError, match="mine does not exist"):
        open_rootfs("mine", "riscv64")


def test_a_folder_of_that_name_comes_first(source: Path) -> None:
    main(["rootfs", "create", "mine", "--from", str(source)])
    os.mkdir("mine")
    assert not isinstance(open_rootfs("mine", "riscv64"), Tree)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["path", "none"], "there is no root none; `starrylab rootfs list` shows"),
        (["remove", "../x"], "'../x' is no name for a root"),
        (["create", "x", "--from", "nothing.tar"], "nothing.tar does not exist; give"),
        (["create", "x"], "one of the arguments --debian --from is required"),
        (["create", "x", "--debian", "a", "--arch", "vax"], "invalid choice: 'vax'"),
        (["create", "x", "--from", "y", "--archive", "z"], "--archive goes with --debian, not"),
        ([], "required: ACTION"),
    ],
)
def test_wrong_use_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rootfs", *words]) != 0
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_root_is_not_replaced(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["rootfs", "create", "mine", "--from", str(source)])
    assert main(["rootfs", "create", "mine", "--from", str(source)]) == 1
    assert "there is a root mine already" in capsys.readouterr().err


def test_a_tree_that_cannot_be_configured_says_why(tmp_path: Path) -> None:
    write_tree(builtin_tree("riscv64"), tmp_path / "root.tar")  # which has no dpkg
    with pytest.raises(RootfsError, match=r"could not be configured: .*dpkg"):
        configure(tmp_path / "root.tar", tmp_path / "out.tar", "riscv64", lambda _text: None)
    assert not (tmp_path / "out.tar").exists()
    assert not list(tmp_path.glob(".configure-*"))


def test_scripts_run_in_dpkgs_order(tmp_path: Path) -> None:
    tree = builtin_tree("riscv64")
    programs = {
        "dpkg": 'echo "dpkg $*" >>/log; [ "$1" != --print-architecture ] || echo riscv64',
        "dpkg-query": "echo 1.2",
        "tar": "cat /log >/mnt/root.tar",
    }
    for name, script in programs.items():
        tree.file(f"usr/local/bin/{name}", f"#!/bin/sh\n{script}\n", 0o755)
    preinst = 'echo "preinst $* $(cat) $DPKG_MAINTSCRIPT_PACKAGE $DPKG_MAINTSCRIPT_ARCH" >>/log'
    for name in ("b:riscv64", "a"):
        tree.file(f"var/lib/dpkg/info/{name}.preinst", f"#!/bin/sh\n{preinst}\n", 0o755)
    write_tree(tree, tmp_path / "root.tar")
    for number in (1, 2):
        (tmp_path / f"hash{number}").write_bytes(deb(f"Package: p{number}\n"))
    built = Built(tree, 4, ["b:riscv64", "a"], [tmp_path / "hash2", tmp_path / "hash1"])
    configure(tmp_path / "root.tar", tmp_path / "out.tar", "riscv64", lambda _text: None, built)
    assert (tmp_path / "out.tar").read_text().splitlines() == [
        "dpkg --print-architecture",
        "preinst install  b riscv64",
        "preinst install  a riscv64",
        "dpkg --force-depends --unpack /mnt/later/0000.deb",
        "dpkg --force-depends --unpack /mnt/later/0001.deb",
        "dpkg --force-depends --configure -a",
    ]
    tree.file("var/lib/dpkg/info/a.preinst", "#!/bin/sh\necho no room\nexit 3\n", 0o755)
    write_tree(tree, tmp_path / "root.tar")
    with pytest.raises(RootfsError, match="no room / the preinst script of a failed"):
        configure(tmp_path / "root.tar", tmp_path / "2.tar", "riscv64", lambda _text: None, built)
