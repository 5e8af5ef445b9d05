"""strace and gdb of the guest, on programs of the guest."""

from __future__ import annotations

import re

from tests.debian.labs import Batch

_PROGRAM = r"""
cat >calls.c <<'END'
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static int depth(int n)
{
    return n ? depth(n - 1) + 1 : 0;
}
int main(void)
{
    int found = depth(3);
    printf("depth %d\n", found);
    fflush(stdout);
    if (!fork()) {
        write(1, "child\n", 6);
        _exit(5);
    }
    int status;
    wait(&status);
    return WEXITSTATUS(status);
}
END
gcc -g -O0 -o calls calls.c
"""


def test_strace_follows_children(batch: Batch) -> None:
    batch.prints(_PROGRAM)
    trace = batch.prints("strace -f -o trace -e trace=write,wait4,exit_group ./calls; cat trace")
    lines = [" ".join(re.sub(r"^\d+ ", "", line).split()) for line in trace.splitlines()]
    assert 'write(1, "depth 3\\n", 8) = 8' in lines
    assert 'write(1, "child\\n", 6) = 6' in lines
    assert "exit_group(5) = ?" in lines
    assert lines.count("+++ exited with 5 +++") == 2
    assert any("--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED" in line for line in lines)
    counted = batch("strace -c -f ./calls")
    assert counted.status == 5
    table = {row.split()[-1]: row.split() for row in counted.stderr.decode().splitlines()}
    assert int(table["wait4"][3]) == 1
    assert int(table["write"][3]) == 2


def test_strace_attaches_to_a_running_program(batch: Batch) -> None:
    script = """
    sh -c 'echo $$; while :; do sleep 0.05; done' >pid &
    until [ -s pid ]; do sleep 0.01; done
    timeout -s INT 2 strace -p $(cat pid) -e trace=wait4 -o attached || :
    kill -0 $! && kill $!; grep -c '^wait4' attached
    """
    assert int(batch.prints(script)) >= 1


def test_gdb_breaks_prints_and_finishes(batch: Batch) -> None:
    batch.prints(_PROGRAM)
    commands = ["break depth if n == 1", "run", "bt", "print n * 100", "finish", "up 2",
                "watch found", "continue", "delete", "continue"]  # fmt: skip
    arguments = " ".join(f"-ex '{command}'" for command in commands)
    shown = batch.prints(f"gdb -nx -batch {arguments} ./calls 2>&1")
    assert "Breakpoint 1, depth (n=1) at calls.c:6" in shown
    assert re.findall(r"^#(\d) .* in (\w+ \(.*\)) at", shown, re.MULTILINE)[:3] == [
        ("1", "depth (n=2)"), ("2", "depth (n=3)"), ("3", "main ()"),
    ]  # fmt: skip
    assert "$1 = 100" in shown
    assert "Value returned is $2 = 1" in shown
    assert "New value = 3" in shown
    assert re.search(r"exited with code 05\]", shown)


def test_gdb_attaches_and_writes_a_core_file(batch: Batch) -> None:
    shown = batch.prints("""
    cat >threads.c <<'END'
#include <pthread.h>
#include <unistd.h>
static void *wait_here(void *p) { return (void *)(long)pause(); }
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_here, NULL);
    write(1, "ready\\n", 6);
    pthread_join(thread, NULL);
}
END
    gcc -g -O0 -o threads threads.c && ./threads >ready & until [ -s ready ]; do sleep 0.1; done
    gdb -nx -batch -p $(pgrep -x threads) -ex 'generate-core-file c.core' >log 2>&1 || cat log
    gdb -nx -batch -c c.core -ex 'thread apply all bt' -ex 'info proc' ./threads 2>&1
    pkill -x threads; wait
    """)
    assert re.search(r"^#\d+ .* in wait_here \(p=0x0\) at threads.c:3$", shown, re.MULTILINE)
    assert re.search(r"^#\d+ .* in main \(\) at threads.c:9$", shown, re.MULTILINE)
    assert "exe = './threads'" in shown
