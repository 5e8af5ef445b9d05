"""A whole kernel on the scripted machine: programs are generators, time is virtual.

::

    def test_x(lab):
        def program(m):
            fd = yield m.call("eventfd2", 0, 0)
            ...
            yield m.call("exit_group", 0)
        assert lab.run(program) == [3, ...]
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from starrylab.abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE
from starrylab.kernel import boot
from starrylab.kernel.files.file import File
from starrylab.kernel.fs.tmpfs import Tmpfs
from starrylab.kernel.kernel import Kernel
from starrylab.kernel.task.cred import Credentials
from starrylab.kernel.thread import Thread
from starrylab.machine.api import READ, WRITE
from starrylab.machine.door import VirtualDoor
from starrylab.machine.scripted import ProgramFunction, ScriptedContext, ScriptedHart, ScriptedRam

SCRATCH = 0x10_0000
SCRATCH_SIZE = 256 * 4096
STACK = 0x3000_0000


class ScriptedLab:
    """A kernel with a tmpfs root, and one process per `run`."""

    def __init__(self, ram: int = 32 << 20) -> None:
        self.hart = ScriptedHart(ScriptedRam(ram))
        self.door = VirtualDoor()
        self.kernel: Kernel = boot.build(self.hart, self.door)
        boot.mount_root(self.kernel, Tmpfs(self.kernel.clock.realtime, self.kernel.pool))

    def start(
        self,
        program: ProgramFunction,
        *,
        cred: Credentials | None = None,
        files: tuple[File, ...] = (),
    ) -> Thread:
        """Make process 1 running ``program``, with scratch memory and a stack."""
        config = boot.BootConfig([b"init"], cred=cred or Credentials(), is_init=True)
        thread = boot.first_thread(self.kernel, config)
        flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
        thread.mm.map(SCRATCH, SCRATCH_SIZE, READ | WRITE, flags)
        thread.mm.map(STACK - 65536, 65536, READ | WRITE, flags)
        for file in files:
            thread.install(file)
        context = thread.context
        assert isinstance(context, ScriptedContext)
        context.scratch = SCRATCH
        context.sp = STACK
        context.pc = self.hart.start(program, context)
        self.kernel.executor.enqueue(thread)
        return thread

    def run(self, program: ProgramFunction, **options: object) -> list[int]:
        """Run ``program`` as process 1 until it ends; return its system call results."""
        thread = self.start(program, **options)  # type: ignore[arg-type]
        context = thread.context
        self.kernel.executor.run()
        if self.kernel.panic_text is not None:
            pytest.fail(self.kernel.panic_text)
        assert isinstance(context, ScriptedContext)
        return context.results

    @property
    def exit_status(self) -> int | None:
        """wait(2) status of process 1."""
        return self.kernel.exit_status


@pytest.fixture
def lab() -> ScriptedLab:
    return ScriptedLab()


@pytest.fixture
def make_lab() -> Callable[..., ScriptedLab]:
    return ScriptedLab
