"""A trace of system calls, one line each, in the manner of strace(1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..abi.errno import BY_NUMBER
from ..kernel.syscalls import declared

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from ..kernel.syscalls import Entry
    from ..kernel.thread import Thread

_SHOWN: Final = 32  #: bytes of a string that are printed

#: filter word -> handler modules whose calls it means
_CLASSES: Final[dict[str, frozenset[str]]] = {
    "file": frozenset({"path", "stat", "open", "directory", "xattr", "mount"}),
    "desc": frozenset({"fd", "io", "poll", "epoll", "pipe", "event", "splice"}),
    "process": frozenset({"process", "wait", "ids"}),
    "signal": frozenset({"signal"}),
    "memory": frozenset({"memory", "shm"}),
}


class FilterError(Exception):
    """A filter names something that is no system call."""


class Filter:
    """Which calls to print: names and classes; a leading ``!`` takes away."""

    def __init__(self, text: str) -> None:
        known = declared()
        wanted: set[str] | None = None
        unwanted: set[str] = set()
        for word in text.split(","):
            name = word.lstrip("!")
            if name == "all":
                continue
            names = self._names(name)
            if not names and name not in known:
                raise FilterError(
                    f"{name} is no system call; give names, or {', '.join(_CLASSES)}, all"
                )
            if word.startswith("!"):
                unwanted |= names or {name}
            else:
                wanted = (wanted or set()) | (names or {name})
        self._wanted = wanted
        self._unwanted = unwanted

    @staticmethod
    def _names(word: str) -> set[str]:
        modules = _CLASSES.get(word, frozenset())
        return {
            name
            for name, entry in declared().items()
            if entry.function.__module__.rpartition(".")[2] in modules
        }

    def __contains__(self, name: str) -> bool:
        return name not in self._unwanted and (self._wanted is None or name in self._wanted)


class Strace:
    """Prints calls as they end; a call that waits is printed when it begins as well."""

    def __init__(self, kernel: Kernel, text: str, emit: Callable[[str], object]) -> None:
        self._filter = Filter(text)
        self._emit = emit
        self._begun: dict[int, str] = {}
        kernel.events.subscribe("syscall_enter", self._enter)
        kernel.events.subscribe("syscall_exit", self._exit)
        kernel.events.subscribe("signal", self._signal)

    def _enter(self, thread: Thread, entry: Entry | None, registers: tuple[int, ...]) -> None:
        name = entry.name if entry is not None else f"syscall_{registers[7]}"
        if name not in self._filter:
            return
        # Formatted now: the call may change the memory that its arguments point to.
        self._begun[thread.tid] = f"{name}({', '.join(_arguments(thread, entry, registers))})"
        if name in ("exit", "exit_group", "execve"):
            self._emit(f"[{thread.tid}] {self._begun[thread.tid]}\r\n")

    def _exit(
        self, thread: Thread, entry: Entry | None, registers: tuple[int, ...], result: int
    ) -> None:
        begun = self._begun.pop(thread.tid, None)
        if begun is None:
            return
        text = str(result)
        if -4096 < result < 0:
            error = BY_NUMBER.get(-result)
            text = f"-1 {error()}" if error is not None else text
        elif result > 0xFFFF:
            text = hex(result)
        self._emit(f"[{thread.tid}] {begun} = {text}\r\n")

    def _signal(self, thread: Thread, info: Any) -> None:
        self._emit(f"[{thread.tid}] --- signal {info.signo} ---\r\n")


def _arguments(thread: Thread, entry: Entry | None, registers: tuple[int, ...]) -> list[str]:
    if entry is None:
        return [hex(value) for value in registers[:6]]
    shown = []
    for (name, ctype), value in zip(entry.args, registers, strict=False):
        signed = value - (1 << 64) if value >> 63 else value
        narrow = (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
        if ctype.show == "path":
            shown.append(_string(thread, value))
        elif ctype.show == "fd":
            shown.append("AT_FDCWD" if narrow == -100 else str(narrow))
        elif ctype.show == "oct":
            shown.append(f"0{value & 0xFFFFFFFF:o}")
        elif ctype.show == "dec":
            shown.append(str(signed))
        elif name == "buf" and entry.name in ("write", "pwrite64"):
            shown.append(_data(thread, value, registers[2]))
        else:
            shown.append(hex(value) if value else "NULL" if ctype.show == "hex" else "0")
    return shown


def _string(thread: Thread, addr: int) -> str:
    data = thread.mm.read_partial(addr, 256).split(b"\0", 1)[0]
    return _quoted(data) if data or addr else "NULL"


def _data(thread: Thread, addr: int, size: int) -> str:
    data = thread.mm.read_partial(addr, min(size, _SHOWN))
    return _quoted(data) + ("..." if size > _SHOWN else "")


def _quoted(data: bytes) -> str:
    text = repr(data)[2:-1].replace('"', '\\"').replace("\\'", "'")
    return f'"{text}"'
