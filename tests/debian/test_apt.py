"""apt and dpkg, unmodified, install a package without a network; and users beside root."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from starrylab.rootfs import RootfsError, Tree
from starrylab.rootfs.debian.build import Recipe, fetch_packages, host_mirror, open_suite
from starrylab.rootfs.debian.index import parse_stanzas
from starrylab.rootfs.debian.offline import add_archive
from starrylab.rootfs.debian.resolver import resolve_packages
from starrylab.userland import cache_folder
from tests.debian import root as debian
from tests.debian.labs import Batch


def put(tree: Tree, folder: Path) -> None:
    for entry in tree:
        path = folder / entry.path
        if stat.S_ISDIR(entry.mode):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_bytes(entry.read())


@pytest.fixture(scope="module")
def archive(trixie: Path, batch: Batch) -> None:
    """Copy what `rootfs create --archive hello` puts into a root to /share/archive."""
    status = (trixie / "var/lib/dpkg/status").read_text()
    installed = {fields["Package"] for fields in parse_stanzas(status)}
    try:
        recipe = Recipe(debian.SUITE, host_mirror())
        cache, index = open_suite(recipe, cache_folder() / "debian-archive", str, lambda *_: None)
        wanted = resolve_packages(index, [*sorted(installed & index.by_name.keys()), "hello"])
        new = [package for package in wanted if package.name not in installed]
        fetch_packages(cache, recipe, new, str, lambda *_: None)
    except RootfsError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
    tree = Tree()
    add_archive(tree, new, cache)
    put(tree, batch.share / "archive")


SOURCE = "/etc/apt/sources.list.d/archive.sources"
INSTALL = f"""
set -e
export DEBIAN_FRONTEND=noninteractive
cp -r /share/archive/. /
apt-get -qq update -o Dir::Etc::sourcelist={SOURCE} -o Dir::Etc::sourceparts=-
apt-get -qq -y install hello >/tmp/apt.log 2>&1 || {{ cat /tmp/apt.log; exit 1; }}
hello
dpkg-query -W -f '${{db:Status-Status}}\n' hello
dpkg --verify hello
apt-get -qq -y remove hello >/dev/null 2>&1
test ! -e /usr/bin/hello
dpkg -i /var/cache/archive/hello_*.deb >/dev/null
hello -t
dpkg --audit
"""


def test_apt_installs_from_the_archive_in_the_root(archive: None, batch: Batch) -> None:
    lines = batch.prints(INSTALL).splitlines()
    assert lines == ["Hello, world!", "installed", "hello, world"]


USERS = """
set -e
useradd -m -s /bin/bash joe
su - joe -c 'id -un; pwd; touch mine; stat -c "%U %a" mine'
su joe -c 'touch /root/x 2>/dev/null' || echo refused
echo joe:secret | chpasswd
grep -c '^joe:\\$y\\$' /etc/shadow
ls -A /home/joe | sort | head -3
userdel -r joe
ls /home
"""


def test_users_are_made_and_become_themselves(batch: Batch) -> None:
    lines = batch.prints(USERS).splitlines()
    assert lines == ["joe", "/home/joe", "joe 664", "refused", "1",
                     ".bash_logout", ".bashrc", ".profile"]  # fmt: skip
