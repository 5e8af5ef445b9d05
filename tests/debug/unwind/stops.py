"""Run a program in this process and stop it after a random number of instructions."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starrylab.kernel import boot
from starrylab.kernel.fs.hostfs_access import HostFolder
from starrylab.kernel.fs.overlay import OverlayFs
from starrylab.kernel.fs.tmpfs import Tmpfs
from starrylab.kernel.kernel import Kernel
from starrylab.kernel.thread import Thread
from starrylab.machine.door import VirtualDoor
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn.hart import UnicornHart


class Machine:
    """A kernel on unicorn with an exact number of instructions between two stops."""

    def __init__(self, root: Path | None, share: Path, memory: int = 128 << 20) -> None:
        self.hart = UnicornHart(HostRam(memory), no_exit_request=False)
        self.kernel: Kernel = boot.build(self.hart, VirtualDoor())
        kernel = self.kernel
        now, pool = kernel.clock.realtime, kernel.pool
        fs: Any = Tmpfs(now, pool) if root is None else OverlayFs(now, pool, HostFolder(root))
        boot.mount_root(kernel, fs)
        if root is None:
            boot._make_folders(kernel) if hasattr(boot, "_make_folders") else None
        boot.mount_at(kernel, b"/prog", OverlayFs(now, pool, HostFolder(share)), b"prog")
        self.size: Callable[[], int] = lambda: 20_000
        self.stopped: Callable[[Thread], None] = lambda _thread: None
        self._wrap()

    def _wrap(self) -> None:
        hart = self.hart
        start = hart._start

        def run(handle: int, pc: int, begin: int, until: int, _count: int) -> int:
            error = start(handle, pc, begin, until, self.size())
            interesting = not (hart._left or hart._redirected or hart._tlb.refused)
            if error == 0 and interesting and hart._exception < 0 and hart._tlb.crash is None:
                self.stopped(self.kernel.traps.current())
                hart._interrupted = True
            return error

        hart._start = run

    def run(self, argv: list[bytes], env: tuple[bytes, ...] = ()) -> int:
        """Run to the end; return the wait status of the program."""
        config = boot.BootConfig(argv, env, is_init=False)
        boot.start(self.kernel, config, lambda _thread: [])
        self.kernel.executor.run()
        assert self.kernel.panic_text is None, self.kernel.panic_text
        status = self.kernel.exit_status
        assert status is not None
        return status


def random_stops(
    machine: Machine, argv: list[bytes], seed: int, gap: tuple[int, int],
    take: Callable[[Thread], bool],
) -> int:  # fmt: skip
    """Stop every so many instructions (chosen from ``gap``) and call ``take`` while it wants more.

    The program runs on at full speed after the last stop; returns its wait status.
    """
    chance = random.Random(seed)
    wanted = True

    def size() -> int:
        return chance.randint(*gap) if wanted else 1_000_000

    def stopped(thread: Thread) -> None:
        nonlocal wanted
        if wanted:
            wanted = take(thread)

    machine.size, machine.stopped = size, stopped
    return machine.run(argv)
