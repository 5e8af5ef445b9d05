"""Builds that are killed at any point, and what the next one makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.rootfs import builtin_tree
from starrylab.rootfs.store import write_tree

from .conftest import SUITE, Archive, deb

#: A build that kills itself at the N-th operation on files or bytes from the network, or ends.
CHILD = f"""
import os, signal, sys
from pathlib import Path
from starrylab.rootfs import store
from starrylab.rootfs.debian.build import Recipe, build_tree

url, cache, left = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])

def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def write(*args, written=store._write):
    count()
    written(*args)

store._write = write
events = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "os.rmdir")
sys.addaudithook(lambda event, _: count() if event in events else None)
with store.making("mine") as folder:
    built = build_tree(Recipe({SUITE!r}, url, keyring=None), cache, count, count)
    store.write_tree(built.tree, folder / "root.tar")
    store.publish("mine", folder / "root.tar")
print(-left)
"""
BASE = """Package: base
Version: 1
Architecture: riscv64
Essential: yes
Depends: tool
"""
TOOL = """Package: tool
Version: 2
Architecture: all
"""


@pytest.fixture
def filled(archive: Archive) -> Archive:
    """An archive of two packages, one of several chunks of the network."""
    file = tarfile.REGTYPE
    archive.add(BASE, deb(BASE, ("./etc/base", file, "", b"x = 1\n", 0o640)))
    archive.add(TOOL, deb(TOOL, ("./usr/bin/tool", file, "", os.urandom(300_000), 0o755)))
    archive.publish()
    return archive


def build(archive: Archive, data: Path, at: int) -> subprocess.CompletedProcess[str]:
    """Build, and be killed at operation `at` if there is one."""
    words = [sys.executable, "-c", CHILD, archive.url, str(data / "cache"), str(at)]
    environment = {**os.environ, "XDG_DATA_HOME": str(data)}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def test_a_build_that_is_killed_anywhere_ends_with_the_same_tree(
    filled: Archive, tmp_path: Path
) -> None:
    whole = build(filled, tmp_path / "whole", 0)
    operations = int(whole.stdout)
    assert operations > 40
    wanted = (tmp_path / "whole/starrylab/rootfs/mine.tar").read_bytes()
    examples = iter(range(1000))

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.integers(1, operations), min_size=1, max_size=2))
    def check(kills: list[int]) -> None:
        data = tmp_path / f"data{next(examples)}"
        for at in kills:
            killed = build(filled, data, at)
            assert killed.returncode in (-signal.SIGKILL, 0, 1), killed.stderr
            if (data / "starrylab/rootfs/mine.tar").exists():
                break  # it was killed when all was done, or needed fewer operations this time
        else:
            last = build(filled, data, 0)
            assert last.returncode == 0, last.stderr
        store = data / "starrylab/rootfs"
        assert (store / "mine.tar").read_bytes() == wanted
        assert sorted(path.name for path in store.iterdir()) in (
            [".locks", ".making", "mine.tar"], [".locks", "mine.tar"]
        )  # fmt: skip

    check()


def wait_until_gone(pid: int) -> None:
    """Wait for a process that is not ours."""
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state in "ZX":
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} goes on")


CONFIGURE = """
import sys
from pathlib import Path
from starrylab.rootfs.configure import configure
configure(Path(sys.argv[1]), Path(sys.argv[2]), "riscv64", print)
"""


def test_the_lab_that_configures_ends_with_the_build(tmp_path: Path) -> None:
    tree = builtin_tree("riscv64")
    tree.file("bin/dpkg", "#!/bin/sh\necho Setting up the lab\nexec sleep 100000\n", 0o755)
    write_tree(tree, tmp_path / "root.tar")
    words = [sys.executable, "-c", CONFIGURE, str(tmp_path / "root.tar"), str(tmp_path / "o.tar")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        started = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 60
        while not (children := started.read_text().split()) and time.monotonic() < deadline:
            time.sleep(0.05)
        (lab,) = children
        while b"starrylab" not in Path(f"/proc/{lab}/cmdline").read_bytes():
            time.sleep(0.05)
        process.kill()
    wait_until_gone(int(lab))
    assert not (tmp_path / "o.tar").exists()
