"""Soak: does anything grow while programs come and go?

    python benchmarks/soak.py [--minutes 30] [--rootfs DIR]

One lab in this process runs rounds of a mix: the built-in `stress` (fork, exec, pipes, signals,
kills, files), shell loops with pipes and background jobs, and the C programs of `tests/programs`
(threads, futexes, mmap, ptys, sockets, epoll, timers, locks, FIFOs).  After every round, when
only the first process is left and it sleeps, a census is taken: kernel objects by type, what
each of their tables holds, frames by kind, host descriptors and the host's memory.  The first
rounds fill caches; what has grown since then is a leak, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

sys.path.insert(0, str(Path(__file__).parents[1]))

from starrylab.kernel.vfs.dentry import DirEntry  # noqa: E402  # after the path is set
from starrylab.session.assemble import HostIo, Lab, assemble  # noqa: E402
from starrylab.session.config import Bind, LabConfig  # noqa: E402
from starrylab.userland import compile_c  # noqa: E402

TESTS: Final = Path(__file__).parents[1] / "tests" / "programs"
DONE: Final = b"round done"
WARM_UP: Final = 2  #: rounds before the census that the others are compared with

#: what may differ between two moments of rest, and by how much; nothing else may grow
SLACK: Final = {
    # Freed memory stays with the host's allocator, and guest RAM is touched page by page.
    "host: resident KiB": 8192,
    # Names known to be absent are cached, at most 512 a directory.
    "cache: absent names": 512,
    # The interpreter's own.
    "python: dict": 8,
    "python: tuple": 32,
    "python: list": 8,
}
#: figures that are shown but say nothing about leaks
INFORMATION: Final = ("cycles found by gc",)
BUILTIN: Final = ("list", "dict", "set", "tuple", "function", "cell", "coroutine", "method")
CONTAINERS: Final = (list, dict, set, deque, bytearray, WeakValueDictionary, WeakKeyDictionary,
                     WeakSet)  # fmt: skip

SHELL_WORK: Final = """
n=0; while [ $n -lt 10 ]; do
  echo "line $n" | cat | grep line | wc -l >/dev/null
  sleep 0.01 & true & wait
  (cd /tmp; echo $n >soak-file; cat <soak-file >/dev/null; mv soak-file soak-$n; rm soak-$n)
  mkdir -p /tmp/soak/a/b; ln -s a /tmp/soak/l; ls -lR /tmp/soak >/dev/null; rm -r /tmp/soak
  sh -c 'kill -TERM $$'
  sh -c 'sleep 100 & kill $!; wait'
  n=$((n + 1))
done
ps >/dev/null
find /proc >/dev/null
find /sys >/dev/null
cat /proc/meminfo /proc/self/maps /proc/1/status >/dev/null
mkdir -p /mnt; mount -t tmpfs none /mnt; echo hello >/mnt/x; umount /mnt
segv null; segv stack; segv code
"""


class Soak:
    """A lab whose first process is a shell that is fed one round of work at a time."""

    def __init__(
        self,
        config: LabConfig,
        script: str,
        more: Callable[[int], bool],
        report: Callable[[str], object],
    ) -> None:
        self._script = script.encode() + b"\necho " + DONE + b"\n"
        self._more = more
        self._report = report
        self.first: dict[str, int] = {}  #: the census after the warm-up
        self.last: dict[str, int] = {}
        self.rounds = 0
        self.errors = bytearray()  #: what the programs wrote to standard error
        self._said = b""
        reader, self._writer = os.pipe()
        io = HostIo(
            stdin_tty=False,
            stdout_tty=False,
            stderr_tty=False,
            stdin_fd=reader,
            emit_console=self.errors.extend,
            emit=(self._printed, self.errors.extend),
        )
        self.lab: Lab = assemble(config, io)
        executor = self.lab.kernel.executor
        inner = executor.on_idle
        assert inner is not None

        def on_idle(idle: bool) -> None:
            if idle:
                self._rest()
            inner(idle)

        executor.on_idle = on_idle

    def run(self) -> str | None:
        """Run all rounds; return the text of the kernel's panic if there was one."""
        os.write(self._writer, self._script.encode() if False else self._script)
        self.lab.run()
        return self.lab.kernel.panic_text

    def _printed(self, data: bytes) -> None:
        self._said = (self._said + data)[-200:]

    def _rest(self) -> None:
        if DONE not in self._said or len(self.lab.kernel.processes) != 1:
            return
        self._said = b""
        self.rounds += 1
        if self.rounds >= WARM_UP:
            self.last = census(self.lab)
            self.first = self.first or self.last
        self._report(self._line())
        if self._more(self.rounds):
            os.write(self._writer, self._script)
        else:
            os.close(self._writer)  # the shell reads the end of its input, and the lab stops

    def _line(self) -> str:
        kernel, last = self.lab.kernel, self.last
        return (
            f"round {self.rounds}: {kernel.forks} threads made, "
            f"{last.get('objects', 0)} objects, {last.get('python: all objects', 0)} in Python, "
            f"{last.get('host: resident KiB', 0) >> 10} MiB"
        )


