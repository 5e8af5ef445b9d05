"""CPython's own regression tests, in a lab: Debian's package libpython3.13-testsuite.

    python tests/suites/cpython.py [MODULE...] [--match PATTERN] [--on lab|qemu]
                                   [--limit SECONDS] [--json FILE] [--output FOLDER]

Each module runs in a lab of its own, with a time limit; the root file system is made at the first
use.  What fails is compared with `cpython_known.toml`, which has a cause for each test that is
known to fail.  The exit status is 1 if another one fails, or one that is listed passes.  `--on
qemu` runs the same files under qemu-user: the oracle.  The folder gets each module's output and
records.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.oracle import qemu
from tests.suites import cpython_root
from tests.suites.cpython_known import Known, read_known

GUEST: Final = Path(__file__).with_name("cpython_guest.py")
MEMORY: Final = "1G"
LIMIT_S: Final = 900
ENVIRONMENT: Final = ("HOME=/root", "LANG=C.UTF-8")
RESOURCES: Final = "cpu,subprocess,walltime"  #: of regrtest's -u; the Internet is not among them
#: the guest's own limit comes first: it says where each thread is
GRACE_S: Final = 20


@dataclasses.dataclass(slots=True)
class Outcome:
    """What became of one module."""

    module: str
    seconds: float = 0.0
    status: int = 0  #: regrtest's exit status; 124 at the time limit
    passed: int = 0
    skipped: int = 0
    failed: dict[str, str] = dataclasses.field(default_factory=dict)  #: test -> its last line
    slowest: list[tuple[float, str]] = dataclasses.field(default_factory=list)

    def unlisted(self, known: Sequence[Known]) -> dict[str, str]:
        """Return the failures that have no known cause."""
        return {
            t: why for t, why in self.failed.items() if not any(k.covers(t, why) for k in known)
        }

    def listed_in_vain(self, known: Sequence[Known]) -> list[str]:
        """Return the listed names of this module's tests of which none failed."""
        return [name for k in known for name in k.passing(self.module, self.failed)]


def run_modules(
    modules: Sequence[str], output: Path, *, engine: str = "lab", match: Sequence[str] = (),
    limit_s: float = LIMIT_S,
) -> Outcome:  # fmt: skip
    """Run modules of CPython's tests in one lab; `output` gets NAME.log and NAME.jsonl.

    NAME is the first module's.  Raises `cpython_root.Unavailable`.
    """
    name = modules[0]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, (output / f"{name}.log").open("wb") as log:
        share = Path(folder)
        share.chmod(0o777)
        shutil.copy(GUEST, share)
        command = ["python3", f"/tmp/share/{GUEST.name}", "/tmp/share/records", "-v"]
        command += ["-u", RESOURCES, f"--timeout={limit_s}"]
        command += [part for pattern in match for part in ("-m", pattern)]
        hanging = [test for known in read_known(engine) if known.hang for test in known.tests]
        command += [part for test in hanging for part in ("-i", f"test.{test}")]
        status = _run(_ENGINES[engine](share, [*command, *modules]), log, limit_s + GRACE_S)
        written = share / "records"
        lines = written.read_text().splitlines() if written.exists() else []
    (output / f"{name}.jsonl").write_text("\n".join(lines))
    outcome = judge(name, lines, status)
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome


def judge(module: str, lines: Sequence[str], status: int) -> Outcome:
    """Return what the guest's records say; a test that did not end has failed, and the module
    has if regrtest says so and no test does."""  # fmt: skip
    results: dict[str, str] = {}
    texts: dict[str, str] = {}
    running = ""
    slowest = []
    for line in lines:
        record = json.loads(line)
        running = record.get("start", running)
        if "stop" in record:
            running = ""
            slowest.append((record["seconds"], record["stop"]))
        elif "test" in record and results.get(record["test"]) != "failed":
            results[record["test"]] = record["outcome"]
            texts[record["test"]] = _last(record.get("text", ""))
    outcome = Outcome(module, status=status, slowest=sorted(slowest)[:-6:-1])
    outcome.failed = {t: texts[t] for t, result in results.items() if result == "failed"}
    if running:
        outcome.failed[running] = "did not end"
    if status and not outcome.failed and not _nothing_to_do(results, status):
        outcome.failed[module] = f"ended with {status}"
    count = Counter(results.values())
    outcome.passed, outcome.skipped = count["passed"], count["skipped"]
    return outcome


def _nothing_to_do(results: dict[str, str], status: int) -> bool:
    """Tell whether regrtest says that all was skipped (test.libregrtest.utils)."""
    return status == 4 and "failed" not in results.values()


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def _run(command: Sequence[str], log: object, limit_s: float) -> int:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return 124
    finally:
        process.kill()
        process.wait()


def _lab(share: Path, command: Sequence[str]) -> list[str]:
    root = cpython_root.tree()
    # What Python compiles at an import is kept there for the next lab.
    library = f"{root / cpython_root.LIBRARY}:/{cpython_root.LIBRARY}:rw"
    options = ["--rootfs", str(root), "--memory", MEMORY, "--cwd", "/tmp"]
    options += ["--bind", library, "--bind", f"{share}:/tmp/share:rw"]
    options += [part for pair in ENVIRONMENT for part in ("--env", pair)]
    run = [sys.executable, "-m", "starrylab", "run", *options]
    # Below a shell: the first process of a lab would adopt every orphan.
    return [*run, "--", "/bin/sh", "-c", '"$@"; exit $?', "sh", *command]


def _qemu(share: Path, command: Sequence[str]) -> list[str]:
    environment = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", *ENVIRONMENT, f"STARRYLAB_SHARE={share}"]
    files = cpython_root.tree()
    return ["env", "-i", *environment, *qemu.namespace_command(files, "/tmp"), *command]


_ENGINES: Final = {"lab": _lab, "qemu": _qemu}


def report(outcome: Outcome, known: Sequence[Known]) -> str:
    """Return a line about a module, and one for each failure without a known cause."""
    unlisted = outcome.unlisted(known)
    text = (
        f"{outcome.module:28} {outcome.passed:5} passed {outcome.skipped:4} skipped"
        f" {len(outcome.failed):3} failed ({len(unlisted)} unlisted) {outcome.seconds:7.1f} s"
    )
    return "\n".join([text, *(f"    {test}: {why}" for test, why in unlisted.items())])


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", default=cpython_root.MODULES, metavar="MODULE")
    parser.add_argument("--match", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--on", choices=sorted(_ENGINES), default="lab")
    parser.add_argument("--limit", type=float, default=LIMIT_S, metavar="SECONDS")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    output = args.output or Path(tempfile.mkdtemp(prefix="cpython-tests-"))
    output.mkdir(parents=True, exist_ok=True)
    print(f"logs: {output}", flush=True)
    known, outcomes, bad = read_known(args.on), [], 0
    try:
        cpython_root.tree()
    except cpython_root.Unavailable as error:
        parser.exit(1, f"cpython.py: {error}\n")
    for module in args.modules:
        outcome = run_modules(
            [module], output, engine=args.on, match=args.match, limit_s=args.limit
        )
        outcomes.append(outcome)
        bad += len(outcome.unlisted(known))
        print(report(outcome, known), flush=True)
        if not args.match:
            vain = outcome.listed_in_vain(known)
            bad += len(vain)
            print("".join(f"    {name}: is listed, but passes\n" for name in vain), end="")
    if args.json:
        args.json.write_text(json.dumps([dataclasses.asdict(o) for o in outcomes], indent=1))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
