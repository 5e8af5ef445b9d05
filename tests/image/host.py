"""Programs of the host that read what we write."""

import os
import shutil
import subprocess

import pytest


def run(*command: object, **env: str) -> str:
    """Run a program and return what it says; fail if it does, skip if it is not there."""
    path = shutil.which(str(command[0]), path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{command[0]} is not installed")
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        [path, *map(str, command[1:])],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
