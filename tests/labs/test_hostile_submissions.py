"""Hostile submissions: none gets points for it, and none harms the run or the host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from starrylab.labs import Lab
from starrylab.labs.api import Refused
from starrylab.labs.checking import Checked, GoalFailed, check
from starrylab.labs.compiling import compile_program
from starrylab.labs.running import Runner
from starrylab.labs.sandbox import landlock

RIGHT = "def answer(n):\n    return 2 * n\n"
WRONG = "def answer(n):\n    return None\n"


@pytest.fixture(scope="module")
def runner(small_lab: Lab) -> Iterator[Runner]:
    with closing(Runner(small_lab, grace=0.2)) as made:
        yield made


Points = Callable[[str], int]


@pytest.fixture
def points(small_lab: Lab, runner: Runner, tmp_path: Path) -> Points:
    def checked(source: str) -> int:
        (tmp_path / "answer.py").write_text(source)
        last = list(check(small_lab, tmp_path, seed=3, runner=runner))[-1]
        assert isinstance(last, Checked)
        return last.points

    return checked


def calls(*lines: str) -> str:
    """Return a submission whose answers are right if every call of the C library is refused."""
    body = "".join(f"    {line},\n" for line in lines)
    return f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
call = libc.syscall
results = [
{body}]
def answer(n):
    return 2 * n if all(result == -1 for result in results) else results
"""


