"""Debian's python3: what its own tests do not show, at a prompt and in a virtual environment."""

from __future__ import annotations

from tests.debian.labs import Batch
from tests.host_pty import HostTerminal

_PROGRAM = """
import asyncio, concurrent.futures, multiprocessing, os, signal, sqlite3, subprocess, sys, threading

done = subprocess.run(["sh", "-c", "cat; echo err >&2; exit 3"], input=b"in", capture_output=True)
print(done)
with subprocess.Popen(["sort", "-n"], stdin=-1, stdout=-1, text=True) as sort:
    print(sort.communicate("10\\n9\\n1\\n")[0].split())

total, lock, barrier = 0, threading.Lock(), threading.Barrier(4)
def add():
    global total
    barrier.wait()
    for _ in range(1000):
        with lock:
            total += 1
threads = [threading.Thread(target=add) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(total)
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    print(list(pool.map(len, ["a", "bb", "ccc"])))

async def main():
    async def produce(queue):
        for i in range(3):
            await asyncio.sleep(0.01)
            await queue.put(i)
        await queue.put(None)
    queue = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(produce(queue))
        while (item := await queue.get()) is not None:
            print("got", item)
    child = await asyncio.create_subprocess_exec("echo", "child", stdout=-1)
    print((await child.communicate())[0], child.returncode)
    reader, writer = os.pipe()
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(reader, ready.set)
    loop.add_signal_handler(signal.SIGUSR1, os.write, writer, b"x")
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(ready.wait(), 20)
    print(os.read(reader, 10))
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.01)
    except TimeoutError:
        print("timeout")
    server = await asyncio.start_unix_server(lambda r, w: (w.write(b"served"), w.close()), "s.sock")
    reader, writer = await asyncio.open_unix_connection("s.sock")
    print(await reader.read())
    writer.close(); server.close()
asyncio.run(main())

with sqlite3.connect("py.db") as base:
    base.execute("create table t(n)")
    base.executemany("insert into t values(?)", ((n,) for n in range(100)))
print(sqlite3.connect("py.db").execute("select count(*), sum(n) from t").fetchone())

def square(n): return n * n
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(square, range(5)))
    print(os.cpu_count(), sys.platform, os.uname().machine)
"""

_SHOWN = """\
CompletedProcess(args=['sh', '-c', 'cat; echo err >&2; exit 3'], returncode=3, stdout=b'in', \
stderr=b'err\\n')
['1', '9', '10']
4000
[1, 2, 3]
got 0
got 1
got 2
b'child\\n' 0
b'x'
timeout
b'served'
(100, 4950)
[0, 1, 4, 9, 16]
1 linux riscv64
"""


def test_processes_threads_coroutines_and_data_bases(batch: Batch) -> None:
    (batch.share / "program.py").write_text(_PROGRAM)
    assert batch.prints("mkdir py; cd py; python3 /share/program.py") == _SHOWN


def test_a_virtual_environment_has_its_own_packages(batch: Batch) -> None:
    script = """
    python3 -m venv --without-pip --system-site-packages env
    printf 'def greet(): return "hello"\\n' >env/lib/python3.13/site-packages/greeting.py
    . env/bin/activate; python -c 'import greeting, sys; print(greeting.greet(), sys.prefix)'
    deactivate; python3 -c 'import greeting' 2>&1 | tail -1; readlink env/bin/python3
    """
    assert batch.prints(script).splitlines() == [
        "hello /tmp/env",
        "ModuleNotFoundError: No module named 'greeting'",
        "/usr/bin/python3",
    ]


def test_the_prompt_edits_completes_and_is_interrupted(bash: HostTerminal) -> None:
    bash.start("PYTHON_BASIC_REPL=1 python3 -q")
    bash.see_line(">>>")
    bash.type("import math\r")
    bash.see(">>> import math\n>>>")
    bash.type("math.isqr\t")
    bash.see_line(">>> math.isqrt(")
    bash.type("17)\r")
    bash.see("\n4\n>>>")
    bash.type("while True: pass\r\r")
    bash.see("\n...")
    bash.wait_until(lambda: bash.screen.cursor.x == 0, "the loop")
    bash.type("\x03")
    bash.see("KeyboardInterrupt\n>>>")
    bash.type("\x1b[A\x1b[A\x1b[A\r")  # three lines up: the square root, or the import
    bash.see_line(">>>")
    bash.type("exit()\r")
    bash.see_line("$")


def test_the_new_prompt_colours_and_edits_blocks(bash: HostTerminal) -> None:
    bash.start("python3 -q")
    bash.see_line(">>>")
    bash.type("def twice(n):\rreturn 2 * n\r\r")
    bash.see_line(">>>")
    bash.type("twice(21)\r")
    bash.see("\n42\n>>>")
    bash.type("\x04")
    bash.see_line("$")
