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
from starrylab.machine.api import INTERRUPT, Trap, UserContext
from starrylab.machine.door import VirtualDoor
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn.hart import UnicornHart


class CountingHart(UnicornHart):
    """Leaves user mode after a number of instructions that `size` tells, each time anew.

    What ends a stay early (a call that waits) ends the count as well.
    """

    def __init__(self, ram: HostRam) -> None:
        self.size: Callable[[], int] = lambda: 20_000
        self.stopped: Callable[[], None] = lambda: None
        super().__init__(ram, no_exit_request=False)

    def run(self, context: UserContext) -> Trap:
        """See `Hart.run`."""
        self._slice = self.size()
        return super().run(context)

    def _tick(self) -> Trap:
        super()._tick()
        self.stopped()
        return INTERRUPT


class Machine:
    """A kernel on unicorn with an exact number of instructions between two stops."""

    def __init__(self, root: Path | None, share: Path, memory: int = 128 << 20) -> None:
        self.hart = CountingHart(HostRam(memory))
        self.kernel: Kernel = boot.build(self.hart, VirtualDoor())
        kernel = self.kernel
        now, pool = kernel.clock.realtime, kernel.pool
        fs: Any = Tmpfs(now, pool) if root is None else OverlayFs(now, pool, HostFolder(root))
        boot.mount_root(kernel, fs)
        boot.mount_at(kernel, b"/prog", OverlayFs(now, pool, HostFolder(share)), b"prog")

    def run(self, argv: list[bytes], env: tuple[bytes, ...] = ()) -> None:
        """Run to the end, or until somebody stops the executor."""
        config = boot.BootConfig(argv, env)
        boot.start(self.kernel, config, lambda _thread: [])
        self.kernel.executor.run()
        assert self.kernel.panic_text is None, self.kernel.panic_text

    def random_stops(
        self, argv: list[bytes], count: int, gap: tuple[int, int], seed: int,
        take: Callable[[Thread], object],
    ) -> int:  # fmt: skip
        """Call ``take`` at ``count`` random places; return how many the program lived for.

        Between two stops lie as many instructions as chance takes from ``gap``.
        """
        chance = random.Random(seed)
        done = 0

        def stopped() -> None:
            nonlocal done
            if done < count:
                take(self.kernel.traps.current())
                done += 1
            if done == count:
                self.kernel.executor.stop()

        self.hart.size, self.hart.stopped = lambda: chance.randint(*gap), stopped
        self.run(argv)
        return done

    def close(self) -> None:
        """Give everything back."""
        self.hart.close()
