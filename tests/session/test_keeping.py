"""Changes of a root that are kept: over labs, over killed ones, and never torn."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.cli import main
from starrylab.rootfs import builtin_tree, open_rootfs
from starrylab.rootfs.store import layer_path, lock_root, root_path, write_tree
from starrylab.session.client import LabClient
from starrylab.session.config import LabConfig
from starrylab.session.keeping import Keeper, live_entries
from starrylab.session.mounting import open_root
from starrylab.session.protocol import Crashed, Failed, Output
from tests.kernel.vfs.vfs_world import World


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root called "mine", with the built-in programs."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    write_tree(builtin_tree("riscv64"), root_path("mine"))


def lab(*words: str) -> list[str]:
    return [sys.executable, "-m", "starrylab", "run", "--rootfs", "mine", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        lab(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def diff(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["rootfs", "diff", "mine"]) == 0
    return capsys.readouterr().out.splitlines()


def test_nothing_changes_in_a_root_that_is_only_looked_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = layer_path("mine").with_name(".mine.layer.123")
    left.write_text("by a lab that was killed")
    keeper = Keeper("mine")
    assert not left.exists()
    world = World()
    fs = keeper.mount(lambda: 5, world.pool)
    keeper.save()
    assert {e.path for e in live_entries(fs)} == {e.path for e in keeper.tree}
    assert diff(capsys) == []
    assert not layer_path("mine").exists()
    keeper.close()


def test_changes_are_there_the_next_time_and_are_thrown_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = "echo hi >/root/x; ln /root/x /root/y; rm /etc/motd; echo more >>/etc/hosts; mkdir /d"
    assert run("--keep", "--", "sh", "-c", script).stderr == ""
    assert diff(capsys) == [
        "A /d", "C /etc", "C /etc/hosts", "D /etc/motd", "C /root", "A /root/x", "A /root/y"
    ]  # fmt: skip
    again = run("--", "sh", "-c", "cat /root/y; tail -1 /etc/hosts; ls /etc/motd; rm /root/x")
    assert again.stdout == "hi\nmore\n"
    assert "/etc/motd" in again.stderr
    before = layer_path("mine").read_bytes()
    script = "cat /root/x; chmod 600 /root/y; echo 1 >/etc/motd; rmdir /d"
    assert run("--keep", "--", "sh", "-c", script).stdout == "hi\n"
    assert layer_path("mine").read_bytes() != before
    assert diff(capsys) == [
        "C /etc/hosts", "C /etc/motd", "C /root", "A /root/x", "A /root/y"
    ]  # fmt: skip
    assert main(["rootfs", "export", "mine", "-o", "all.tar"]) == 0
    assert open_rootfs("all.tar", "riscv64").resolve("root/y").mode & 0o777 == 0o600  # type: ignore[union-attr]
    assert main(["rootfs", "reset", "mine"]) == 0
    assert diff(capsys) == []


def test_a_killed_lab_leaves_what_was_synced() -> None:
    script = "echo 1 >/root/one; sync; echo 2 >/root/two; echo synced; cat"
    with subprocess.Popen(
        lab("--keep", "--", "sh", "-c", script), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"synced\n"
        second = run("--keep", "--", "true")
        assert second.returncode == 125
        assert f"another process changes the root mine (process {process.pid})" in second.stderr
        assert run("--", "cat", "/root/one").stdout == "1\n"  # looking is allowed
        os.kill(process.pid, signal.SIGKILL)
    assert run("--keep", "--", "ls", "/root").stdout == "one\n"


def test_what_cannot_be_written_is_said_and_the_old_layer_stays() -> None:
    assert run("--keep", "--", "touch", "/root/one").returncode == 0
    layer = layer_path("mine")
    before = layer.read_bytes()
    with subprocess.Popen(
        lab("--keep", "--", "sh", "-c", "touch /root/two; echo on; cat"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "on\n"
        store = layer.parent
        store.rename(store.with_name("moved"))
        store.write_text("in the way")
        process.stdin.close()
        error = process.stderr.read()
        assert process.wait() == 74
    assert "cannot write" in error
    assert "what changed in the root is lost" in error
    store.unlink()
    store.with_name("moved").rename(store)
    assert layer.read_bytes() == before


SAVE = """
import os, signal, sys
from starrylab.session.keeping import Keeper
from tests.kernel.vfs.vfs_world import World

keeper = Keeper("mine")
fs = keeper.mount(lambda: 5, World().pool)
for number in range(20):
    fs.root.create(b"new%d" % number, 0o100644, 0, 0).write_at(bytes(20_000), 0)
left = int(sys.argv[1])

def count(event, _args):
    global left
    if event in ("open", "os.rename", "os.remove", "os.mkdir") or event == "test.chunk":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
from starrylab.rootfs import store
write = store._write
store._write = lambda *args: (sys.audit("test.chunk"), write(*args))
keeper.save()
"""


@pytest.mark.parametrize("at", [1, 2, 10, 21, 22, 23, 24, 25])
def test_a_layer_is_never_torn(at: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rootfs", "diff", "mine"]) == 0
    words = [sys.executable, "-c", SAVE, str(at)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(words, env=environment, check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    assert len(diff(capsys)) == (20 if layer_path("mine").exists() else 0)
    assert done.returncode or layer_path("mine").exists()
    Keeper("mine").close()
    assert {path.name for path in layer_path("mine").parent.iterdir()} <= {
        ".locks", "mine.tar", "mine.layer"
    }  # fmt: skip


async def test_a_lab_of_the_console_keeps_changes_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = LabClient(transcript_folder=tmp_path)
    argv = (b"/bin/sh", b"-c", b"echo x >/root/x; echo do''ne; cat")
    await client.start(LabConfig(rootfs="mine", keep=True, argv=argv))
    text = b""
    async for event in client.events():
        if isinstance(event, Output):
            client.consumed(len(event.data))
            text += event.data
        assert not isinstance(event, Crashed | Failed), event
        if b"done" in text:
            break
    await client.close()  # as when the console is left
    assert diff(capsys) == ["C /root", "A /root/x"]


def test_only_a_root_with_a_name_is_kept(tmp_path: Path) -> None:
    from starrylab.rootfs import RootfsError

    for root in (None, str(tmp_path)):
        with pytest.raises(RootfsError, match="keeps the changes of a root with a name"):
            open_root(LabConfig(rootfs=root, keep=True), None)


def test_a_root_in_use_is_not_removed(capsys: pytest.CaptureFixture[str]) -> None:
    with lock_root("mine"):
        for action in ("remove", "reset"):
            assert main(["rootfs", action, "mine"]) == 1
            assert "another process changes the root mine" in capsys.readouterr().err
    layer_path("mine").write_bytes(b"")
    assert main(["rootfs", "remove", "mine"]) == 0
    assert not layer_path("mine").exists()
    shutil.rmtree(layer_path("mine").parent)
