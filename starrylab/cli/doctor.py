"""`starrylab doctor`: what this host offers, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

_NAME: Final = re.compile(r"[\w.-]+")
_FULL_SPEED: Final = ("x86_64", "aarch64")
_MEMORY: Final = 512 << 20


class Finding(NamedTuple):
    """One line of the report."""

    state: str  #: "ok", "slow" (works, with a fall-back) or "missing"
    what: str
    advice: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `doctor`: none."""


def main(_args: argparse.Namespace) -> int:
    """Print the report; exit status 1 when something is missing."""
    found = [*_python(), *_packages(), *_machine(), *_compiler(), *_terminal(), *_tools()]
    marks = {"ok": "ok     ", "slow": "slow   ", "missing": "MISSING"}
    for finding in found:
        print(f"{marks[finding.state]} {finding.what}")
        if finding.advice:
            print(f"        {finding.advice}")
    return int(any(finding.state == "missing" for finding in found))


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        "ok" if good else "missing",
        f"Python {version}",
        "" if good else "install Python 3.11, 3.12 or 3.13 and make the environment anew",
    )


def packages() -> list[str]:
    """Return the packages that the project declares to need at run time.

    Raises `importlib.metadata.PackageNotFoundError` where it runs without being installed.
    """
    declared = importlib.metadata.requires("starrylab") or []
    found = (_NAME.match(line) for line in declared if "extra ==" not in line)
    return [match[0] for match in found if match is not None]


def _packages() -> Iterator[Finding]:
    try:
        names = packages()
    except importlib.metadata.PackageNotFoundError:
        yield Finding("missing", "starrylab", "it is not installed here: make run")
        return
    for name in names:
        try:
            yield Finding("ok", f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding("missing", name, f"python -m pip install {name}")


def _machine() -> Iterator[Finding]:
    system, cpu = platform.system(), platform.machine()
    if system == "Linux" and cpu in _FULL_SPEED:
        yield Finding("ok", f"{system} on {cpu}")
    else:
        yield Finding(
            "slow", f"{system} on {cpu}", "full speed is known on Linux with x86-64 or aarch64"
        )
    try:
        from ..machine.ram import HostRam
        from ..machine.unicorn.hart import UnicornHart

        hart = UnicornHart(HostRam(16 << 20))
    except (ImportError, OSError) as error:
        yield Finding("missing", f"the CPU does not start: {error}", "pip install unicorn==2.1.4")
        return
    report = hart.report()
    hart.close()
    version = ".".join(map(str, report.version))
    advice = "this release's private layout is not known; install unicorn==2.1.4 for full speed"
    for state, what in (
        (report.window, "registers are used in place"),
        (report.no_exit_request, "asynchronous stops are exact"),
        (report.exact_faults, "fault addresses are exact"),
        (report.ticker == "native", f"ticks come from: {report.ticker}"),
        (report.counter != "trap", "programs read the time by themselves"),
    ):
        if state:
            yield Finding("ok", f"unicorn {version}: {what}")
        else:
            yield Finding("slow", f"unicorn {version}: a substitute serves where {what}", advice)


def _compiler() -> Iterator[Finding]:
    from ..userland import BuildError, cache_folder, compiler_version

    try:
        yield Finding("ok", f"C compiler for programs: {compiler_version()}")
    except BuildError as error:
        yield Finding("missing", "C compiler for programs", str(error))
    folder = cache_folder()
    free = shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free
    state = "ok" if free > _MEMORY else "missing"
    yield Finding(
        state,
        f"cache folder {folder}, {free >> 20} MiB free",
        "" if state == "ok" else "make room there, or set XDG_CACHE_HOME",
    )


def _terminal() -> Iterator[Finding]:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Finding("ok", "no terminal here: `starrylab run` works, the console needs one")
        return
    size = os.get_terminal_size()
    enough = size.columns >= 80 and size.lines >= 24
    yield Finding(
        "ok" if enough else "slow",
        f"terminal {os.environ.get('TERM', '?')}, {size.columns} x {size.lines}",
        "" if enough else "the console is laid out for 80 x 24 or more",
    )


def _tools() -> Iterator[Finding]:
    for program, package, purpose in (
        ("qemu-riscv64-static", "qemu-user-static", "comparing programs and speed with qemu"),
        ("gdb-multiarch", "gdb-multiarch", "debugging guest programs with gdb"),
        ("mke2fs", "e2fsprogs", "root partitions of SD cards"),
    ):
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
            yield Finding("ok", f"{program}, for {purpose}")
        else:
            yield Finding("ok", f"{program} is not installed (only for {purpose})",
                          f"apt install {package}")  # fmt: skip
