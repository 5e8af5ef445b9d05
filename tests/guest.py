"""Run programs in a lab, as a user would: `starrylab run` in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Result:
    """What a program left behind; `status` is as the shell's $?."""

    stdout: bytes
    stderr: bytes
    status: int


def run(
    argv: Sequence[str],
    *,
    root: Path | None = None,
    share: Path | None = None,
    stdin: bytes = b"",
    env: Sequence[str] = (),
    options: Sequence[str] = (),
    timeout: float = 120,
) -> Result:
    """Run ``argv`` in a new lab; ``share`` is a folder that it finds at /tmp/share."""
    command = [sys.executable, "-m", "starrylab", "run", *options]
    if root is not None:
        command += ["--rootfs", str(root)]
    if share is not None:
        command += ["--bind", f"{share}:/tmp/share"]
    for variable in env:
        command += ["--env", variable]
    done = subprocess.run(
        [*command, "--", *argv], input=stdin, capture_output=True, timeout=timeout, check=False
    )
    return Result(done.stdout, done.stderr, done.returncode)
