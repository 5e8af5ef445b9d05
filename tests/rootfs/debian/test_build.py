"""Trees built from a small archive that tells the truth, and from one that lies."""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from starrylab.rootfs import RootfsError, Tree, read_archive
from starrylab.rootfs.debian.build import Recipe, build_tree, host_mirror
from starrylab.rootfs.store import write_tree

from .conftest import SUITE, UNSIGNED, Archive, deb

DIR, FILE, LINK, HARD = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
BASE = """Package: base
Version: 1
Architecture: riscv64
Essential: yes
Maintainer: nobody <nobody@localhost>
Description: base
Depends: tool (>= 2)
"""
TOOL = """Package: tool
Version: 2
Architecture: riscv64
Multi-Arch: same
Maintainer: nobody <nobody@localhost>
Description: tool
"""


@pytest.fixture
def filled(archive: Archive) -> Archive:
    """An archive of two packages."""
    base = deb(
        BASE,
        ("./", DIR, "", b"", 0o755),
        ("./bin/", DIR, "", b"", 0o755),  # which a merged /usr has as a link
        ("./bin/su", FILE, "", b"su", 0o4755),
        ("./bin/sg", HARD, "./bin/su", b"", 0o4755),
        ("./etc/base.conf", FILE, "", b"x = 1\n", 0o640),
        conffiles="/etc/base.conf\n",
        triggers="interest-noawait /usr/share/base\ninterest ldconfig\n",
    )
    archive.add(BASE, base)
    archive.add(TOOL, deb(TOOL, ("./usr/bin/tool", LINK, "su", b"", 0o777)))
    archive.publish()
    return archive


def build(archive: Archive, folder: Path, **changes: object) -> Tree:
    given = {"suite": SUITE, "mirror": archive.url, "keyring": None, **changes}
    return build_tree(Recipe(**given), folder / "cache", lambda _text: None, lambda *_: None)[0]  # type: ignore[arg-type]


