"""Compare user stacks with gdb-multiarch's at random stops; more programs and stops than the tests.

    .venv/bin/python benchmarks/stacks.py [STOPS [NAME ...]]

Prints one line a program: stacks that agree, frames in them, how many of these are inlined
functions or signal frames, the time our side took for one stack, and every difference.
Programs whose compiler is missing here (GCC for riscv64; Rust from Debian) are left out.

Not counted as differences: gdb's tail-call frames, which it concludes from call sites (no frame of
theirs is on the stack); stops before the loader has its list of libraries, without which gdb knows
no symbols there; code without call frame information, in which gdb 13 gets lost and we do not.
What may be left: another name of two for one address (memcmp, __memcmpeq), and the line where a
row only repeats the line before it (gdb drops such rows if it has seen a discriminator).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from starrylab.userland import BuildError
from tests.debug.unwind.comparing import compare
from tests.debug.unwind.programs import GCC, GNU, GXX, LIBRARIES, PROGRAMS, Program, build, rust
from tests.oracle import debian


def programs() -> list[Program]:
    """Return what can be built here."""
    found = list(PROGRAMS)
    if shutil.which(GCC) and shutil.which(GXX):
        found += GNU
    try:
        found.append(rust())
    except debian.Unavailable as error:
        print(f"no Rust: {error}")
    return found


def main() -> None:
    """Compare and print."""
    stops = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    wanted = sys.argv[2:]
    root = debian.tree("c++", ("libc6", "libc6-dbg", *LIBRARIES[1:]))
    for program in programs():
        if not wanted or program.name in wanted:
            _one(program, stops, root)


def _one(program: Program, stops: int, root: Path) -> None:
    try:
        executable = build(program)
    except BuildError as error:
        print(f"{program.name:<22} not built: {error}")
        return
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = compare(
            executable, program.arguments, stops, Path(folder),
            root=root if program.dynamic else None, gap=program.gap,
        )  # fmt: skip
    per_stack = result.seconds / (result.stacks + result.early) * 1e3
    compared = result.stacks - result.beyond
    print(
        f"{program.name:<22} {result.same:>4} of {compared} agree, {result.frames} frames "
        f"({result.inlined} inlined, {result.signals} signal), {per_stack:.2f} ms a stack, "
        f"{time.monotonic() - started:.1f} s"
        + f"; gdb has no list of libraries yet: {result.early}" * bool(result.early)
        + f"; gdb gets lost without call frame information: {result.beyond}" * bool(result.beyond)
    )
    for difference in result.differences:
        print(difference)


if __name__ == "__main__":
    main()
