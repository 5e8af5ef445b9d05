"""A trace of system calls, one line each, in the manner of strace(1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..abi import signal as sig
from ..abi.errno import BY_NUMBER
from ..kernel.syscalls import declared

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from ..kernel.signal.info import SignalInfo
    from ..kernel.syscalls import Entry
    from ..kernel.thread import Thread

_SHOWN: Final = 32  #: bytes of a string that are printed
_ENDS: Final = ("exit", "exit_group")  #: have no result

#: filter word -> handler modules whose calls it means
_FAMILIES: Final[dict[str, frozenset[str]]] = {
    "creds": frozenset({"credentials", "prctl"}),
    "ipc": frozenset({"shm", "futex"}),
    "memory": frozenset({"memory", "shm"}),
    "network": frozenset({"message", "socketpair"}),
    "process": frozenset({"process", "wait", "ids"}),
    "signal": frozenset({"signal"}),
    "time": frozenset({"time", "timer"}),
}
#: filter word -> how an argument of the calls it means is shown
_KINDS: Final = {"file": "path", "desc": "fd"}


class FilterError(Exception):
    """A filter names something that is no system call."""


class Filter:
    """Which calls to print: names and classes; a leading ``!`` takes away."""

    def __init__(self, text: str) -> None:
        wanted: set[str] | None = None
        unwanted: set[str] = set()
        for word in text.split(","):
            name = word.lstrip("!")
            if word == "all":
                continue
            if word.startswith("!"):
                unwanted |= _named(name)
            else:
                wanted = (wanted or set()) | _named(name)
        self._wanted = wanted
        self._unwanted = unwanted

    def __contains__(self, name: str) -> bool:
        return name not in self._unwanted and (self._wanted is None or name in self._wanted)


def _named(word: str) -> set[str]:
    """Return the calls that ``word`` means; raise `FilterError` if there are none."""
    known = declared()
    if word == "all":
        return set(known)
    if word in known:
        return {word}
    if word in _KINDS:
        kind = _KINDS[word]
        return {n for n, entry in known.items() if any(c.show == kind for _, c in entry.args)}
    modules = _FAMILIES.get(word)
    if modules is None:
        classes = ", ".join(sorted([*_KINDS, *_FAMILIES]))
        raise FilterError(f"{word or 'nothing'} is no system call; give names, or {classes}, all")
    return {n for n, e in known.items() if e.function.__module__.rpartition(".")[2] in modules}


class Strace:
    """Prints each call once, when it has ended; one that never ends with its thread's end."""

    def __init__(self, kernel: Kernel, text: str, emit: Callable[[str], object]) -> None:
        self._filter = Filter(text)
        self._emit = emit
        self._begun: dict[int, str] = {}
        events = kernel.events
        events.subscribe("syscall_enter", self._enter)
        events.subscribe("syscall_exit", self._exit)
        events.subscribe("signal", self._signal)
        events.subscribe("exit", self._ended)

    def _print(self, thread: Thread, text: str) -> None:
        self._emit(f"[{thread.tid}] {text}\r\n")

    def _enter(self, thread: Thread, entry: Entry | None, registers: tuple[int, ...]) -> None:
        name = entry.name if entry is not None else f"syscall_{registers[7]}"
        if name not in self._filter:
            return
        # Formatted now: the call may change the memory that its arguments point to.
        text = f"{name}({', '.join(_arguments(thread, entry, registers))})"
        if name in _ENDS:
            self._print(thread, f"{text} = ?")
        else:
            self._begun[thread.tid] = text

    def _exit(
        self, thread: Thread, entry: Entry | None, registers: tuple[int, ...], result: int
    ) -> None:
        begun = self._begun.pop(thread.tid, None)
        if begun is not None:
            self._print(thread, f"{begun} = {_result(result)}")

    def _signal(self, thread: Thread, info: SignalInfo) -> None:
        self._print(thread, f"--- {sig.name(info.signo)} ---")

    def _ended(self, thread: Thread, status: int) -> None:
        begun = self._begun.pop(thread.tid, None)
        if begun is not None:
            self._print(thread, f"{begun} = ? (unfinished)")
        killer = status & 0x7F
        if killer:
            self._print(thread, f"+++ killed by {sig.name(killer)} +++")
        else:
            self._print(thread, f"+++ exited with {status >> 8 & 0xFF} +++")


def _result(result: int) -> str:
    if -4096 < result < 0:
        error = BY_NUMBER.get(-result)
        return f"-1 {error()}" if error is not None else str(result)
    return hex(result) if result > 0xFFFF else str(result)


def _arguments(thread: Thread, entry: Entry | None, registers: tuple[int, ...]) -> list[str]:
    if entry is None:
        return [hex(value) for value in registers[:6]]
    shown = []
    for (name, ctype), value in zip(entry.args, registers, strict=False):
        if name == "buf" and entry.name in ("write", "pwrite64"):
            shown.append(_data(thread, value, registers[2]))
        else:
            shown.append(_argument(thread, ctype.show, value))
    return shown


def _argument(thread: Thread, kind: str, value: int) -> str:
    if kind == "path":
        return _string(thread, value)
    if kind == "fd":
        number = (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
        return "AT_FDCWD" if number == -100 else str(number)
    if kind == "oct":
        return f"0{value & 0xFFFFFFFF:o}"
    if kind == "dec":
        return str(value - (1 << 64) if value >> 63 else value)
    if value:
        return hex(value)
    return "NULL" if kind == "ptr" else "0"


def _string(thread: Thread, addr: int) -> str:
    data = thread.mm.read_partial(addr, 256).split(b"\0", 1)[0]
    return _quoted(data) if data or addr else "NULL"


def _data(thread: Thread, addr: int, size: int) -> str:
    data = thread.mm.read_partial(addr, min(size, _SHOWN))
    return _quoted(data) + ("..." if size > _SHOWN else "")


def _quoted(data: bytes) -> str:
    text = repr(data)[2:-1].replace('"', '\\"').replace("\\'", "'")
    return f'"{text}"'
