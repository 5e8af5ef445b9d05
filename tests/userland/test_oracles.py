"""The oracles themselves: they must be there, run scripts with children, and say the same twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle import programs, qemu


def test_children_run_inside_a_tree(busybox: Path, qemu_user: str) -> None:
    script = "uname -m; echo x | /bin/cat; ls /tmp; echo $(/bin/busybox echo child)"
    result = qemu.run_tree(busybox, ["/bin/sh", "-c", script])
    assert result.stdout == b"riscv64\nx\nchild\n"


def test_debian_tree_is_dynamic_and_works(debian_root: Path, qemu_user: str) -> None:
    result = qemu.run_tree(debian_root, ["/bin/bash", "-c", "seq 3 | sort -r | md5sum; exit 5"])
    assert result.status == 5
    assert len(result.stdout) == 36


def test_the_long_script_has_its_commands(busybox: Path, qemu_user: str) -> None:
    result = qemu.run_tree(busybox, ["/bin/sh", "/tmp/share/hundred.sh"], share=programs.FOLDER)
    assert result.status == 0
    assert result.stdout.count(b"\n== ") == 11
    assert result.stdout.rstrip().endswith(b"the folder was empty: 0")


def test_there_are_programs_for_every_family() -> None:
    assert len(programs.names()) >= 25
    assert set(programs.NATIVE) <= set(programs.names())


@pytest.mark.parametrize("name", ["files", "pipes", "signals"])
def test_an_oracle_says_the_same_twice(qemu_user: str, name: str) -> None:
    assert programs.expected(name) == programs.observe(name)
