"""Backtraces that begin in the vDSO, and lead through a signal frame that ends there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests import guest

from .programs import GCC, SOURCES


def test_a_fault_in_the_vdso(debian_root: Path, tmp_path: Path) -> None:
    subprocess.run([GCC, "-O1", SOURCES / "vdso.c", "-o", tmp_path / "vdso"], check=True)
    result = guest.run(
        ["/tmp/share/vdso"], root=debian_root, share=tmp_path, options=["--backtrace"], timeout=60
    )
    assert result.status == 128 + 11
    text = result.stderr.decode()
    names = re.findall(r"^ +\d+: (\S+)", text, re.MULTILINE)
    assert names[:4] == ["__vdso_clock_gettime", "clock_gettime", "handler", "<signal"]
    assert names.index("raise") < names.index("main") < names.index("_start")
    assert re.search(r"__vdso_clock_gettime\n +at \[vdso\]", text)
