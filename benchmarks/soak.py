"""Soak: tell whether anything grows while programs come and go.

    python benchmarks/soak.py [--minutes 30] [--memory MIB]

One lab in this process runs rounds of a mix: the built-in `stress` (fork, exec, pipes, signals,
kills, files), shell loops with pipes and background jobs, and the C programs of `tests/programs`
(threads, futexes, mmap, ptys, sockets, epoll, timers, locks, FIFOs).  After every round, when
only the first process is left and it sleeps, a census is taken: kernel objects by type, what
each of their tables holds, frames by kind, host descriptors and the host's memory.  The first
rounds fill caches; what has grown since then is a leak, and the exit status is 1.  So it is
when no round ends for long: then the wait graph is printed, and what the kernel did.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

sys.path.insert(0, str(Path(__file__).parents[1]))

from starrylab.debug.waits import look, report  # after the path is set
from starrylab.kernel.dev.kmsg import Record
from starrylab.kernel.vfs.dentry import DirEntry
from starrylab.session.assemble import HostIo, Lab, assemble
from starrylab.session.config import Bind, LabConfig
from starrylab.userland import compile_c

TESTS: Final = Path(__file__).parents[1] / "tests" / "programs"
INIT: Final = Path(__file__).parent / "soak_init.c"
DONE: Final = b"round done"
WARM_UP: Final = 3  #: rounds before the census that the others are compared with

AT_ONCE: Final = 8  #: programs of the tests that run side by side

#: what may differ between two moments of rest, and by how much; nothing else may grow
SLACK: Final = {
    # unicorn's translations grow to 128 MiB before it begins again; freed memory stays with the
    # host's allocator, and guest RAM is touched page by page.
    "host: resident KiB": 140 << 10,
    # The interpreter's own.
    "python: dict": 8,
    "python: list": 8,
    "python: set": 8,
    "python: tuple": 32,
}
#: what is bounded by design and filled slowly: shown, but no leak
BOUNDED: Final = {
    "cache: absent names": "at most 512 a directory",
    "cache: kernel log": "a ring of 128 KiB",
    "cycles found by gc": "of this round",
    "kernel.mm.frames.FrameAllocator._free holds": "hints, no more than there are frames",
    "machine.unicorn.tlb.c_ulong_Array_2": "places of unicorn's stack, at most 64",
    "machine.unicorn.tlb.Tlb._code holds": "no more than there are frames",
    "machine.unicorn.tlb.Tlb._fetchable holds": "no more than there are frames",
    "machine.unicorn.tlb.Tlb._data holds": "no more than there are frames",
    "machine.unicorn.tlb.Tlb._writable holds": "no more than there are frames",
}
BUILTIN: Final = ("list", "dict", "set", "tuple", "function", "cell", "coroutine", "method")
#: tables that hold what `_cache_of` counts
CACHES: Final = ("kernel.dev.kmsg.KernelLog.records", "kernel.vfs.dentry.DirEntry.children",
                 "kernel.vfs.dentry.DirEntry.fast")  # fmt: skip
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
    """A lab whose first process runs one round of work whenever it is told to.

    ``folder`` is what the guest sees as /soak; ``more`` is asked after each round, with the
    number of rounds done, whether another one follows.
    """

    def __init__(
        self,
        folder: Path,
        script: str,
        more: Callable[[int], bool],
        report: Callable[[str], object],
        memory: int = 128 << 20,
    ) -> None:
        self._more = more
        self._report = report
        self.first: dict[str, int] = {}  #: the census after the warm-up
        self.last: dict[str, int] = {}
        self.rounds = 0
        self.errors = bytearray()  #: what the programs of the latest round wrote to standard error
        self._said = b""
        self._started = time.monotonic()
        (folder / "round").write_text(script)
        shutil.copy(compile_c([INIT], "riscv64"), folder / "init")
        reader, self._writer = os.pipe()
        io = HostIo(
            stdin_tty=False,
            stdout_tty=False,
            stderr_tty=False,
            stdin_fd=reader,
            emit_console=self.errors.extend,
            emit=(self._printed, self.errors.extend),
        )
        config = LabConfig(
            binds=(Bind(str(folder), b"/soak"),), argv=(b"/soak/init",), memory=memory
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
        os.write(self._writer, b"!")
        self.lab.run()
        return self.lab.kernel.panic_text

    def _printed(self, data: bytes) -> None:
        self._said = (self._said + data)[-200:]

    def _rest(self) -> None:
        if DONE not in self._said or len(self.lab.kernel.processes) != 1:
            return
        self._said = b""
        self.rounds += 1
        self.last = census(self.lab)
        if self.rounds == WARM_UP:
            self.first = self.last
        self._report(self._line())
        self.errors.clear()
        if self._more(self.rounds):
            os.write(self._writer, b"!")
        else:
            os.close(self._writer)  # the first process reads the end of its input, and ends

    def _line(self) -> str:
        figures = self.last
        rows = differences(self.first, self.last) if self.first else []
        more = "".join(
            f", {name} {after - before:+}" for name, before, after, grown in rows if grown
        )
        return (
            f"{time.monotonic() - self._started:6.0f} s, round {self.rounds}: "
            f"{self.lab.kernel.forks} threads made, {figures['objects']} objects, "
            f"{figures['memory: USER KiB']} KiB user, {figures['memory: PAGE_CACHE KiB']} KiB "
            f"cached, {figures['host: resident KiB'] >> 10} MiB resident{more}"
        )


def census(lab: Lab) -> dict[str, int]:
    """Count everything that a kernel at rest should always have the same number of."""
    cycles = gc.collect()
    everything = gc.get_objects()
    # Extension types need not say in words where they are from.
    ours = [thing for thing in everything if str(type(thing).__module__).startswith("starrylab.")]
    counts: Counter[str] = Counter()
    counts["cycles found by gc"] = cycles
    counts["objects"] = len(ours)
    for thing in ours:
        cls = type(thing)
        name = f"{cls.__module__.removeprefix('starrylab.')}.{cls.__qualname__}"
        cache = _cache_of(thing)
        if cache or name in BOUNDED:
            counts[cache or name] += 1
            counts["objects"] -= 1
            continue
        counts[name] += 1
        for attribute, value in _containers(thing):
            counts[f"{name}.{attribute} holds"] += len(value)
    for table in CACHES:
        del counts[f"{table} holds"]
    for kind, count in Counter(type(thing).__name__ for thing in everything).items():
        if kind in BUILTIN:
            counts[f"python: {kind}"] = count
    for memory, size in lab.kernel.frames.usage().items():
        if memory.name != "FREE":
            counts[f"memory: {memory.name} KiB"] = size >> 10
    counts["host: descriptors"] = len(os.listdir("/proc/self/fd"))
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    counts["host: resident KiB"] = pages * os.sysconf("SC_PAGE_SIZE") >> 10
    return dict(counts)


def _cache_of(thing: object) -> str:
    """Return which cache an object belongs to; "" when it should not outlive its use."""
    if type(thing) is DirEntry and thing.node is None:
        return "cache: absent names"
    return "cache: kernel log" if type(thing) is Record else ""


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
            grown = after - before > SLACK.get(name, 0) and name not in BOUNDED
            rows.append((name, before, after, grown))
    return rows


def round_script(seconds: float, programs: list[str]) -> str:
    """Return one round of work for a shell: `stress`, pipelines, and the C programs."""
    each = (
        "(mkdir -p /tmp/w/{0}; cd /tmp/w/{0}; /soak/{0} one 'two words' </dev/null >/dev/null "
        "2>&1; cd /; rm -rf /tmp/w/{0}) &"
    )
    lines = [f"stress {seconds} 3 $$ >/dev/null", SHELL_WORK]
    # Several at a time: some of the programs sleep for seconds.
    for at in range(0, len(programs), AT_ONCE):
        lines += [*map(each.format, programs[at : at + AT_ONCE]), "wait"]
    return "\n".join(lines) + "\n"


def build_programs(folder: Path) -> list[str]:
    """Put the C programs of the tests into ``folder``; return their names."""
    names = []
    for source in sorted(TESTS.glob("*.c")):
        shutil.copy(compile_c([source], "riscv64"), folder / source.stem)
        names.append(source.stem)
    return names


def main() -> int:
    """Run the soak; return 1 if something grew or broke."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rounds", type=int, help="stop after this many, instead of by time")
    parser.add_argument("--stress", type=float, default=3, help="seconds of `stress` a round")
    parser.add_argument("--memory", type=int, default=128, help="MiB of RAM")
    parser.add_argument("--patience", type=float, default=180, help="seconds for one round")
    args = parser.parse_args()
    end = time.monotonic() + args.minutes * 60

    def more(rounds: int) -> bool:
        if args.rounds is not None:
            return bool(rounds < args.rounds)
        return rounds <= WARM_UP or time.monotonic() < end

    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        folder = Path(scratch)
        script = round_script(args.stress, build_programs(folder))
        soak = Soak(folder, script, more, partial(print, flush=True), args.memory << 20)
        threading.Thread(target=watch, args=(soak, args.patience), daemon=True).start()
        panic = soak.run()
    return verdict(soak, panic)


