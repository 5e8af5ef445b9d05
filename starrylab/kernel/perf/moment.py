"""What a sample is taken of: a thread, at an instruction of its own or in the kernel."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.arch.perf_registers import PERF_REGISTERS
from ...abi.errno import EFAULT
from ...abi.perf import CONTEXT_KERNEL, CONTEXT_USER
from ...machine.api import PAGE_MASK, PAGE_SHIFT

if TYPE_CHECKING:
    from ..thread import Thread

_WORD: Final = Struct("<Q")
_M64: Final = (1 << 64) - 1


class Moment:
    """One event, as samples tell it; registers are read when somebody wants them."""

    __slots__ = ("_words", "addr", "idle", "ids", "ip", "raw", "thread", "user")

    def __init__(
        self,
        thread: Thread,
        ip: int,
        *,
        user: bool,
        addr: int = 0,
        raw: bytes = b"",
        idle: bool = False,
    ) -> None:
        self.thread = thread
        self.ip = ip
        self.user = user  #: in user mode; else ``ip`` is an address of the kernel
        self.addr = addr  #: of a page fault
        #: whose it is: nobody's while the CPU was idle
        self.ids = (0, 0) if idle else (thread.process.pid, thread.tid)
        self.idle = idle
        self.raw = raw  #: of a tracepoint
        self._words: tuple[int, ...] | None = None

    @property
    def words(self) -> tuple[int, ...]:
        """The user registers, by their words of NT_PRSTATUS."""
        if self._words is None:
            data = self.thread.context.general()
            self._words = tuple(word for (word,) in _WORD.iter_unpack(data))
        return self._words

    def registers(self, mask: int) -> list[int]:
        """Return the registers of a mask of perf's numbers, lowest first."""
        numbered = PERF_REGISTERS[self.thread.kernel.arch].words
        return [self.words[word] for bit, word in enumerate(numbered) if mask >> bit & 1]

    @property
    def sp(self) -> int:
        """The user stack pointer."""
        return self.thread.context.sp

    def stack(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the user stack."""
        size = min(size, max(0, self.thread.mm.user_top - self.sp))
        return self.thread.mm.read_partial(self.sp, size)

    def callchain(self, depth: int, *, kernel: bool, user: bool) -> list[int]:
        """Return the chain of calls, innermost first, each part behind its marker."""
        chain: list[int] = []
        if kernel and not self.user:
            chain += (CONTEXT_KERNEL, self.ip)
            depth -= 1
        if user and not self.idle:
            chain.append(CONTEXT_USER)
            chain += self._user_frames(depth)
        return chain

    def _user_frames(self, depth: int) -> list[int]:
        """Follow the frame pointers (``perf_callchain_user`` of arch/riscv)."""
        layout = PERF_REGISTERS[self.thread.kernel.arch]
        words, mm = self.words, self.thread.mm
        frames = [self.ip if self.user else self.thread.context.pc]
        fp, ra = words[layout.fp], words[layout.ra]
        while fp and not fp & 7 and len(frames) < depth:
            try:
                saved = mm.read_u64(fp + layout.record_ra & _M64)
                caller = mm.read_u64(fp + layout.record_fp & _M64)
            except EFAULT:
                break
            # The first call may not have stored its return address yet, or not at all.
            address, ra = ra or saved, 0
            if not address:
                break
            frames.append(address)
            fp = caller
        return frames

    def physical(self, addr: int) -> int:
        """Return the physical address of a user address; 0 where nothing is mapped."""
        entry = self.thread.mm.table.get(addr >> PAGE_SHIFT, 0)
        return entry & ~PAGE_MASK | addr & PAGE_MASK if entry else 0
