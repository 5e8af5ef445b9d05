"""stress-ng's stressors in the lab: ``python tests/suites/stress.py [NAME...] [--seconds 10]``.

Each stressor runs in a lab of its own, unmodified, from Debian trixie's riscv64 package, with
``--verify`` (it checks what the kernel did).  The table says for each: passed, skipped (stress-ng
itself says that something is absent), failed, or hung.  What is known to be absent is named in
`ABSENT` with its cause; one of that list that passes is reported too, so the list stays true.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.oracle import debian

ROOT: Final = Path(__file__).resolve().parents[2]

#: what of Debian the stressors need
PACKAGES: Final = ("stress-ng", "dash", "coreutils")

#: the stressors of each class that are run
CLASSES: Final = {
    "cpu": "cpu atomic branch bsearch context crypt fma fp longjmp matrix nop opcode qsort stack",
    "vm": "vm brk bigheap malloc memthrash mlock stackmmap vm-addr vm-rw vm-segv vm-splice vma",
    "fork": "fork clone daemon exec exit-group forkheavy mmapfork spawn vfork vforkmany",
    "wait": "wait zombie kill switch yield schedmix schedpolicy affinity nice",
    "pipe": "pipe fifo ring-pipe splice tee oom-pipe pipeherd",
    "futex": "futex mutex pthread membarrier rseq race-sched",
    "mmap": "mmap mmapaddr mmapcow mmapfiles mmapfixed mmapmany mremap madvise mincore mprotect"
    " msync munmap remap mseal memfd shm shm-sysv fault userfaultfd",
    "signal": "signal sigabrt sigbus sigchld sigfd sigfpe sighup sigill signest sigpending sigpipe"
    " sigq sigrt sigsegv sigsuspend sigtrap sigurg sigvtalrm sigxcpu sigxfsz bad-altstack alarm",
    "timer": "timer timerfd itimer nanosleep min-nanosleep clock hrtimers sleep time-warp vdso",
    "file": "io hdd iomix rename link symlink dir dirdeep dirmany filename chmod chown chdir flock"
    " lockf locka lockofd lockmix fcntl seek open close dup access acl copy-file fallocate fiemap"
    " fpunch fsize fstat full getdent file-ioctl inode-flags lease metamix mknod null zero pseek"
    " readahead revio sendfile statmount sync-file tmpfs touch tree umask unlink urandom utime"
    " xattr dentry dnotify inotify fanotify chroot procfs sysfs dev aio aiol io-uring",
    "event": "poll epoll eventfd sem sem-sysv mq msg pidfd pty sockpair sock sockabuse sockfd",
    "system": "sysinfo get set prctl personality ptrace rlimit resources session kcmp klog"
    " loadavg getrandom bad-ioctl cap env enosys sysinval sysbadaddr sysinval syscall usersyscall"
    " seccomp key landlock unshare numa ioprio sigio handle quota reboot",
}

#: what cannot pass, and why
ABSENT: Final[dict[str, str]] = {
    "fiemap": "FS_IOC_FIEMAP: files here have no extents on a disk",
    "fpunch": "expects FALLOC_FL_ZERO_RANGE without looking whether it worked; tmpfs has none",
    "quota": "no file system here has quotas",
    "sigurg": "needs TCP; the lab has sockets of one machine only",
    "sock": "needs TCP; the lab has sockets of one machine only",
    "sockabuse": "needs TCP; the lab has sockets of one machine only",
    "tmpfs": "looks for a tmpfs outside /dev, and the tree has none",
    "usersyscall": "expects the number of a blocked call as its result, as on x86",
}

#: stressors that refuse to run as root
UNPRIVILEGED: Final = ("exec", "spawn")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one stressor; ``seconds`` is of the host's clock."""

    name: str
    state: str  #: passed, skipped, failed or hung
    detail: str  #: one line
    text: str  #: all that was printed


def root() -> Path:
    """Return a root tree with stress-ng; raises `debian.Unavailable`."""
    return debian.tree("stress", PACKAGES)


