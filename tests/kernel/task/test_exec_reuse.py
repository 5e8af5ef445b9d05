"""A program that is started again is neither translated nor read again."""

from __future__ import annotations

import subprocess
import sys

#: Runs `starrylab run` and tells at each execve how much was translated and loaded before it.
DRIVER = """
import ctypes, sys
from unicorn.unicorn_const import UC_HOOK_EDGE_GENERATED
from starrylab.cli import main
from starrylab.kernel import boot
from starrylab.kernel.vfs.page_store import PageStore
from starrylab.machine.unicorn.engine import Engine

blocks = loads = 0

@ctypes.CFUNCTYPE(None, ctypes.c_uint8, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
def translated(*_):
    global blocks
    blocks += 1

def set_up(engine, before=Engine._set_up):
    before(engine)
    engine.hook(UC_HOOK_EDGE_GENERATED, translated)

def load(*arguments, before=PageStore._load):
    global loads
    loads += 1
    return before(*arguments)

def build(*arguments, before=boot.build):
    kernel = before(*arguments)
    kernel.events.exec = lambda *_: print(blocks, loads, file=sys.stderr)
    return kernel

Engine._set_up, PageStore._load, boot.build = set_up, load, build
sys.exit(main(["run", "--", "/bin/sh", "-c", sys.argv[1]]))
"""


def test_the_second_start_is_free() -> None:
    script = "for i in 1 2 3 4 5 6; do /bin/sh -c 'echo $i' > /dev/null; done; /bin/sh -c :"
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, script], capture_output=True, text=True, timeout=120,
        check=True,
    )  # fmt: skip
    counts = [tuple(map(int, line.split())) for line in done.stderr.splitlines()]
    assert len(counts) == 8
    blocks, loads = zip(*counts, strict=True)
    assert blocks[1] - blocks[0] > 500  # the first shell
    assert loads[-1] == loads[3]
    assert blocks[-1] - blocks[3] < (blocks[1] - blocks[0]) / 20
