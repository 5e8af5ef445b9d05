"""Test suites of Debian's own packages, in a lab: bash, ash, busybox, coreutils, perl.

    python tests/suites/packages.py [SUITE[:TEST,...]...] [--limit SECONDS] [--logs FOLDER]

The programs are those that Debian built for riscv64, the tests come from the same packages'
sources.  What fails is compared with `packages_known.toml`, which has a cause for each test that
is known to fail; the exit status is 1 if another one fails, or one that is listed passes.  With
``--on qemu`` the same files run under qemu-user on the host's Linux: the oracle.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from starrylab.userland import compile_c
from tests.oracle import debian, qemu
from tests.suites.sources import packaging, source

ROOT: Final = Path(__file__).resolve().parents[2]
GUEST: Final = Path(__file__).with_name("guest")
KNOWN: Final = Path(__file__).with_name("packages_known.toml")
#: everything that most suites need, in one tree
PACKAGES: Final = (*debian.SYSTEM, "perl", "busybox", "bc")
#: what tests of coreutils look for, and are skipped without
_TOOLS: Final = (
    *("mount", "bsdutils", "libc-bin", "file", "strace", "gcc", "libc6-dev", "python3-minimal"),
    *("libexpect-perl", "acl", "attr", "libcap2-bin", "e2fsprogs", "locales-all", "tzdata"),
)
_WHOLE_S: Final = 4 * 3600
#: the limits of floating-point types, as few digits of each as make it again
_FLOATS: Final = {
    "FLT_MIN": "1.1754944e-38",
    "FLT_MAX": "3.4028235e+38",
    "DBL_MIN": "2.2250738585072014e-308",
    "DBL_MAX": "1.7976931348623157e+308",
    "LDBL_MIN": "3.3621031431120935062626778173217526e-4932",
    "LDBL_MAX": "1.189731495357231765085759326628007e+4932",
}
#: programs that Debian takes from other packages than coreutils
_OTHERS: Final = frozenset(("hostname", "kill", "uptime"))


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """A package's test suite: where its files come from, and how long one test may take."""

    source: str  #: Debian's source package
    prepare: Callable[[Path, Path], None]  #: puts into a folder what the guest finds at /suite
    limit_s: int
    packages: tuple[str, ...] = PACKAGES


def _bash(origin: Path, work: Path) -> None:
    shutil.copytree(origin / "tests", work / "tests")
    _helpers(origin, work / "tests")


def _ash(origin: Path, work: Path) -> None:
    shutil.copytree(origin / "shell" / "ash_test", work / "shell" / "ash_test")
    _config(work)
    (work / "helpers").mkdir()
    _helpers(source("bash"), work / "helpers")


def _busybox(origin: Path, work: Path) -> None:
    shutil.copytree(origin / "testsuite", work / "testsuite")
    shutil.copy(compile_c([origin / "scripts" / "echo.c"], "riscv64"), work / "echo-ne")
    _config(work)


def _coreutils(origin: Path, work: Path) -> None:
    shutil.copytree(origin / "tests", work / "tests")
    shutil.copytree(origin / "src", work / "src")  # a few tests read it
    shutil.copy(origin / "init.cfg", work)
    programs = sorted({page.stem for page in (origin / "man").glob("*.x")} - _OTHERS)
    (work / "programs").write_text("\n".join(programs))
    script = work / "getlimits"  # of coreutils' build: what the C types of this machine hold
    comma = "case $LC_ALL in fr*) tr . , ;; *) cat ;; esac"  # as printf(3) would write numbers
    script.write_text(f"#!/bin/sh\n{comma} <<END\n" + "\n".join(_limits()) + "\nEND\n")
    script.chmod(0o755)


def _limits() -> Iterator[str]:
    """Yield what coreutils' program getlimits prints of riscv64's integers."""
    signed = {
        "CHAR": 8, "SCHAR": 8, "SHRT": 16, "INT": 32, "LONG": 64, "LLONG": 64, "SSIZE": 64,
        "TIME_T": 64, "PID_T": 32, "OFF_T": 64, "INTMAX": 64,
    }  # fmt: skip
    unsigned = {
        "UCHAR": 8, "USHRT": 16, "UINT": 32, "ULONG": 64, "ULLONG": 64, "SIZE": 64, "UID_T": 32,
        "GID_T": 32, "UINTMAX": 64,
    }  # fmt: skip
    for name, bits in {**signed, **unsigned}.items():
        low, high = (
            (-(1 << bits - 1), (1 << bits - 1) - 1) if name in signed else (0, (1 << bits) - 1)
        )
        yield f"{name}_MAX={high}"
        yield f"{name}_OFLOW={high + 1}"
        yield f"{name}_MIN={low}"
        yield f"{name}_UFLOW={low - 1}"
    yield "SIGRTMIN=34"
    yield "SIGRTMAX=64"
    yield "IO_BUFSIZE=262144"
    yield from (f"{name}={value}" for name, value in _FLOATS.items())


def _perl(origin: Path, work: Path) -> None:
    """The tests expect the modules of the source tree; those of the package are the built ones."""
    for part in ("t", "lib", "regen"):
        shutil.copytree(origin / part, work / part)
    shutil.copy(origin / "MANIFEST", work)
    tree = debian.tree("suites", PACKAGES)
    for pattern in ("usr/share/perl/5.*.*", "usr/lib/*/perl/5.*.*", "usr/lib/*/perl-base"):
        for folder in tree.glob(pattern):
            shutil.copytree(folder, work / "lib", dirs_exist_ok=True, symlinks=False)


