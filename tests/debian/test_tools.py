"""Archives, data bases, version control, Perl: the same commands on Linux are the oracle."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.debian.labs import SCRIPTS, Batch
from tests.oracle import qemu


@pytest.mark.usefixtures("qemu_user")
@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPTS.glob("*.sh")))
def test_a_script_prints_what_it_prints_on_linux(name: str, batch: Batch, trixie: Path) -> None:
    run = f"mkdir /tmp/{name}; cd /tmp/{name}; SCRIPTS=%s; export LC_ALL=C; . $SCRIPTS/{name}.sh"
    ours = batch(run % "/scripts")
    environment = {"HOME": "/tmp", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    command = ["bash", "-c", run % "/tmp/share"]
    theirs = qemu.run_tree(trixie, command, env=environment, share=SCRIPTS)
    assert theirs.stdout, theirs.stderr
    assert ours.stdout.decode(errors="replace") == theirs.stdout.decode(errors="replace")
    assert ours.stderr.decode(errors="replace") == theirs.stderr.decode(errors="replace")
    assert ours.status == theirs.status
