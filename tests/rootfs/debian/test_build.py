"""Trees built from a small archive that tells the truth, and from one that lies."""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from starrylab.rootfs import RootfsError, Tree, read_archive
from starrylab.rootfs.debian.build import Built, Recipe, build_tree, host_mirror
from starrylab.rootfs.debian.deb import without_compression
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


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starrylab.rootfs.debian.fetch.time.sleep", lambda _seconds: None)


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


def build(archive: Archive, folder: Path, /, **changes: object) -> Tree:
    return built(archive, folder, **changes).tree


def built(archive: Archive, folder: Path, /, **changes: object) -> Built:
    given = {"suite": SUITE, "mirror": archive.url, "keyring": None, **changes}
    return build_tree(Recipe(**given), folder / "cache", lambda _text: None, lambda *_: None)  # type: ignore[arg-type]


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
    assert len(build(filled, tmp_path, expired=True))


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
    for date in ("Sat, 10 Jan 2026 00:00:00 UTC", "Thu, 01 Jan 2026 00:00:00 UTC"):
        text = filled.publish(Date=date)
        command = [*gpg, "--clearsign"]
        signed = subprocess.run(
            command, input=text.encode(), capture_output=True, check=True
        ).stdout  # fmt: skip
        release.write_bytes(signed)
        if "10" in date:
            build(filled, tmp_path, keyring=keyring)
    with pytest.raises(RootfsError, match=r"is of Thu, 01 Jan 2026 .*, older than what it had"):
        build(filled, tmp_path, keyring=keyring)
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


def test_a_package_that_does_not_end_is_refused(filled: Archive, tmp_path: Path) -> None:
    package = filled.folder / "pool/tool.deb"
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    package.write_bytes(package.read_bytes() + bytes(200_000))
    with pytest.raises(RootfsError, match=r"tool\.deb is longer than the \d+ bytes that the index"):
        build(filled, tmp_path)
    assert not (tmp_path / f"cache/files/{digest}.part").exists()


def test_a_part_that_is_wrong_is_thrown_away(filled: Archive, tmp_path: Path) -> None:
    package = filled.folder / "pool/tool.deb"
    whole = package.read_bytes()
    package.write_bytes(b"lies"[:4] + whole[4:200])
    with pytest.raises(RootfsError, match="ended early"):
        build(filled, tmp_path)
    package.write_bytes(whole)
    with pytest.raises(RootfsError, match="wrong hash"):
        build(filled, tmp_path)
    assert build(filled, tmp_path).get("usr/bin/tool") is not None


def test_two_builds_at_once_fetch_each_package_once(filled: Archive, tmp_path: Path) -> None:
    start = threading.Barrier(4)

    def one(_number: int) -> list[str]:
        start.wait()
        return [entry.path for entry in build(filled, tmp_path)]

    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(one, range(4)))
    assert trees[1:] == trees[:-1]
    assert filled.asked.count("/pool/base.deb") == filled.asked.count("/pool/tool.deb") == 1
    assert not list((tmp_path / "cache/files").glob("*.part"))