def _helpers(origin: Path, target: Path) -> None:
    """Compile the small programs of bash's tests, which print their arguments and environment."""
    for name in ("recho", "zecho", "xcase", "printenv"):
        text = (origin / "support" / f"{name}.c").read_text()
        text = re.sub(r'^# *include ("bashansi\.h"|<config\.h>)$', "", text, flags=re.MULTILINE)
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / f"{name}.c"
            program.write_text(
                "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n" + text
            )
            shutil.copy(compile_c([program], "riscv64"), target / name)


def _config(work: Path) -> None:
    """Write the configuration that Debian's busybox was built with."""
    shutil.copy(packaging("busybox") / "config" / "pkg" / "deb", work / "config")


SUITES: Final[Mapping[str, Suite]] = {
    "bash": Suite("bash", _bash, 1800),
    "ash": Suite("busybox", _ash, 1800),
    "busybox": Suite("busybox", _busybox, 3600),
    "coreutils": Suite("coreutils", _coreutils, 300, (*debian.SYSTEM, "perl", *_TOOLS)),
    "perl": Suite("perl", _perl, 600),
}


def run(
    name: str, tests: Sequence[str] = (), *, limit_s: int | None = None, oracle: bool = False
) -> tuple[dict[str, str], str]:
    """Run a suite, or some of its tests; return test -> result, and all that was printed.

    Raises `debian.Unavailable`.
    """
    suite = SUITES[name]
    tree = debian.tree("suites" if suite.packages == PACKAGES else name, suite.packages)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        suite.prepare(source(suite.source), work)
        shutil.copy(GUEST / f"{name}.sh", work / "run.sh")
        environment = {"TESTS": " ".join(tests), "LIMIT": str(limit_s or suite.limit_s)}
        text = (_under_qemu if oracle else _in_a_lab)(tree, work, environment)
    return results(text), text


def _in_a_lab(tree: Path, work: Path, environment: Mapping[str, str]) -> str:
    command = [sys.executable, "-m", "starrylab", "run", "--memory", "1G", "--rootfs", str(tree)]
    command += ["--bind", f"{work}:/suite", "--cwd", "/tmp"]
    for key, value in {**environment, "WORK": "/suite"}.items():
        command += ["--env", f"{key}={value}"]
    with tempfile.TemporaryFile() as output, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*command, "--", "/bin/bash", "/suite/run.sh"], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, timeout=_WHOLE_S, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        output.seek(0)
        return output.read().decode(errors="replace")
    return ""


def _under_qemu(tree: Path, work: Path, environment: Mapping[str, str]) -> str:
    variables = {**environment, "WORK": "/tmp/share"}
    command = ["/bin/bash", "/tmp/share/run.sh"]
    done = qemu.run_tree(tree, command, env=variables, share=work, timeout=_WHOLE_S)
    return (done.stdout + done.stderr).decode(errors="replace")


def results(text: str) -> dict[str, str]:
    """Return test -> pass, fail, skip or timeout from what a guest's script printed."""
    found = re.findall(r"^RESULT (.*?):? (pass|fail|skip|timeout)$", text, re.MULTILINE)
    return dict(found)


def causes(suite: str) -> dict[str, str]:
    """Return pattern -> cause of the tests of a suite that are known to fail."""
    tables = tomllib.loads(KNOWN.read_text())
    return {test: row["cause"] for row in tables.get(suite, []) for test in row["tests"]}


def unexpected(suite: str, found: Mapping[str, str], *, whole: bool) -> list[str]:
    """Return a line for each failure that has no cause, and each cause that has no failure."""
    known = causes(suite)
    failed = {test for test, result in found.items() if result in ("fail", "timeout")}
    lines = [
        f"{suite}: {test}: {found[test]}"
        for test in sorted(failed)
        if not any(fnmatch.fnmatchcase(test, pattern) for pattern in known)
    ]
    lines += [
        f"{suite}: {pattern} is listed as failing, and passes"
        for pattern in known
        if not fnmatch.filter(failed, pattern) and (whole or fnmatch.filter(found, pattern))
    ]
    return lines


def main() -> int:
    """Run what was asked for; print a table and what is unexpected."""
    parser = argparse.ArgumentParser(description="Run the test suites of Debian's packages.")
    parser.add_argument("suites", nargs="*", metavar="SUITE[:TEST,...]", default=list(SUITES))
    parser.add_argument("--limit", type=int, metavar="SECONDS", help="for one test")
    parser.add_argument("--on", choices=["lab", "qemu"], default="lab")
    parser.add_argument("--logs", type=Path, help="keep what each suite printed in this folder")
    arguments = parser.parse_args()
    problems: list[str] = []
    for asked in arguments.suites:
        name, _, tests = asked.partition(":")
        oracle = arguments.on == "qemu"
        found, text = run(
            name, tests.split(",") if tests else (), limit_s=arguments.limit, oracle=oracle
        )
        if arguments.logs:
            arguments.logs.mkdir(parents=True, exist_ok=True)
            (arguments.logs / f"{name}-{arguments.on}").write_text(text)
        counts = Counter(found.values())
        row = ", ".join(f"{counts[word]} {word}" for word in ("pass", "fail", "timeout", "skip"))
        print(f"{name:12} {row}", flush=True)
        problems += unexpected(name, found, whole=not tests)
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