def test_files_owners_modes_and_links(filled: Archive, tmp_path: Path) -> None:
    tree = build(filled, tmp_path)
    program = tree.get("usr/bin/su")
    assert program is not None
    assert (program.mode, program.gid, program.read()) == (stat.S_IFREG | 0o4755, 42, b"su")
    assert tree.resolve("/bin/tool") is program
    other = tree.get("usr/bin/sg")
    assert other is not None
    assert other.hardlink == "usr/bin/su"
    write_tree(tree, tmp_path / "root.tar")
    again = read_archive(tmp_path / "root.tar")
    assert {e.path: (e.mode, e.gid, e.hardlink) for e in again} == {
        e.path: (e.mode, e.gid, e.hardlink) for e in tree
    }


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="dpkg is missing")
def test_dpkg_reads_the_database(filled: Archive, tmp_path: Path) -> None:
    write_tree(build(filled, tmp_path), tmp_path / "root.tar")
    with tarfile.open(tmp_path / "root.tar") as root:
        root.extractall(tmp_path / "root", filter="data")

    def ask(*words: str) -> str:
        command = ["dpkg-query", "--admindir", str(tmp_path / "root/var/lib/dpkg"), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    shown = ask("-W", "-f", "${Package} ${db:Status-Status} ${Version}${Conffiles}\n")
    digest = hashlib.md5(b"x = 1\n").hexdigest()
    assert shown == f"base unpacked 1 /etc/base.conf {digest}\ntool unpacked 2\n"
    assert ask("-L", "base").split() == ["/.", "/bin", "/bin/su", "/bin/sg", "/etc/base.conf"]
    triggers = tmp_path / "root/var/lib/dpkg/triggers"
    assert (triggers / "File").read_text() == "/usr/share/base base/noawait\n"
    assert (triggers / "ldconfig").read_text() == "base\n"


def test_what_is_cached_is_not_fetched_again_and_does_without_a_mirror(
    filled: Archive, tmp_path: Path
) -> None:
    first = list(build(filled, tmp_path))
    filled.asked.clear()
    assert list(build(filled, tmp_path)) == first
    assert filled.asked == [f"/dists/{SUITE}/InRelease"]
    filled.shutdown()
    filled.server_close()
    assert list(build(filled, tmp_path)) == first


def test_a_part_is_gone_on_with(filled: Archive, tmp_path: Path) -> None:
    package = filled.folder / "pool/tool.deb"
    whole = package.read_bytes()
    package.write_bytes(whole[:100])
    with pytest.raises(RootfsError, match="ended early"):
        build(filled, tmp_path)
    assert [part.stat().st_size for part in (tmp_path / "cache/files").glob("*.part")] == [100]
    package.write_bytes(whole)
    assert build(filled, tmp_path).get("usr/bin/tool") is not None
    assert not list((tmp_path / "cache/files").glob("*.part"))


def test_a_changed_package_is_refused_each_time(filled: Archive, tmp_path: Path) -> None:
    package = filled.folder / "pool/tool.deb"
    package.write_bytes(package.read_bytes()[:-2] + b"!!")
    for _ in range(2):
        with pytest.raises(RootfsError, match=r"tool\.deb has the wrong hash"):
            build(filled, tmp_path)


def test_a_changed_index_is_refused(filled: Archive, tmp_path: Path) -> None:
    index = filled.folder / "dists" / SUITE / "main/binary-riscv64/Packages.xz"
    index.write_bytes(index.read_bytes()[::-1])
    with pytest.raises(RootfsError, match="has the wrong hash"):
        build(filled, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"suite": "gravel"}, "^the mirror has no suite gravel"),
        ({"include": ["nope"]}, "^there is no package nope"),
        ({"arch": "arm64"}, "^this suite has no packages for arm64"),
        ({"mirror": "http://127.0.0.1:1"}, "cannot be reached: .*refused"),
        ({"mirror": "nonsense"}, "nonsense.* cannot be reached"),
        ({"keyring": Path("/no/keyring")}, "there is no keyring /no/keyring; install"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(
    filled: Archive, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(RootfsError, match=message) as raised:
        build(filled, tmp_path, **changes)
    assert "\n" not in str(raised.value)


def test_another_or_an_old_suite_is_refused(filled: Archive, tmp_path: Path) -> None:
    filled.publish(Codename="sand")
    with pytest.raises(RootfsError, match=f"answers with sand, not {SUITE}"):
        build(filled, tmp_path)
    filled.publish(**{"Valid-Until": "Sat, 01 Jan 2022 00:00:00 UTC"})
    with pytest.raises(RootfsError, match="is out of date since Sat, 01 Jan 2022"):
        build(filled, tmp_path)


@pytest.mark.skipif(
    not (shutil.which("gpg") and shutil.which("gpgv")), reason="gpg or gpgv is missing"
)
def test_signatures(filled: Archive, tmp_path: Path) -> None:
    home, keyring = tmp_path / "gpg", tmp_path / "keyring.gpg"
    home.mkdir(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback",
           "--passphrase", ""]  # fmt: skip
    subprocess.run([*gpg, "--quick-gen-key", "archive", "ed25519", "sign"], check=True)
    subprocess.run([*gpg, "--output", str(keyring), "--export"], check=True)
    text = filled.publish()
    release = filled.folder / "dists" / SUITE / "InRelease"
    signed = subprocess.run(
        [*gpg, "--clearsign"], input=text.encode(), capture_output=True, check=True
    ).stdout
    release.write_bytes(signed)
    assert build(filled, tmp_path, keyring=keyring).get("usr/bin/tool") is not None
    release.write_bytes(signed.replace(b"Codename: ", b"Codename:  "))
    with pytest.raises(RootfsError, match="the signature of InRelease is not by a key in"):
        build(filled, tmp_path, keyring=keyring)
    release.write_text(UNSIGNED.format(text))
    with pytest.raises(RootfsError, match="the signature of InRelease is not by a key in"):
        build(filled, tmp_path, keyring=keyring)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def test_a_damaged_package_is_named(archive: Archive, tmp_path: Path) -> None:
    archive.add(BASE, b"!<arch>\n" + b"x" * 100)
    archive.add(TOOL, deb(TOOL))
    archive.publish()
    with pytest.raises(RootfsError, match=r"^the package base is damaged: "):
        build(archive, tmp_path)


def test_the_mirror_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    with pytest.raises(RootfsError, match="give one with --mirror URL"):
        host_mirror(tmp_path)
    (tmp_path / "sources.list.d/a.sources").write_text(
        "URIs: http://x/tool\nURIs: http://y/debian\n"
    )
    assert host_mirror(tmp_path) == "http://y/debian"
    (tmp_path / "sources.list").write_text("deb [arch=amd64] http://z/debian/ sid main\n")
    assert host_mirror(tmp_path) == "http://z/debian/"