def test_an_endless_list_is_refused(
    filled: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starrylab.rootfs.debian.fetch._LARGEST_TEXT", 100)
    with pytest.raises(RootfsError, match="InRelease has more than"):
        build(filled, tmp_path)


def test_packages_with_a_preinst_wait_for_dpkg(archive: Archive, tmp_path: Path) -> None:
    more = "Package: {}\nVersion: 1\nArchitecture: riscv64\n{}"
    base = more.format("base", "Essential: yes\nDepends: zlib\n")
    for control in (base, more.format("zlib", "Multi-Arch: same\n"),
                    more.format("late", "Depends: later\n"), more.format("later", "")):  # fmt: skip
        archive.add(control, deb(control, preinst="#!/bin/sh\n"))
    archive.add(more.format("plain", ""), deb(more.format("plain", "")))
    archive.publish()
    result = built(archive, tmp_path, include=["late", "plain"])
    assert (result.count, result.preinsts) == (5, ["zlib:riscv64", "base"])
    wanted = [hashlib.sha256((archive.folder / f"pool/{name}.deb").read_bytes()).hexdigest()
              for name in ("later", "late")]  # fmt: skip
    assert [path.name for path in result.later] == wanted
    assert result.tree.get("var/lib/dpkg/info/plain.list") is not None
    assert result.tree.get("var/lib/dpkg/info/late.list") is None
    unpacked = built(archive, tmp_path, include=["late", "plain"], scripts=False)
    assert not unpacked.later
    assert unpacked.tree.get("var/lib/dpkg/info/late.list") is not None


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is missing")
def test_dpkg_reads_a_package_without_compression(tmp_path: Path) -> None:
    packed = deb(TOOL, ("./usr/bin/tool", FILE, "", b"#!", 0o755), preinst="#!/bin/sh\n")
    (tmp_path / "packed.deb").write_bytes(packed)
    (tmp_path / "plain.deb").write_bytes(without_compression(tmp_path / "packed.deb", "tool"))
    assert b"#!/bin/sh\n" in (tmp_path / "plain.deb").read_bytes()

    def ask(*words: str) -> list[str]:
        return [
            subprocess.run(
                ["dpkg-deb", *words, str(tmp_path / f"{name}.deb")],
                check=True, capture_output=True, text=True,
            ).stdout
            for name in ("packed", "plain")
        ]  # fmt: skip

    for words in (["--contents"], ["--field"], ["--ctrl-tarfile"]):
        first, second = ask(*words)
        assert first == second != ""
    (tmp_path / "packed.deb").write_bytes(packed[:-100])
    with pytest.raises(RootfsError, match="the package tool is damaged"):
        without_compression(tmp_path / "packed.deb", "tool")


@pytest.mark.skipif(shutil.which("apt-cache") is None, reason="apt is missing")
def test_apt_reads_the_archive_in_the_root(filled: Archive, tmp_path: Path) -> None:
    extra = "Package: extra\nVersion: 3\nArchitecture: riscv64\nDepends: base, other\n"
    other = "Package: other\nVersion: 4\nArchitecture: all\n"
    packed = deb(extra)
    filled.add(extra, packed)
    filled.add(other, deb(other))
    filled.publish()
    tree = build(filled, tmp_path, archive=["extra"])
    assert tree.get("usr/share/doc/extra") is None
    write_tree(tree, tmp_path / "root.tar")
    with tarfile.open(tmp_path / "root.tar") as root:
        root.extractall(tmp_path / "root", filter="data")
    folder = tmp_path / "root/var/cache/archive"
    assert (folder / "extra.deb").read_bytes() == packed
    (tmp_path / "sources").write_text(f"deb [trusted=yes] file:{folder} ./\n")
    options = [f"Dir::Etc::sourcelist={tmp_path / 'sources'}", "Dir::Etc::sourceparts=-",
               f"Dir::State={tmp_path / 'state'}", f"Dir::Cache={tmp_path / 'apt'}",
               f"Dir::State::status={tmp_path / 'root/var/lib/dpkg/status'}",
               "APT::Architecture=riscv64", "APT::Architectures=riscv64",
               "APT::Sandbox::User=root"]  # fmt: skip
    for name in ("state/lists/partial", "apt/archives/partial"):
        (tmp_path / name).mkdir(parents=True)

    def apt(*words: str) -> str:
        command = [words[0], *(part for option in options for part in ("-o", option)), *words[1:]]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    apt("apt-get", "update")
    plan = apt("apt-get", "--simulate", "install", "extra")
    assert [line for line in plan.splitlines() if line.startswith("Inst ")] == [
        "Inst other (4 localhost [all])", "Inst extra (3 localhost [riscv64])"
    ]  # fmt: skip


def test_what_a_root_is_called_and_speaks(filled: Archive, tmp_path: Path) -> None:
    tree = build(filled, tmp_path)
    assert tree.get("etc/hostname").read() == b"starry\n"  # type: ignore[union-attr]
    assert tree.get("etc/default/locale").read() == b"LANG=C.UTF-8\n"  # type: ignore[union-attr]