def watch(soak: Soak, patience: float) -> None:
    """End everything, and say who waits for whom, when no round ends for ``patience`` seconds."""
    rounds, since = soak.rounds, time.monotonic()
    while time.monotonic() - since < patience:
        time.sleep(1)
        if soak.rounds != rounds:
            rounds, since = soak.rounds, time.monotonic()
    print(f"no round ended for {patience:.0f} s", report(look(soak.lab.kernel)), sep="\n")
    print(soak.errors.decode(errors="replace"), flush=True)
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)  # the lab cannot be asked to end: it is what hangs


def verdict(soak: Soak, panic: str | None) -> int:
    """Print what changed and what went wrong; return the exit status."""
    for name, before, after, grown in differences(soak.first, soak.last):
        note = "GREW" if grown else BOUNDED.get(name, "")
        print(f"{name:58} {before:9} {after:9} {after - before:+7}  {note}")
    if panic is not None:
        print(f"kernel panic\n{panic}")
    grown = any(row[3] for row in differences(soak.first, soak.last))
    print(f"{soak.rounds} rounds, {soak.lab.kernel.forks} threads made, "
          f"{'something grew' if grown else 'nothing grew'}")  # fmt: skip
    return int(grown or panic is not None or not soak.last)


if __name__ == "__main__":
    sys.exit(main())
