"""Real programs under a debugger: built with debug information, in a lab of this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from starrylab.debug.control.api import Stop
from starrylab.debug.control.debugger import Debugger
from starrylab.session.assemble import HostIo, Lab, assemble
from starrylab.session.config import Bind, LabConfig
from starrylab.userland import compile_c

PROGRAMS = Path(__file__).parent / "programs"
DEBUG = ("-g", "-O0", "-Wno-unused-parameter")


def line_of(text: str, source: str = "steps.c") -> int:
    """Return the line of a program that holds ``text``."""
    lines = (PROGRAMS / source).read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)


class Bench:
    """A lab with one program, its debugger, and what it prints."""

    def __init__(self, program: Path, *argv: str, stdin: bytes = b"") -> None:
        self.output = bytearray()
        reading, writing = os.pipe()
        os.write(writing, stdin)
        os.close(writing)
        self._stdin = reading
        io = HostIo(
            emit_console=self.output.extend,
            emit=(self._take, self._take),
            may_pause=True, stdin_tty=False, stdout_tty=False, stderr_tty=False, stdin_fd=reading,
        )  # fmt: skip
        config = LabConfig(
            binds=(Bind(str(program), b"/tmp/prog", "ro"),),
            argv=(b"/tmp/prog", *(word.encode() for word in argv)),
            memory=64 << 20,
        )
        self.lab: Lab = assemble(config, io)
        self.kernel = self.lab.kernel
        self.debugger = Debugger(self.kernel)
        self.debugger.stop_at_start()

    def _take(self, data: bytes) -> int:
        self.output += data
        return len(data)

    @property
    def thread(self):
        return self.kernel.init.leader

    def line(self) -> int:
        """Return the source line where the thread that stopped is."""
        thread = self.kernel.threads[self.debugger.stop.tid]
        return self.debugger.code.locations(thread.mm, thread.context.pc)[0].line

    def function(self) -> str:
        thread = self.kernel.threads[self.debugger.stop.tid]
        return self.debugger.code.locations(thread.mm, thread.context.pc)[0].function

    def symbol(self, name: str) -> int:
        """Return the address of a variable."""
        module = next(iter(self.debugger.stacks.modules(self.thread.mm)))
        with open(module.image.path, "rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            return table.get_symbol_by_name(name)[0]["st_value"] + module.bias

    def go(self) -> Stop | None:
        """Continue to the next stop; None at the end."""
        self.debugger.resume()
        return self.debugger.run()

    def step(self, kind, **options) -> Stop | None:
        self.debugger.step(self.debugger.stop.tid, kind, **options)
        return self.debugger.run()

    def close(self) -> None:
        self.lab.finish_output()
        self.lab.hart.close()
        self.lab.door.close()
        os.close(self._stdin)


@pytest.fixture
def debug(tmp_path) -> Iterator[Callable[..., Bench]]:
    made = []

    def start(source: str, *argv: str, flags=DEBUG, stdin: bytes = b"") -> Bench:
        program = compile_c([PROGRAMS / source], "riscv64", flags=flags)
        bench = Bench(program, *argv, stdin=stdin)
        made.append(bench)
        return bench

    yield start
    for bench in made:
        bench.close()
