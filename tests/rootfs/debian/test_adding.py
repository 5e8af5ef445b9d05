"""Further packages for a root that was made before."""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.cli import main
from starrylab.rootfs import RootfsError
from starrylab.rootfs.debian.adding import add_packages
from starrylab.rootfs.debian.index import parse_stanzas
from starrylab.rootfs.layers import apply_layer, describe
from starrylab.rootfs.store import read_root

from .conftest import SUITE, Archive, deb

CONTROL = "Package: {}\nVersion: 1\nArchitecture: riscv64\n{}"
PACKAGES = {
    "base": "Essential: yes\n", "one": "Depends: base, more\n", "more": "",
    "two": "Depends: more\n",
}  # fmt: skip


@pytest.fixture
def mine(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of one package, made from an archive of four; the cache's folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, more in PACKAGES.items():
        control = CONTROL.format(name, more)
        archive.add(control, deb(control))
    archive.publish()
    words = ["--debian", SUITE, "--mirror", archive.url, "--no-check-signature", "--no-configure"]
    assert main(["rootfs", "create", "mine", *words]) == 0
    return tmp_path / "cache/starrylab/debian-archive"


def add(folder: Path, *names: str) -> int:
    return add_packages("mine", names, folder, lambda _: None, lambda *_: None, keyring=None)


def test_what_is_needed_comes_along_and_what_is_there_does_not(mine: Path) -> None:
    assert add(mine, "one") == 2
    assert add(mine, "one", "two") == 1
    assert add(mine, "base", "two") == 0
    base, layer = read_root("mine")
    tree = apply_layer(base, layer)
    index = tree.get("var/cache/archive/Packages").read().decode()  # type: ignore[union-attr]
    assert [fields["Package"] for fields in parse_stanzas(index)] == ["more", "one", "two"]
    assert [line for line in describe(base, layer) if line.endswith(".deb")] == [
        f"A /var/cache/archive/{name}.deb" for name in ("more", "one", "two")
    ]


def test_the_command(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rootfs", "fetch", "mine", "two", "--no-check-signature"]) == 0
    assert "2 packages added" in capsys.readouterr().out
    assert main(["rootfs", "fetch", "mine", "none", "--no-check-signature"]) == 1
    assert "there is no package none" in capsys.readouterr().err


def test_another_system_is_refused(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").touch()
    assert main(["rootfs", "remove", "mine"]) == 0
    assert main(["rootfs", "create", "mine", "--from", str(tmp_path / "folder")]) == 0
    with pytest.raises(RootfsError, match="was not made by `rootfs create --debian`"):
        add(mine, "one")
