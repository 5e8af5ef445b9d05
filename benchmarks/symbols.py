"""Symbol lookups beside llvm-symbolizer's: time and memory of a first and of a warm answer.

Every number is a whole process, from its start to its end, the best of several runs; `answer` is
the time to the first byte of output, after which our process may still write its index. Both tools
read the same files: Debian's debug file of Python as it comes (compressed), the same decompressed,
a C++ library, and a C library.

    python benchmarks/symbols.py [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from starrylab.debug.symbols import ElfImage  # noqa: E402
from tests.debug.symbols.test_oracle import LARGE  # noqa: E402
from tests.oracle import debian, symbolizers  # noqa: E402

RUNS = 5
MANY = 500  #: addresses of a long log


class Measured(NamedTuple):
    """One run of one tool."""

    answer: float  #: seconds to the first byte
    total: float  #: seconds to the end
    cpu: float  #: seconds of the processor, user and system
    peak: int  #: KiB of memory, at most


def run(command: list[str], addresses: list[int], env: dict[str, str]) -> Measured:
    """Give addresses to a filter and measure it."""
    data = "".join(f"{address:#x}\n" for address in addresses).encode()
    read, write = os.pipe()
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=write, stderr=subprocess.DEVNULL, env=env
    )
    os.close(write)
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.close()
    seen = b""
    answer = 0.0
    while chunk := os.read(read, 1 << 20):
        seen += chunk
        # We echo the line first: the answer is what stands below it.
        if not answer and seen.count(b"\n") > 1:
            answer = time.perf_counter() - started
    os.close(read)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(answer, time.perf_counter() - started, cpu, usage.ru_maxrss)


def best(runs: list[Measured]) -> Measured:
    """Return the least of each column."""
    return Measured(*(min(column) for column in zip(*runs, strict=True)))


def files(folder: Path) -> dict[str, Path]:
    """Return the files to look into."""
    found = {}
    for name, (packages, inside) in LARGE.items():
        root = debian.tree(name, packages)
        path = (root / inside).resolve()
        build_id = ElfImage.open(path).build_id.hex()
        separate = root / "usr/lib/debug/.build-id" / build_id[:2] / f"{build_id[2:]}.debug"
        found[name] = separate if separate.exists() else path
    objcopy = shutil.which("riscv64-linux-gnu-objcopy")
    if objcopy:
        plain = folder / "python.plain"
        subprocess.run([objcopy, "--decompress-debug-sections", found["python"], plain], check=True)
        found["python, decompressed"] = plain
    return found


def measure(name: str, path: Path, folder: Path) -> dict[str, object]:
    """Measure both tools on one file."""
    text = ElfImage.open(path).section_table[".text"]
    chance = random.Random(name)
    many = [text.address + chance.randrange(text.size) for _ in range(MANY)]
    llvm = [symbolizers.symbolizer(), "-e", str(path)]
    ours = [sys.executable, "-m", "starrylab", "symbolize", str(path)]
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "pyc"), "PYTHONPATH": str(ROOT)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    run(ours, many[:1], {**env, "STARRYLAB_CACHE": str(folder / "scratch")})  # compiles us
    first, warm, theirs = [], [], []
    for index in range(RUNS):
        env["STARRYLAB_CACHE"] = str(folder / f"cache-{path.name}-{index}")
        first.append(run(ours, many[:1], env))
        warm.append(run(ours, many[:1], env))
        theirs.append(run(llvm, many[:1], env))
    log = [run(ours, many, env), run(ours, many, env), run(llvm, many, env)]
    rows = {
        "llvm": best(theirs), "first": best(first), "warm": best(warm),
        f"{MANY} first": log[0], f"{MANY} warm": log[1], f"{MANY} llvm": log[2],
    }  # fmt: skip
    return {
        "file": name,
        "megabytes": round(path.stat().st_size / 1e6, 1),
        **{key: row._asdict() for key, row in rows.items()},
        "first/llvm": round(rows["first"].answer / rows["llvm"].answer, 2),
        "warm/llvm": round(rows["warm"].answer / rows["llvm"].answer, 2),
    }


def show(found: dict[str, object]) -> None:
    """Print one file's numbers."""
    print(f"{found['file']} ({found['megabytes']} MB)")
    for key, row in found.items():
        if isinstance(row, dict):
            print(
                f"  {key:12} answer {row['answer'] * 1e3:7.0f} ms   "
                f"end {row['total'] * 1e3:7.0f} ms   cpu {row['cpu'] * 1e3:7.0f} ms   "
                f"peak {row['peak'] >> 10:4} MiB"
            )
    print(f"  a first answer takes {found['first/llvm']} of llvm-symbolizer's time, ", end="")
    print(f"a warm one {found['warm/llvm']}")


def main() -> None:
    """Measure every file and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, path in files(folder).items():
            found = measure(title, path, folder)
            if args.json:
                print(json.dumps({**found, "host": platform.machine()}))
            else:
                show(found)


if __name__ == "__main__":
    main()
