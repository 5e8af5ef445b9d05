"""Each test program prints the same and ends the same in a lab as on real Linux."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import guest
from tests.oracle import programs, qemu

SCRIPT = Path(__file__).parent / "programs" / "hundred.sh"


@pytest.mark.parametrize("name", programs.names())
def test_program_behaves_as_on_linux(name: str, qemu_user: str, tmp_path: Path) -> None:
    program = programs.build(name)
    # Below a shell, as on Linux: the first process of a lab would adopt every orphan.
    command = ["/bin/sh", "-c", '"$@"; exit $?', "sh", f"/tmp/share/{program.name}"]
    result = guest.run(
        [*command, *programs.ARGUMENTS],
        share=program.parent,
        options=["--cwd", "/tmp"],
        timeout=60,
    )
    stdout, status = programs.expected(name)
    assert result.stdout.decode(errors="replace") == stdout.decode(errors="replace")
    assert result.status == status, result.stderr.decode(errors="replace")


@pytest.mark.parametrize("shell", ["bash", "busybox"])
def test_a_script_of_a_hundred_commands(
    shell: str, qemu_user: str, debian_root: Path, busybox: Path
) -> None:
    root = debian_root if shell == "bash" else busybox
    argv = ["/bin/bash"] if shell == "bash" else ["/bin/busybox", "sh"]
    command = [*argv, "/tmp/share/hundred.sh"]
    ours = guest.run(command, root=root, share=SCRIPT.parent)
    # The oracle itself is not quite reliable: on a busy host qemu-user now and then loses a
    # signal or a child.  Ours runs once and has to be right; the oracle may try again.
    for _ in range(3):
        theirs = qemu.run_tree(root, command, share=SCRIPT.parent)
        if theirs.stdout == ours.stdout:
            break
    assert ours.stdout.decode(errors="replace") == theirs.stdout.decode(errors="replace")
    assert ours.status == theirs.status
