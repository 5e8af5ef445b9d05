"""liburing's own tests in the lab: python tests/suites/liburing.py [NAME...] [--limit SECONDS].

The source is Debian's, fetched and checked by apt; each test is built statically for riscv64 and
run in a folder of its own.  A test ends with 0 (passed) or 77 (skipped: something is absent).
`known` says which of the others fail, and why; the exit status is 1 when another one does.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

if __package__ in (None, ""):  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests import guest
from tests.suites.sources import source

COMPILER: Final = "riscv64-linux-gnu-gcc"
BATCH: Final = Path(__file__).parent / "guest" / "batch.c"
_FLAGS: Final = (
    "-D_GNU_SOURCE", "-D__SANE_USERSPACE_TYPES__", "-D_LARGEFILE_SOURCE",
    "-D_FILE_OFFSET_BITS=64", "-DLIBURING_BUILD_TEST", "-O1", "-w", "-static",
)  # fmt: skip
_INTERNET: Final = re.compile(r"AF_INET|t_create_socket_pair")
_ROW: Final = re.compile(r"^=== (\S+) (\S+)$", re.MULTILINE)

#: why other tests than those of AF_INET fail
KNOWN: Final = {
    "min-timeout-wait": "wants to be woken within a millisecond or two",
    "poll-mshot-update": "a million completions: hangs on a slow Linux too",
    "poll-many": "half a million polls, which take minutes",
    "poll-race-mshot": "takes longer than its time, on a slow Linux too",
    "poll-v-poll": "opens a file that is not there, on Linux too",
    "sq-poll-kthread": "wants procps' ps",
    "wq-aff": "wants two CPUs",
    "xfail_register_buffers_out_of_scope": "waits for ever without a sanitizer, on Linux too",
}


def known(name: str) -> str | None:
    """Return why a test fails, if it is known to."""
    text = (source("liburing") / "test" / f"{name}.c").read_text(errors="replace")
    return KNOWN.get(name) or ("AF_INET is not there" if _INTERNET.search(text) else None)


def names() -> list[str]:
    """Return all tests."""
    folder = source("liburing") / "test"
    return sorted(path.stem for path in folder.glob("*.c") if path.stem != "helpers")


def build(wanted: Sequence[str], folder: Path) -> None:
    """Build the library, tests, and the program that runs them; `CalledProcessError`."""
    root = source("liburing")
    if not (root / "src" / "liburing.a").exists():
        _run(["./configure", f"--cc={COMPILER}"], root)
        _run(["make", "-C", "src", "liburing.a"], root)
    test = root / "test"
    include = ("-I../src/include", "-include", "../config-host.h")
    _run([COMPILER, "-O1", "-static", str(BATCH), "-o", str(folder / "batch")], test)
    for name in wanted:
        _run(
            [COMPILER, *_FLAGS, *include, f"{name}.c", "helpers.c", "../src/liburing.a",
             "-lpthread", "-o", str(folder / name)],
            test,
        )  # fmt: skip


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def run(wanted: Sequence[str], folder: Path, limit: int) -> Iterator[tuple[str, str]]:
    """Yield name and result of tests that were built in ``folder``: one lab for all."""
    todo = list(wanted)
    while todo:
        done = guest.run(
            ["/tmp/share/batch", str(limit), "/tmp/share", *todo],
            share=folder, options=["--cwd", "/tmp", "--memory", "1G"],
            timeout=(limit + 10) * len(todo) + 60,
        )  # fmt: skip
        rows = _ROW.findall(done.stdout.decode(errors="replace"))
        yield from rows
        seen = {name for name, _ in rows}
        rest = [name for name in todo if name not in seen]
        if rest:
            yield rest[0], "the lab ended"
        todo = rest[1:]


def main() -> int:
    """Run the tests that the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--limit", type=int, default=60, help="seconds of one test")
    options = parser.parse_args()
    wanted = options.names or names()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        build(wanted, Path(folder))
        for name, result in run(wanted, Path(folder), options.limit):
            why = None if result in ("0", "77") else known(name)
            wrong += why is None and result not in ("0", "77")
            print(f"{name:40} {result:8} {why or ''}", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