#: what must be refused -> how it is tried, with numbers of x86-64
REFUSED = {
    "ending its worker": "call(200, os.getppid(), 0), call(234, os.getppid(), os.getppid(), 0)",
    "signals in other ways": "call(129, os.getppid(), 9, 0), call(424, 3, 0, 0, 0)",
    "a signal by fcntl": "libc.fcntl(0, 8, os.getppid()), libc.fcntl(0, 10, 9)",
    "its worker's limits": "call(302, os.getppid(), 0, 0, ctypes.create_string_buffer(16))",
    "memory that outlives it": "call(29, 0, 1 << 20, 0o1600), call(319, b'x', 0)",
    "its worker's priority": "call(141, 0, os.getppid(), 19), call(203, os.getppid(), 8, b'1' * 8)",
    "the disk's priority": "call(251, 1, 0, 3 << 13)",
    "the host's kernel log": "call(103, 10, None, 0), call(103, 3, b'1' * 9, 9)",
    "the host's clock": "call(227, 0, ctypes.create_string_buffer(16))",
    "the host's name": "libc.sethostname(b'mine', 4)",
    "a device node": "call(133, b'node', 0o20666, 0x103)",
    "permissions": "libc.chmod(b'.', 0), libc.chmod(b'answer.py', 0), call(268, -100, b'.', 0)",
    "times and sizes": "libc.utime(b'answer.py', None), libc.truncate(b'answer.py', 0)",
    "more than its limits": "libc.setrlimit(9, (ctypes.c_uint64 * 2)(1 << 40, 1 << 40))",
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls")
@pytest.mark.parametrize("what", REFUSED)
def test_the_kernel_refuses(points: Points, what: str) -> None:
    assert points(calls(REFUSED[what])) == 100


def test_processes_cannot_be_looked_into(points: Points) -> None:
    names = ("/proc/self/mem", "/proc/self/environ", "/proc/1/environ")
    assert points(calls(*(f"libc.open({name.encode()!r}, 0)" for name in names))) == 100
    assert points(f"open('/proc/self/maps').read()\n{RIGHT}") == 0


def test_the_graders_secrets_are_not_passed_on(
    small_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_SOMETHING", "secret")
    source = (
        "import os\ndef answer(n):\n    return 2 * n if 'secret' not in str(os.environ) else 0\n"
    )
    (tmp_path / "answer.py").write_text(source)
    assert list(check(small_lab, tmp_path, seed=1))[-1] == Checked(100, 100)


def test_what_it_prints_without_end_is_cut(small_lab: Lab, runner: Runner, tmp_path: Path) -> None:
    source = "def answer(n):\n    while True: print('x' * 65536, flush=True)\n"
    (tmp_path / "answer.py").write_text(source)
    failed = [e for e in check(small_lab, tmp_path, runner=runner) if isinstance(e, GoalFailed)]
    assert 0 < len(failed[0].output) <= 1 << 14
    assert "more time" in str(failed[0].hint)


WRITES = [
    "open('more.py', 'w')",
    "os.symlink('/etc/passwd', 'link')",
    "os.remove('answer.py')",
    "os.mkdir('folder')",
    "os.chmod('.', 0)",
]


@pytest.mark.parametrize("way", WRITES)
def test_nothing_can_be_written_and_so_no_disk_be_filled(points: Points, way: str) -> None:
    assert points(f"import os\n{way}\n{RIGHT}") == 0
    tolerant = f"import os\ntry:\n    {way}\nexcept OSError:\n    pass\n{RIGHT}"
    assert points(tolerant) == 100


def test_the_c_library_cannot_write_either(points: Points) -> None:
    tries = (
        "libc.open(b'more.py', 0o101, 0o644)",
        "libc.symlink(b'/etc/passwd', b'link')",
        "libc.unlink(b'answer.py')",
        "libc.mkdir(b'folder', 0o755)",
    )
    assert points(calls(*tries)) == 100


SPY = """
import gc, sys

class Spy:
    seen = []
    def __eq__(self, other):
        Spy.seen.append(other)
        return True
    __hash__ = None

class Numbers:
    def __init__(self, number):
        self.number = number
    def randrange(self, *_):
        return self.number

class Run:
    def __init__(self, number):
        self.random = Numbers(number)
    def __call__(self, scenario, *args):
        return Spy()

def goals():
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()):
            if (goal := getattr(value, "__goal__", None)) is not None:
                yield goal.function
    for thing in gc.get_objects():
        if type(thing).__name__ == "Goal":
            yield thing.function
    frame = sys._getframe()
    while frame:
        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
            if hasattr(value, "__goal__"):
                yield value
        frame = frame.f_back

def answer(n):
    for goal in goals():
        goal(Run(n))
    return Spy.seen[-1] if Spy.seen else None
"""


def test_goals_cannot_be_asked_what_they_want_to_hear(points: Points) -> None:
    assert points(SPY) == 0


FORGE = """
import os, sys, msgspec, struct
from starrylab.labs.worker import Answer
message = msgspec.msgpack.encode(Answer("value", 0))
def forge(*_):
    for fd in range(3, 64):
        try:
            os.write(fd, HEAD + message)
        except OSError:
            pass
"""
#: how a forged report is handed in: none can know the number that is asked for
FORGED = {
    "at once": "forge()\nos._exit(0)\n",
    "with a length": "forge()\nos._exit(0)\n",
    "at the end": "import atexit\natexit.register(forge)\n",
    "in a signal handler": "import signal as s\ns.signal(s.SIGPROF, forge)\nwhile True: pass\n",
    "by another os._exit": "os._exit = forge\n",
    "in the encoder": "import starrylab.labs.worker as w\nw._encode = lambda answer: message\n",
    "on standard output": "print(message, flush=True)\nos.write(1, message)\n",
    "twice": "forge()\nforge()\n",
    "and go on": "forge()\nwhile True: pass\n",
    "without end": "while True: forge()\n",
}


@pytest.mark.parametrize("way", FORGED)
def test_a_forged_report_says_nothing(points: Points, way: str) -> None:
    head = "struct.pack('<I', len(message))" if way == "with a length" else "b''"
    forged = points(FORGE.replace("HEAD", head) + FORGED[way] + WRONG)
    assert forged <= 40  # the goal that asks for 0, which anybody can answer
    assert points(RIGHT) == 100


SOURCES = {
    "a macro": '#define S "SECRET"\n#include S\n',
    "a line in two": '#inc\\\nlude "SECRET"\n',
    "a digraph": '%:include "SECRET"\n',
    "the assembler": 'asm(".inc" "bin \\"SECRET\\"");\nint main(void) { return 0; }\n',
}


@pytest.mark.skipif(not landlock.available(), reason="needs Landlock")
@pytest.mark.parametrize("way", SOURCES)
def test_the_compiler_reads_no_other_files(tmp_path: Path, way: str) -> None:
    secret, own = tmp_path / "secret", tmp_path / "own"
    own.mkdir()
    secret.write_text("int main(void) { return 0; }\n")
    (own / "program.c").write_text(SOURCES[way].replace("SECRET", str(secret)))
    with pytest.raises(Refused) as refused:
        compile_program(own, ("program.c",))
    assert "does not compile" in str(refused.value)


def test_what_a_program_may_take_in(tmp_path: Path) -> None:
    (tmp_path / "own.h").write_text("#define RESULT 3\n")
    source = '#include <stdio.h>\n#include "own.h"\nint main(void) { return RESULT; }\n'
    (tmp_path / "program.c").write_text(source)
    assert compile_program(tmp_path, ("program.c",))[:4] == b"\x7fELF"


def test_a_program_that_does_not_compile_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "program.c").write_text("int main(void) { return x; }\n")
    with pytest.raises(Refused) as refused:
        compile_program(tmp_path, ("program.c",))
    assert str(refused.value).startswith("program.c does not compile: program.c:1:25: error: ")


def test_a_program_that_is_far_too_large_ends_with_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "program.c").write_text("char a[1L << 27] = {1};\nint main(void) { return 0; }\n")
    with pytest.raises(Refused):
        compile_program(tmp_path, ("program.c",))


def test_a_folder_called_as_the_package_is_not_run(
    small_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "starrylab" / "labs").mkdir(parents=True)
    for name in ("__init__.py", "labs/__init__.py", "labs/worker.py"):
        (tmp_path / "starrylab" / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (tmp_path / "answer.py").write_text(RIGHT)
    monkeypatch.chdir(tmp_path)
    assert list(check(small_lab, tmp_path, seed=1))[-1] == Checked(100, 100)
    assert not (tmp_path / "ran").exists()
