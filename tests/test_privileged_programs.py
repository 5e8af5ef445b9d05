"""Programs that only root may run: what they print was recorded on Linux 6.18."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from starrylab.userland import compile_c
from tests import guest

FOLDER = Path(__file__).parent / "programs" / "privileged"
NAMES = sorted(path.stem for path in FOLDER.glob("*.c"))

#: in an empty tmpfs of a mount namespace of its own
_ALONE = 'mount -t tmpfs none /mnt && cp "$0" /mnt/.program && cd /mnt && exec ./.program'


def recorded(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_program_prints_what_linux_printed(name: str) -> None:
    program = compile_c([FOLDER / f"{name}.c"], "riscv64")
    result = guest.run(
        ["/bin/sh", "-c", '"$0"; exit $?', f"/tmp/share/{program.name}"],
        share=program.parent,
        options=["--cwd", "/tmp"],
        timeout=100,
    )
    assert result.stdout.decode() == recorded(name)
    assert result.status == 0, result.stderr.decode()


@pytest.mark.parametrize("name", NAMES)
def test_the_record_is_true_of_this_host(name: str) -> None:
    if os.geteuid() or _refuses():
        pytest.skip("this host lets nobody mount: the record cannot be looked at again")
    if [int(part) for part in os.uname().release.split(".")[:2]] < [6, 16]:
        pytest.skip("this host's kernel is older than what the record tells of")
    program = compile_c([FOLDER / f"{name}.c"], os.uname().machine)
    command = ["unshare", "--mount", "sh", "-c", _ALONE, str(program)]
    result = subprocess.run(command, capture_output=True, timeout=100, check=False)
    assert result.stdout.decode().replace("/mnt/", "/tmp/") == recorded(name)


def _refuses() -> bool:
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode != 0
