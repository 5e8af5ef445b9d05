"""Follows the allocators of all programs in a lab, by breakpoints, from their first instruction on.

A call counts where a program makes it: what an allocator's function calls itself (realloc(3) and
malloc(3), ``operator new`` and malloc) belongs to the outermost.  A call is known by its return
address and stack pointer, so one that never returns (an exception, longjmp(3)) is forgotten when
the stack shrinks past it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from ...abi.arch.calling import CALLING
from ...abi.mman import PROT_EXEC
from ...kernel.core.attention import ATTENTION_TRACE
from ...kernel.core.tracing import CodeTracer, Go
from ...machine.api import Break, Stepped, SyscallRegisters, Watch
from ..control.places import Places
from ..peek import Peek
from ..stack import Stacks
from .blocks import Block, Blocks, Stack
from .functions import FUNCTIONS, Function
from .ranges import Ranges

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.mm.space import AddressSpace
    from ...kernel.thread import Thread
    from ..modules import Module

DEPTH: Final = 32  #: frames of a stack that are kept
_PIECE: Final = 4096
#: Functions of a static glibc that release what a thread had kept (malloc/arena.c).
_THREAD_ENDS: Final = frozenset(
    {"__malloc_arena_thread_freeres", "__libc_thread_freeres", "tcache_thread_shutdown"}
)
_RETURN: Final = "return"  #: who owns a breakpoint behind a call


@dataclass(slots=True)
class Heap:
    """What is known of one address space."""

    blocks: Blocks = field(default_factory=Blocks)
    #: Memory that the allocator asked the kernel for; no place to look for pointers.
    arenas: Ranges = field(default_factory=Ranges)
    entries: dict[int, Function] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)  #: modules, by path and bias
    brk: int = 0  #: where the data segment ended last

    def copy(self) -> Heap:
        """Return the same for a forked child."""
        return Heap(
            self.blocks.copy(), self.arenas.copy(), dict(self.entries), set(self.seen), self.brk
        )


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that has not returned."""

    function: Function
    sp: int
    back: int  #: the return address
    arguments: tuple[int, ...]
    stack: Stack
    old: Block | None = None  #: what realloc was given


@dataclass(slots=True)
class _State:
    """What is known of one thread."""

    calls: list[_Call] = field(default_factory=list)
    over: int | None = None  #: the breakpoint whose instruction is to be executed
    is_new: bool = False  #: its program has not run yet