def run(names: Sequence[str], seconds: int, tree: Path, *, grace: int = 60) -> Outcome:
    """Run stressors side by side for ``seconds`` in a lab; they may take ``grace`` more."""
    name = names[0]
    command = [sys.executable, "-m", "starrylab", "run", "--memory", "1G", "--rootfs", str(tree)]
    command += ["--cwd", "/tmp", *(["--user", "65534:65534"] if name in UNPRIVILEGED else [])]
    command += ["--", "stress-ng", "--timeout", str(seconds)]
    command += [word for name in names for word in (f"--{name}", "1")]
    command += ["--verify", "--metrics-brief", "--no-rand-seed", "--pathological"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=seconds + grace, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as hung:
        return Outcome(name, "hung", f"no end {grace} s after its time", _text(hung.stdout))
    return judge(name, done.returncode, _text(done.stdout))


def judge(name: str, status: int, text: str) -> Outcome:
    """Say from a lab's exit status and output what became of the stressor."""
    counts = {
        word: int(count) for word, count in re.findall(r"(passed|skipped|failed): (\d+)", text)
    }
    if status == 0 and counts.get("passed"):
        if "finished prematurely" in text:  # it found nothing to do
            return Outcome(name, "skipped", _reason(text), text)
        found = re.search(rf"metrc: \[\d+\] {re.escape(name)} +(\d+) +([\d.]+)", text)
        detail = f"{found[1]} operations in {found[2]} s" if found else ""
        return Outcome(name, "passed", detail, text)
    state = "skipped" if counts.get("skipped") and not counts.get("failed") else "failed"
    return Outcome(name, state, _reason(text) or f"exit status {status}", text)


def _reason(text: str) -> str:
    """Return the line that says why: the first failure, error or "skipping"."""
    lines = re.findall(r"^stress-ng: (?:fail|error|warn|info): +\[\d+\] (.*)", text, re.MULTILINE)
    telling = [line for line in lines if re.search(r"skipp|fail|error|unimpl|cannot", line)]
    telling = [line for line in telling if not re.match(r"(skipped|failed|passed): ", line)]
    other = [line for line in text.splitlines() if not line.startswith("stress-ng: ")]
    return next(iter([*telling, *other]), "")


def _text(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace")


def chosen(names: Sequence[str]) -> Iterator[str]:
    """Yield the stressors of names and classes; of all classes where there are none."""
    for name in names or CLASSES:
        yield from CLASSES[name].split() if name in CLASSES and not _both(name, names) else [name]


def _both(name: str, names: Sequence[str]) -> bool:
    """A class that has a stressor of its own name: alone it means the class."""
    return len(names) > 1 and name in CLASSES[name].split()


def main() -> int:
    """Run what was asked for; the exit status is the number of unexpected outcomes."""
    parser = argparse.ArgumentParser(description="Run stress-ng's stressors in the lab.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="stressors or classes")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1, help="labs at a time")
    parser.add_argument("--logs", type=Path, help="keep what each printed in this folder")
    arguments = parser.parse_args()
    tree = root()
    unexpected = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        names = dict.fromkeys(chosen(arguments.names))
        for outcome in pool.map(lambda name: run([name], arguments.seconds, tree), names):
            unexpected += not report(outcome)
            if arguments.logs:
                arguments.logs.mkdir(parents=True, exist_ok=True)
                (arguments.logs / outcome.name).write_text(outcome.text)
    return min(unexpected, 125)


def report(outcome: Outcome) -> bool:
    """Print an outcome's row; return whether it is as expected."""
    expected = (outcome.state == "passed") != (outcome.name in ABSENT)
    detail = ABSENT.get(outcome.name) or outcome.detail
    note = "" if expected else "  <-- unexpected"
    sys.stdout.write(f"{outcome.name:16} {outcome.state:8} {detail}{note}\n")
    sys.stdout.flush()
    return expected


if __name__ == "__main__":
    sys.exit(main())
