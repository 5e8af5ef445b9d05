"""A whole kernel without a CPU: programs are Python generators, time is virtual.

::

    def program(m):
        fd = yield m.call("eventfd2", 0, 0)
        yield m.call("exit_group", 0)

    results = ScriptedBench(Components()).run(program)
"""

from __future__ import annotations

from ...abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE
from ...kernel import boot
from ...kernel.core.component import Components
from ...kernel.fs.tmpfs import Tmpfs
from ...kernel.kernel import Kernel
from ...kernel.thread import Thread
from ...machine.api import READ, WRITE
from ...machine.door import VirtualDoor
from ...machine.scripted import ProgramFunction, ScriptedContext, ScriptedHart, ScriptedRam
from ..recording import follow
from .panics import explain_panics, raise_panic

SCRATCH = 0x10_0000
SCRATCH_SIZE = 256 * 4096
STACK = 0x3000_0000


class ScriptedBench:
    """A kernel with a tmpfs root; ``components`` are those that replace the kernel's own."""

    def __init__(
        self, components: Components | None = None, *, ram: int = 16 << 20, seed: int = 0
    ) -> None:
        self.hart = ScriptedHart(ScriptedRam(ram))
        self.door = VirtualDoor(seed=seed)
        self.kernel: Kernel = boot.build(self.hart, self.door, components)
        explain_panics(self.kernel, programs=False)
        follow(self.kernel)
        boot.mount_root(self.kernel, Tmpfs(self.kernel.clock.realtime, self.kernel.pool))

    def start(self, program: ProgramFunction) -> Thread:
        """Make process 1 running ``program``, with scratch memory and a stack."""
        config = boot.BootConfig([b"init"], is_init=True)
        thread = boot.first_thread(self.kernel, config)
        flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
        thread.mm.map(SCRATCH, SCRATCH_SIZE, READ | WRITE, flags)
        thread.mm.map(STACK - 65536, 65536, READ | WRITE, flags)
        context = thread.context
        assert isinstance(context, ScriptedContext)
        context.scratch = SCRATCH
        context.sp = STACK
        context.pc = self.hart.start(program, context)
        self.kernel.executor.enqueue(thread)
        return thread

    def run(self, program: ProgramFunction) -> list[int]:
        """Run ``program`` as process 1 until it ends; return the results of its calls.

        Raises `KernelPanic`, and ``RuntimeError`` when all wait for ever.
        """
        thread = self.start(program)
        context = thread.context
        assert isinstance(context, ScriptedContext)
        self.kernel.executor.run()
        raise_panic(self.kernel)
        return context.results
