"""execve(2): replace the program of a process.

The new address space is built completely before anything of the old program is given up,
so that every error leaves the caller as it was.  Scripts (``#!``) are resolved to their
interpreter first; a dynamic program is entered through the interpreter that it names.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from ...abi import elf as elf_abi
from ...abi.arch import ARCHES
from ...abi.errno import (
    E2BIG,
    EACCES,
    EAGAIN,
    EINVAL,
    EIO,
    ELIBBAD,
    ELOOP,
    ENOENT,
    ENOEXEC,
    ENOMEM,
    LinuxError,
)
from ...abi.fanotify import FAN_ACCESS, FAN_CLOSE_NOWRITE
from ...abi.fcntl import MS_NOSUID
from ...abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE
from ...abi.resource import RLIMIT_NPROC, RLIMIT_STACK
from ...abi.stat import S_ISGID, S_ISUID, S_IXGRP
from ...machine.api import EXEC, PAGE_MASK, PAGE_SIZE, WRITE
from ..mm.space import AddressSpace
from ..vfs.node import FileNodeOps
from ..vfs.notify import tell_file
from . import elf
from .auxv import auxv_of, identity
from .exec_files import FIRST_READ, MAX_INTERPRETERS, executable, interpreter_of, open_image
from .exit import release_number
from .futexes import exit_robust_list
from .namespaces import enter_time
from .resources import ACTIONS, FILES, MEMORY
from .timers import delete_posix_timers

if TYPE_CHECKING:
    from ..thread import Thread
    from ..vfs.mount import Location
    from .chosen_loader import ChosenLoader
    from .cred import Credentials

_MAX_ARG_STRING: Final = 32 * PAGE_SIZE
_COMM_SIZE: Final = 15


@dataclass(slots=True)
class _Program:
    """A file that was found fit to be executed, and what to run it with."""

    place: Location
    image: elf.Image
    name: bytes  #: AT_EXECFN
    argv: list[bytes]
    opened: list[Location]  #: in the order in which it is closed


def execve(
    thread: Thread, place: Location, name: bytes, argv: list[bytes], envp: list[bytes]
) -> None:
    """Replace the caller's program by the file at ``place``.

    ``name`` is the path as the caller gave it.  Raises what execve(2) lists; after a return
    the thread's context stands at the new program's first instruction.
    """
    opened: list[Location] = []
    try:
        _execve(thread, _resolve(thread, place, name, argv, opened), envp)
    finally:
        for place in opened:
            tell_file(place, FAN_CLOSE_NOWRITE)


def _execve(thread: Thread, program: _Program, envp: list[bytes]) -> None:
    cred = _new_credentials(thread, program.place)
    loader = thread.kernel.loader
    if loader is not None and loader.serves(program.image):
        space, entry, stack = _load_chosen(thread, loader, program, envp, cred)
    else:
        space, entry, stack = _load_own(thread, program, envp, cred)
    _commit(thread, program, space, cred)
    thread.context.clear(entry, stack)


def _load_own(
    thread: Thread, program: _Program, envp: list[bytes], cred: Credentials
) -> tuple[AddressSpace, int, int]:
    """Return the new address space, the first pc and the stack pointer."""
    space, entry, auxv = _load(thread, program)
    try:
        return space, entry, _build_stack(thread, space, program, envp, auxv, cred)
    except BaseException:
        space.release()
        raise


def _load_chosen(
    thread: Thread, loader: ChosenLoader, program: _Program, envp: list[bytes], cred: Credentials
) -> tuple[AddressSpace, int, int]:
    """Do as `_load_own`, by another loader; it is not told of AT_EXECFN."""
    _check_size(thread, program.argv, envp)
    space = thread.kernel.new_space(thread.process.limits)
    try:
        node = cast("FileNodeOps", program.place.node)
        data = bytes(node.read_at(node.size, 0))
        stack_flags = program.image.executable_stack
        entry, stack = loader.start(thread, space, data, program.argv, envp, cred, stack_flags)
    except BaseException:
        space.release()
        raise
    return space, entry, stack


# -- finding what to run -------------------------------------------------------------


def _resolve(
    thread: Thread, place: Location, name: bytes, argv: list[bytes], opened: list[Location]
) -> _Program:
    script = name
    argv = argv or [b""]  # Linux 5.18: an empty argv becomes {""}
    machine = ARCHES[thread.kernel.arch].elf_machine
    for _ in range(MAX_INTERPRETERS + 1):
        node = open_image(thread, place, opened)
        head = node.read_at(FIRST_READ, 0)
        tell_file(place, FAN_ACCESS)
        if head[:2] != b"#!":
            image = elf.parse(node.read_at, machine, head)
            return _Program(place, image, name, argv, opened)  # a script's own name, as AT_EXECFN
        interpreter, argument = interpreter_of(head)
        argv = [interpreter, *([argument] if argument else []), script, *argv[1:]]
        script = interpreter
        place = thread.fs.walk(interpreter, thread.cred)
    raise ELOOP


# -- mapping -----------------------------------------------------------------------------


def _load(thread: Thread, program: _Program) -> tuple[AddressSpace, int, list[tuple[int, int]]]:
    """Map program and interpreter into a new space; return it, the first pc, and the auxv."""
    kernel = thread.kernel
    image = program.image
    space = kernel.new_space(thread.process.limits)
    try:
        interpreter: tuple[FileNodeOps, elf.Image, Location] | None = None
        if image.interpreter is not None:
            interpreter = _open_interpreter(thread, program)
        bias = 0
        if image.movable:
            bias = (space.layout.dyn_base if interpreter else space.layout.mmap_base_static(
                image.high - image.low)) - image.low  # fmt: skip
        _map_image(space, program.place, image, bias)
        space.set_brk_start(_page_up(image.high + bias))
        entry = image.entry + bias
        base = 0
        if interpreter is not None:
            base = _map_interpreter(space, interpreter[2], interpreter[1])
            entry = interpreter[1].entry + base
        vdso = kernel.vdso.map_into(space)
        space.map_stack(thread.process.limits.soft(RLIMIT_STACK), image.executable_stack)
    except BaseException:
        space.release()
        raise
    headers_at = image.header_addr + bias if image.header_addr else 0
    auxv = auxv_of(kernel, vdso, headers_at, image.header_count, base, image.entry + bias)
    return space, entry, auxv


def _open_interpreter(thread: Thread, program: _Program) -> tuple[FileNodeOps, elf.Image, Location]:
    place = thread.fs.walk(program.image.interpreter or b"", thread.cred)
    node = open_image(thread, place, program.opened)
    tell_file(place, FAN_ACCESS)
    try:
        image = elf.parse(node.read_at, ARCHES[thread.kernel.arch].elf_machine)
    except (ENOEXEC, EINVAL):
        raise ELIBBAD from None
    return node, image, place


def _map_interpreter(space: AddressSpace, place: Location, image: elf.Image) -> int:
    """Map the interpreter where mmap would put it; return its load bias."""
    size = _page_up(image.high) - image.low
    bias = (space.find_gap(size) - image.low) if image.movable else 0
    _map_image(space, place, image, bias)
    return bias


def _map_image(space: AddressSpace, place: Location, image: elf.Image, bias: int) -> None:
    node = cast("FileNodeOps", place.node)
    for segment in image.segments:
        start = (segment.vaddr + bias) & ~PAGE_MASK
        lead = (segment.vaddr + bias) & PAGE_MASK
        file_end = segment.vaddr + bias + segment.file_size
        end = _page_up(segment.vaddr + bias + segment.memory_size)
        flags = MAP_PRIVATE | (MAP_FIXED_NOREPLACE if not image.movable else MAP_FIXED)
        mapped_end = start
        if segment.file_size:
            mapped_end = _page_up(file_end)
            _map_file(space, place, node, start, segment, lead, flags)
        if end > mapped_end:
            space.map(mapped_end, end - mapped_end, segment.prot, flags | MAP_ANONYMOUS)
        tail = mapped_end - file_end
        has_bss = segment.memory_size > segment.file_size > 0
        if has_bss and tail and segment.prot & WRITE:
            space.write(file_end, bytes(tail))  # the rest of the last file page reads as zero


def _map_file(
    space: AddressSpace, place: Location, node: FileNodeOps, start: int, segment: elf.Segment,
    lead: int, flags: int,
) -> None:  # fmt: skip
    source = node.pages
    if source is None:
        raise EACCES
    if segment.offset + segment.file_size > node.size:
        raise EIO  # the file ends before its segment does
    space.map(
        start,
        segment.file_size + lead,
        segment.prot,
        flags,
        source=source,
        offset=segment.offset - lead,
        place=place,
    )


def _page_up(addr: int) -> int:
    return (addr + PAGE_MASK) & ~PAGE_MASK


# -- the first stack --------------------------------------------------------------------


def _build_stack(
    thread: Thread, space: AddressSpace, program: _Program, envp: list[bytes],
    auxv: list[tuple[int, int]], new_cred: Credentials,
) -> int:  # fmt: skip
    """Write strings, vectors and auxv below the stack's top; return the stack pointer.

    The layout is Linux's (fs/binfmt_elf.c, create_elf_tables): from the top the file name,
    environment, arguments, random bytes, then the vectors, 16-byte aligned.
    """
    argv = program.argv
    _check_size(thread, argv, envp)
    top = space.layout.stack_top
    strings = b"".join(text + b"\0" for text in (*argv, *envp, program.name)) + bytes(8)
    base = top - len(strings)
    pointers = []
    addr = base
    for text in (*argv, *envp, program.name):
        pointers.append(addr)
        addr += len(text) + 1
    argc = len(argv)
    random_addr = (base - 16) & ~15
    auxv = [
        *auxv,
        *identity(thread, new_cred),
        (elf_abi.AT_RANDOM, random_addr),
        (elf_abi.AT_EXECFN, pointers[-1]),
        (elf_abi.AT_NULL, 0),
    ]
    words = [
        argc,
        *pointers[:argc],
        0,
        *pointers[argc : argc + len(envp)],
        0,
        *(word for pair in auxv for word in pair),
    ]
    sp = (random_addr - 8 * len(words)) & ~15
    vector = struct.pack(f"<{len(words)}Q", *words)
    block = vector + bytes(random_addr - sp - len(vector)) + thread.kernel.random(16)
    block += bytes(base - sp - len(block)) + strings
    try:
        space.write(sp, block)
    except LinuxError:
        raise E2BIG from None
    space.note_arguments(
        pointers[0], pointers[argc], pointers[argc], pointers[-1],
        struct.pack(f"<{2 * len(auxv)}Q", *(word for pair in auxv for word in pair)),
    )  # fmt: skip
    return sp


def _check_size(thread: Thread, argv: list[bytes], envp: list[bytes]) -> None:
    limit = max(min(thread.process.limits.soft(RLIMIT_STACK), 24 << 20) // 4, 32 * PAGE_SIZE)
    total = sum(len(text) + 9 for text in (*argv, *envp))
    if total > limit or any(len(text) >= _MAX_ARG_STRING for text in (*argv, *envp)):
        raise E2BIG


# -- the point of no return ----------------------------------------------------------------


def _new_credentials(thread: Thread, place: Location) -> Credentials:
    node = place.node
    set_uid = set_gid = None
    if not place.mount.flags & MS_NOSUID:
        if node.mode & S_ISUID:
            set_uid = node.uid
        if node.mode & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP:
            set_gid = node.gid
    if (set_uid is not None or set_gid is not None) and not _trusts(thread.cred, place):
        set_uid = set_gid = None
    return thread.cred.after_exec(set_uid, set_gid)


def _trusts(cred: Credentials, place: Location) -> bool:
    """Tell whether set-id bits count: who mounted it is above, and the ids mean somebody here."""
    mine, owner, node = cred.user_ns, place.mount.fs.user_ns, place.node
    if mine is None:
        return owner is None
    return (
        mine.is_below(owner)
        and mine.uids.inside(node.uid) is not None
        and mine.gids.inside(node.gid) is not None
    )


def _commit(thread: Thread, program: _Program, space: AddressSpace, cred: Credentials) -> None:
    """Give up the old program: other threads, memory, handlers, marked descriptors."""
    kernel, process = thread.kernel, thread.process
    limit = process.limits.soft(RLIMIT_NPROC)
    if cred.uid != 0 and thread.cred.uid != cred.uid and len(kernel.threads) > limit:
        raise EAGAIN
    for other in list(process.threads.values()):
        if other is not thread:
            other.die()
    exit_robust_list(thread)
    kernel.rseqs.pop(thread, None)
    if thread.tid != process.pid:
        _become_leader(thread)
    thread.signals.reset_for_exec()
    if thread.kernel.keyrings is not None:
        thread.kernel.keyrings.leave_behind(thread)
    thread.scope.unshare(ACTIONS).reset_for_exec()
    process.signals.actions = thread.scope.get(ACTIONS)
    if kernel.urings:
        kernel.leave_rings(thread, ends=False)
    thread.scope.unshare(FILES).close_on_exec()
    vfork_done, process.vfork_done = process.vfork_done, None
    if thread.scope.holders(MEMORY) == 1:
        kernel.forget_space(thread.mm)
    process.usage.add_faults(thread.mm)
    thread.scope.set(MEMORY, space)
    thread.bind_resources()
    if thread.attention == 0 or thread.kernel.executor.current is thread:
        kernel.enter(thread)
    if process.nested or not thread.namespaces.plain:
        enter_time(thread)
    if vfork_done is not None:
        vfork_done.wake()
    privileged = cred.euid != thread.cred.uid or cred.egid != thread.cred.gid
    thread.cred = cred
    process.dumpable = 0 if privileged else 1
    process.exe = program.place
    process.execed = True
    process.exit_signal = 17
    delete_posix_timers(process)
    thread.comm = process.comm = program.name.rsplit(b"/", 1)[-1][:_COMM_SIZE]
    thread.robust_list = thread.clear_child_tid = 0
    thread.user_dispatch = None
    if kernel.events.exec is not None:
        kernel.events.exec(thread, program.name, program.argv)


def _become_leader(thread: Thread) -> None:
    """Take over the process's number (execve(2), "multithreaded programs")."""
    kernel, process = thread.kernel, thread.process
    kernel.threads.pop(thread.tid, None)
    process.threads.pop(thread.tid, None)
    release_number(kernel, process, thread.tid)
    thread.tid = process.pid
    process.threads[thread.tid] = thread
    kernel.threads[thread.tid] = thread
    process.leader = thread


__all__ = ["ENOENT", "ENOMEM", "EXEC", "execve"]


__all__ = ["executable", "execve"]