def census(lab: Lab) -> dict[str, int]:
    """Count everything that a kernel at rest should always have the same number of."""
    cycles = gc.collect()
    everything = gc.get_objects()
    ours = [thing for thing in everything if type(thing).__module__.startswith("starrylab.")]
    counts: Counter[str] = Counter()
    counts["cycles found by gc"] = cycles
    counts["objects"] = len(ours)
    for thing in ours:
        cls = type(thing)
        name = f"{cls.__module__.removeprefix('starrylab.')}.{cls.__qualname__}"
        if cls is DirEntry and thing.node is None:
            counts["cache: absent names"] += 1
            counts["objects"] -= 1
            continue
        counts[name] += 1
        for attribute, value in _containers(thing):
            counts[f"{name}.{attribute} holds"] += len(value)
    # The dictionaries of names hold the absent ones too, which are counted for themselves.
    for attribute in ("children", "fast"):
        del counts[f"kernel.vfs.dentry.DirEntry.{attribute} holds"]
    for kind, count in Counter(type(thing).__name__ for thing in everything).items():
        if kind in BUILTIN:
            counts[f"python: {kind}"] = count
    counts["python: all objects"] = len(everything) - counts["cache: absent names"]
    for memory, size in lab.kernel.frames.usage().items():
        if memory.name != "FREE":
            counts[f"memory: {memory.name} KiB"] = size >> 10
    counts["host: descriptors"] = len(os.listdir("/proc/self/fd"))
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    counts["host: resident KiB"] = pages * os.sysconf("SC_PAGE_SIZE") >> 10
    return dict(counts)


def _containers(thing: object) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each attribute that holds other things."""
    names = list(getattr(thing, "__dict__", ()))
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    for name in names:
        value = getattr(thing, name, None)
        if isinstance(value, CONTAINERS):
            yield name, value


def differences(first: dict[str, int], last: dict[str, int]) -> list[tuple[str, int, int, bool]]:
    """Return (what, before, after, whether it is a leak) of what is not the same."""
    rows = []
    for name in sorted(first.keys() | last.keys()):
        before, after = first.get(name, 0), last.get(name, 0)
        if before != after:
            grown = after - before > SLACK.get(name, 0) and name not in INFORMATION
            rows.append((name, before, after, grown))
    return rows


def round_script(seconds: float, programs: Path | None, repeat: int = 1) -> str:
    """Return one round of work for a POSIX shell with the built-in programs."""
    lines = [f"stress {seconds} 3 $$"]
    lines += [SHELL_WORK] * repeat
    if programs is not None:
        lines += [
            f"mkdir -p /tmp/w; cd /tmp/w; {programs_in_guest}/{name.name} one 'two words' "
            "</dev/null >/dev/null; cd /; rm -rf /tmp/w"
            for programs_in_guest in ["/soak"]
            for name in sorted(programs.iterdir())
        ]
    return "\n".join(lines)


def build_programs(folder: Path) -> None:
    """Put the C programs of the tests into ``folder``."""
    for source in sorted(TESTS.glob("*.c")):
        program = folder / source.stem
        program.write_bytes(compile_c([source], "riscv64").read_bytes())
        program.chmod(0o755)


def main() -> int:
    """Run the soak; return 1 if something grew or broke."""
    import tempfile

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--memory", type=int, default=128, help="MiB of RAM")
    parser.add_argument("--no-programs", action="store_true", help="built-in programs only")
    args = parser.parse_args()
    end = time.monotonic() + args.minutes * 60
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        folder = Path(scratch)
        if not args.no_programs:
            build_programs(folder)
        config = LabConfig(
            binds=(Bind(scratch, b"/soak"),), argv=(b"sh",), memory=args.memory << 20
        )
        soak = Soak(
            config,
            round_script(3, None if args.no_programs else folder),
            lambda rounds: rounds <= WARM_UP or time.monotonic() < end,
            lambda text: print(f"{time.strftime('%H:%M:%S')} {text}", flush=True),
        )
        panic = soak.run()
    return verdict(soak, panic)


def verdict(soak: Soak, panic: str | None) -> int:
    """Print what changed and what went wrong; return the exit status."""
    for name, before, after, grown in differences(soak.first, soak.last):
        print(f"{'GREW' if grown else '    '} {name:60} {before:9} {after:9} {after - before:+9}")
    if panic is not None:
        print(f"kernel panic\n{panic}")
    grown = any(row[3] for row in differences(soak.first, soak.last))
    print(f"{soak.rounds} rounds, {soak.lab.kernel.forks} threads made, "
          f"{'something grew' if grown else 'nothing grew'}")  # fmt: skip
    return int(grown or panic is not None or not soak.last)


if __name__ == "__main__":
    sys.exit(main())