class HeapFollower(CodeTracer):
    """The tracer of a kernel (see `kernel.core.tracing.Tracer`) that watches allocators."""

    def __init__(self, kernel: Kernel, stacks: Stacks | None = None) -> None:
        """Follow every program of ``kernel``; ``RuntimeError`` while a debugger is attached."""
        kernel.attach_tracer(self)
        self.kernel = kernel
        self.stacks = stacks if stacks is not None else Stacks(kernel)
        self.heaps: dict[AddressSpace, Heap] = {}
        self._places = Places(kernel.hart)
        self._threads: WeakKeyDictionary[Thread, _State] = WeakKeyDictionary()
        self._calling = CALLING[kernel.arch]
        events = kernel.events
        events.subscribe("fork", self._forked)
        events.subscribe("exec", self._executed)
        events.subscribe("exit", self._exited)
        events.subscribe("syscall_exit", self._call_left)
        for thread in list(kernel.threads.values()):
            self._executed(thread)

    def _of(self, thread: Thread) -> _State:
        return self._threads.setdefault(thread, _State())

    # -- the tracer

    def before_user(self, thread: Thread) -> Go:
        """See `Tracer.before_user`."""
        state = self._of(thread)
        if state.is_new:
            state.is_new = False
            self._sweep()
            heap = self.heaps[thread.mm] = Heap(brk=thread.mm.brk_end)
            self._find_functions(thread.mm, heap)
        if state.over is not None and thread.context.pc == state.over:
            return Go.STEP
        state.over = None
        thread.attention &= ~ATTENTION_TRACE
        return Go.RUN

    def trapped(self, thread: Thread, trap: Break | Watch | Stepped) -> None:
        """See `Tracer.trapped`."""
        thread.attention |= ATTENTION_TRACE
        state = self._of(thread)
        if not isinstance(trap, Break):
            state.over = None
            return
        state.over = trap.addr
        heap = self.heaps.get(thread.mm)
        if heap is None:
            return
        function = heap.entries.get(trap.addr)
        if function is not None:
            self._enter(thread, state, heap, function)
        else:
            self._leave(thread, state, heap, trap.addr)

    # -- calls of the allocator

    def _registers(self, thread: Thread) -> tuple[tuple[int, ...], int, int]:
        """Return the first arguments, the stack pointer and the return address."""
        data, calling = thread.context.general(), self._calling
        words = struct.unpack(f"<{len(data) // 8}Q", data)
        arguments = tuple(words[at] for at in calling.arguments)
        return arguments, words[calling.stack_pointer], words[calling.return_address]

    def _enter(self, thread: Thread, state: _State, heap: Heap, function: Function) -> None:
        arguments, sp, back = self._registers(thread)
        calls = state.calls
        while calls and calls[-1].sp < sp:
            calls.pop()  # the stack has shrunk past it
        if calls and (calls[-1].sp, calls[-1].back, calls[-1].function) == (sp, back, function):
            if function.releases:
                return  # a signal's handler came in between, and the call is met again
            calls.pop()  # the same, or one that ended with an exception
        if calls:
            calls.append(_Call(function, sp, back, arguments, ()))
        else:
            stack = self.stacks.addresses(thread, DEPTH)
            old = None
            if function.releases and arguments[0]:
                old = heap.blocks.release(
                    arguments[0], function.family, stack, thread.tid,
                    is_own=self._is_own(thread, back),
                )  # fmt: skip
            calls.append(_Call(function, sp, back, arguments, stack, old))
        self._places.add(thread.mm, back, _RETURN)

    def _is_own(self, thread: Thread, back: int) -> bool:
        """Say whether the allocator's own library is the caller.

        glibc keeps released blocks for each thread, and releases them once more when that ends.
        """
        modules, pc = self.stacks.modules(thread.mm), thread.context.pc
        module = modules.find(back)
        if module is None or module is not modules.find(pc):
            return False
        exe = thread.process.exe
        if exe is None or module.path != exe.path().decode(errors="replace"):
            return True
        caller = module.symbols.table.find(back - 1 - module.bias)
        return caller is not None and caller.name in _THREAD_ENDS

    def _leave(self, thread: Thread, state: _State, heap: Heap, addr: int) -> None:
        arguments, sp, _ = self._registers(thread)
        calls = state.calls
        call = None
        while calls and calls[-1].sp <= sp:
            if calls[-1].sp == sp and calls[-1].back != addr:
                break
            call = calls.pop()
        if call is not None and not calls and (call.sp, call.back) == (sp, addr):
            self._returned(thread, heap, call, arguments[0])

    def _returned(self, thread: Thread, heap: Heap, call: _Call, result: int) -> None:
        function = call.function
        if function.size is None:
            return
        if function.stores:
            result = 0 if result else Peek(thread.mm).word(call.arguments[0]) or 0
        size = function.size(call.arguments)
        if result:
            if function.copies:
                size = _string_size(Peek(thread.mm), result)
            block = Block(result, size, function.family, call.stack, thread.tid)
            heap.blocks.add(block)
        elif call.old is not None and size:
            heap.blocks.put_back(call.old)

    # -- programs and libraries

    def _find_functions(self, space: AddressSpace, heap: Heap) -> None:
        """Break in the allocators of modules that are new."""
        for module in self.stacks.modules(space):
            key = module.path, module.bias
            if key not in heap.seen:
                heap.seen.add(key)
                for addr, function in _functions_of(module):
                    heap.entries[addr] = function
                    self._places.add(space, addr, function)

    def _call_left(
        self, thread: Thread, entry: Any, registers: SyscallRegisters, result: int
    ) -> None:
        heap = self.heaps.get(thread.mm)
        if entry is None or heap is None or result < 0:
            return
        inside = bool(self._of(thread).calls)
        if entry.name == "mmap":
            change = heap.arenas.add if inside else heap.arenas.remove
            change(result, result + registers[1])
            if registers[2] & PROT_EXEC:
                self._find_functions(thread.mm, heap)
        elif entry.name == "mremap" and inside:
            heap.arenas.add(result, result + registers[2])
        elif entry.name == "brk":
            if inside and result > heap.brk:
                heap.arenas.add(heap.brk, result)
            heap.brk = result

    # -- processes

    def _forked(self, parent: Thread, child: Thread) -> None:
        heap = self.heaps.get(parent.mm)
        if child.mm is parent.mm or heap is None:
            return
        self.heaps[child.mm] = heap.copy()
        for addr, function in heap.entries.items():
            self._places.add(child.mm, addr, function)
        state = self._of(child)
        state.calls = list(self._of(parent).calls)
        for call in state.calls:
            self._places.add(child.mm, call.back, _RETURN)

    def _executed(self, thread: Thread, *_: object) -> None:
        self._threads[thread] = _State(is_new=True)
        thread.attention |= ATTENTION_TRACE

    def _exited(self, thread: Thread, _status: int) -> None:
        if len(thread.process.threads) == 1 and thread.mm.users == 1:
            self._forget(thread.mm)

    def _sweep(self) -> None:
        """Forget address spaces that execve(2) has left without threads."""
        alive = {thread.mm for thread in self.kernel.threads.values()}
        for space in [space for space in self.heaps if space not in alive]:
            self._forget(space)

    def _forget(self, space: AddressSpace) -> None:
        self._places.forget(space)
        self.heaps.pop(space, None)


def _string_size(peek: Peek, addr: int) -> int:
    """Return the bytes of a string, its end included."""
    size = 0
    while piece := peek.read(addr + size, _PIECE):
        end = piece.find(0)
        if end >= 0:
            return size + end + 1
        size += len(piece)
    return size


def _functions_of(module: Module) -> list[tuple[int, Function]]:
    table = module.symbols.table
    return [
        (symbol.address + module.bias, function)
        for function in FUNCTIONS
        for symbol in table.named(function.name)
        if symbol.address
    ]
