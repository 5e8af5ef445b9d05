"""Stops a program at random places and compares its stacks with gdb's."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starrylab.debug.core_file import write_core
from starrylab.debug.stack import Frame, FrameKind, Stacks
from starrylab.kernel.thread import Thread
from tests.oracle import gdb

from .stops import Machine

#: gdb's "tail call" frames are guesses from call sites: no frame of theirs is on the stack.
_GUESSES = ("tail call",)
#: stubs without a symbol: gdb gives them the name of the stub before
_INDIRECT = ("memcpy@plt", "libc_memcpy_ifunc@plt")


@dataclass
class Comparison:
    """How many stacks agree, and how those that do not differ."""

    stacks: int = 0  #: compared; more than one a stop where there are threads
    same: int = 0
    early: int = 0  #: before the loader has its list of libraries, which gdb needs
    beyond: int = 0  #: gdb stopped half-way, for want of call frame information
    frames: int = 0
    inlined: int = 0
    signals: int = 0
    seconds: float = 0.0  #: our side of it
    differences: list[str] = field(default_factory=list)


def compare(
    executable: Path, argv: Sequence[bytes], count: int, folder: Path, *, root: Path | None = None,
    seed: int = 1, gap: tuple[int, int] = (1, 30_000),
) -> Comparison:  # fmt: skip
    """Stop ``executable`` at ``count`` random places; return how its stacks compare."""
    ours: list[dict[int, list[Frame]]] = []
    cores: list[Path] = []
    result = Comparison()
    machine = Machine(root, executable.parent)
    stacks = Stacks(machine.kernel)

    def take(thread: Thread) -> None:
        core = folder / f"core.{len(cores)}"
        with core.open("wb") as file:
            write_core(thread.process, file, current=thread)
        cores.append(core)
        started = time.perf_counter()
        mine = {each.tid: stacks.user(each) for each in thread.process.threads.values()}
        result.seconds += time.perf_counter() - started
        ours.append(mine)

    program = b"/prog/" + executable.name.encode()
    done = machine.random_stops([program, *argv], count, gap, seed, take)
    machine.close()
    assert done == count, f"the program ended after {done} stops"
    theirs = gdb.stacks(executable, cores, folder, root=root)
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        assert mine.keys() == other.keys()
        for tid, frames in mine.items():
            _count(result, frames, other[tid], number, root)
    for core in cores:
        core.unlink()
    return result


def _count(
    result: Comparison, mine: list[Frame], other: gdb.GdbStack, number: int, root: Path | None
) -> None:
    if root is not None and not other.libraries:
        result.early += 1
        return
    result.stacks += 1
    left, right = [_ours(frame) for frame in mine], _theirs(other)
    common = _common(left, right)
    if len(left) == len(right) == common:
        result.same += 1
        result.frames += len(mine)
        result.inlined += sum(frame.kind is FrameKind.INLINED for frame in mine)
        result.signals += sum(frame.kind is FrameKind.SIGNAL for frame in mine)
        return
    # gdb leaves out the frame itself whose rules lead nowhere (glibc's _dl_runtime_resolve).
    if (
        any(frame.how == "instructions" for frame in mine[: common + 1])
        and len(right) <= common + 1
    ):
        result.beyond += 1
        return
    lines = [f"stop {number}: {other.error}"]
    for index in range(max(len(left), len(right))):
        a = left[index] if index < len(left) else ""
        b = right[index] if index < len(right) else ""
        mark = "  " if a == b else "! "
        lines.append(f"{mark}{a}" if a == b else f"{mark}{a}\n     gdb: {b}")
    result.differences.append("\n".join(lines))


def _common(left: list[str], right: list[str]) -> int:
    """Return how many frames agree before the first that do not."""
    pairs = zip(left, right, strict=False)
    return next(
        (i for i, pair in enumerate(pairs) if not _agree(*pair)), min(len(left), len(right))
    )


def _agree(ours: str, theirs: str) -> bool:
    """Tell whether two lines mean the same.

    gdb 13 cannot demangle the newest C++ names; a line that no source line precedes has only
    a file here, and nothing there; and gdb calls a stub for an indirect function by the name of
    the stub before it.
    """
    if ours == theirs or (ours.endswith(":0") and ours.rpartition(" ")[0] == theirs):
        return True
    words, others = ours.split(), theirs.split()
    if len(words) != len(others):
        return False
    pairs = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
    if pairs == [(words[-1], others[-1])] and words[-1].endswith("@plt"):
        return others[-1].endswith("@plt") and words[-1] in _INDIRECT
    return all(b.startswith("ZN") and re.search(rf"\d_*{re.escape(a)}", b) for a, b in pairs)


def _ours(frame: Frame) -> str:
    if frame.kind is FrameKind.SIGNAL:
        return f"{frame.pc:#x} signal"
    inlined = " inlined" if frame.kind is FrameKind.INLINED else ""
    where = f"{Path(frame.file).name}:{frame.line}" if frame.file else ""
    return f"{frame.pc:#x}{inlined} {plain(frame.function)} {where}".rstrip()


def _theirs(stack: gdb.GdbStack) -> list[str]:
    found = []
    for frame in stack.frames:
        if frame.kind in _GUESSES:
            continue
        if frame.kind == "signal":
            found.append(f"{frame.pc:#x} signal")
            continue
        if frame.pc == 0 and found:
            break  # gdb shows the zero that ends the stack as a frame
        inlined = " inlined" if frame.kind == "inlined" else ""
        where = f"{Path(frame.file).name}:{frame.line}" if frame.file else ""
        found.append(f"{frame.pc:#x}{inlined} {plain(frame.function)} {where}".rstrip())
    return found


def plain(name: str) -> str:
    """Return a function's own name: without parameters, template arguments, result, scope."""
    name = re.sub(r"\[clone [^]]*\]|\[abi:\w+\]|\(anonymous namespace\)|\{lambda[^}]*\}", "L", name)
    name = re.sub(r"\{\{?closure(#\d+)?\}\}?", "closure", name)
    name = re.sub(r"operator ?(\(\)|<<|>>|<=>|->\*?|[<>]=?)", "operator", name)
    before = None
    while before != name:
        before, name = name, re.sub(r"<[^<>()]*>|\([^<>()]*\)", "", name.replace("->", ""))
    name = re.sub(r" const$|&+$", "", name.strip()).split(" ")[-1]
    name = re.sub(r"(\.(part|isra|constprop|cold|\d+))+(L|$)", "", name)
    # Zig's namespaces have dots; gdb calls C functions by their linker's name, if it differs.
    return name.split("::")[-1].split(".")[-1].lstrip("_").removeprefix("GI_").lstrip("_")
