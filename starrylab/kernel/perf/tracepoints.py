"""Tracepoints: which there are, and what their records look like (/sys/kernel/tracing/events).

A record begins with common_type, common_flags, common_preempt_count and common_pid; its own fields
follow at their natural alignment, as the `format` file of each tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ..syscalls import Entry

_COMMON: Final = Struct("<HBBi")
_SIZES: Final = {"b": 1, "h": 2, "i": 4, "I": 4, "q": 8, "Q": 8}


class Field(NamedTuple):
    """One field of a record."""

    name: str
    declared: str  #: as C declares it
    form: str  #: of `struct`
    offset: int
    size: int

    @property
    def signed(self) -> bool:
        """Whether it is a signed number."""
        return self.form.isalpha() and self.form.islower()


@dataclass(frozen=True, slots=True)
class Tracepoint:
    """One kind of event; `pack` makes its records."""

    id: int
    system: str
    name: str
    fields: tuple[Field, ...]
    print_format: str
    body: Struct
    number: int = -1  #: of the system call, for those that are about one

    def pack(self, pid: int, *values: int | bytes) -> bytes:
        """Return a record of the thread ``pid``."""
        return _COMMON.pack(self.id, 0, 0, pid) + self.body.pack(*values)

    def text(self) -> str:
        """Return the contents of its `format` file."""
        rows = [f"name: {self.name}\nID: {self.id}\nformat:\n"]
        rows += [_row(*common) for common in _COMMON_ROWS]
        rows.append("\n")
        rows += [_row(f.declared, f.offset, f.size, f.signed) for f in self.fields]
        rows.append(f"\nprint fmt: {self.print_format}\n")
        return "".join(rows)


_COMMON_ROWS: Final = (
    ("unsigned short common_type", 0, 2, False),
    ("unsigned char common_flags", 2, 1, False),
    ("unsigned char common_preempt_count", 3, 1, False),
    ("int common_pid", 4, 4, True),
)


def _row(declared: str, offset: int, size: int, signed: bool) -> str:
    return f"\tfield:{declared};\toffset:{offset};\tsize:{size};\tsigned:{int(signed)};\n"


def _make(
    number: int, system: str, name: str, fields: tuple[tuple[str, str], ...], shown: str,
    call: int = -1,
) -> Tracepoint:  # fmt: skip
    """Lay fields out as C does; each is given by its declaration and its `struct` form."""
    laid: list[Field] = []
    forms: list[str] = []
    at = _COMMON.size
    for declared, form in fields:
        unit = _SIZES.get(form[-1], 1)
        count = int(form[:-1] or 1)
        gap = -at % unit
        if gap:
            forms.append(f"{gap}x")
        at += gap
        label = declared.rpartition(" ")[2].partition("[")[0]
        laid.append(Field(label, declared, form, at, unit * count))
        forms.append(form)
        at += unit * count
    body = Struct("<" + "".join(forms))
    return Tracepoint(number, system, name, tuple(laid), shown, body, call)


def _comm(name: str) -> tuple[str, str]:
    return f"char {name}[16]", "16s"


def _pid(name: str) -> tuple[str, str]:
    return f"pid_t {name}", "i"


def _int(name: str) -> tuple[str, str]:
    return f"int {name}", "i"


def _ulong(name: str) -> tuple[str, str]:
    return f"unsigned long {name}", "Q"


_STATES: Final = (
    '{ 0x00000001, "S" }, { 0x00000002, "D" }, { 0x00000004, "T" }, { 0x00000008, "t" }, '
    '{ 0x00000010, "X" }, { 0x00000020, "Z" }, { 0x00000040, "P" }, { 0x00000080, "I" }'
)

SYS_ENTER: Final = _make(
    1, "raw_syscalls", "sys_enter", (("long id", "q"), ("unsigned long args[6]", "6Q")),
    '"NR %ld (%lx, %lx, %lx, %lx, %lx, %lx)", REC->id, '
    + ", ".join(f"REC->args[{n}]" for n in range(6)),
)  # fmt: skip
SYS_EXIT: Final = _make(
    2, "raw_syscalls", "sys_exit", (("long id", "q"), ("long ret", "q")),
    '"NR %ld = %ld", REC->id, REC->ret',
)  # fmt: skip
SWITCH: Final = _make(
    3, "sched", "sched_switch",
    (_comm("prev_comm"), _pid("prev_pid"), _int("prev_prio"), ("long prev_state", "q"),
     _comm("next_comm"), _pid("next_pid"), _int("next_prio")),
    '"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d '
    'next_prio=%d", REC->prev_comm, REC->prev_pid, REC->prev_prio, (REC->prev_state & 0xff) ? '
    f'__print_flags(REC->prev_state & 0xff, "|", {_STATES}) : "R", '
    'REC->prev_state & 0x100 ? "+" : "", REC->next_comm, REC->next_pid, REC->next_prio',
)  # fmt: skip
WAKEUP: Final = _make(
    4, "sched", "sched_wakeup",
    (_comm("comm"), _pid("pid"), _int("prio"), _int("target_cpu")),
    '"comm=%s pid=%d prio=%d target_cpu=%03d", REC->comm, REC->pid, REC->prio, REC->target_cpu',
)  # fmt: skip
FORK: Final = _make(
    5, "sched", "sched_process_fork",
    (_comm("parent_comm"), _pid("parent_pid"), _comm("child_comm"), _pid("child_pid")),
    '"comm=%s pid=%d child_comm=%s child_pid=%d", REC->parent_comm, REC->parent_pid, '
    "REC->child_comm, REC->child_pid",
)  # fmt: skip
EXEC: Final = _make(
    6, "sched", "sched_process_exec",
    (("__data_loc char[] filename", "I"), _pid("pid"), _pid("old_pid")),
    '"filename=%s pid=%d old_pid=%d", __get_str(filename), REC->pid, REC->old_pid',
)  # fmt: skip
EXIT: Final = _make(
    7, "sched", "sched_process_exit", (_comm("comm"), _pid("pid"), _int("prio")),
    '"comm=%s pid=%d prio=%d", REC->comm, REC->pid, REC->prio',
)  # fmt: skip
SIGNAL: Final = _make(
    8, "signal", "signal_deliver",
    (_int("sig"), _int("errno"), _int("code"), _ulong("sa_handler"), _ulong("sa_flags")),
    '"sig=%d errno=%d code=%d sa_handler=%lx sa_flags=%lx", REC->sig, REC->errno, REC->code, '
    "REC->sa_handler, REC->sa_flags",
)  # fmt: skip
PAGE_FAULT: Final = _make(
    9, "exceptions", "page_fault_user",
    (_ulong("address"), _ulong("ip"), _ulong("error_code")),
    '"address=0x%lx ip=0x%lx error_code=0x%lx", REC->address, REC->ip, REC->error_code',
)  # fmt: skip

_WOKEN: Final = (_comm("comm"), _pid("pid"), _int("prio"), _int("target_cpu"))
WAKING: Final = _make(10, "sched", "sched_waking", _WOKEN, WAKEUP.print_format)
WAKEUP_NEW: Final = _make(11, "sched", "sched_wakeup_new", _WOKEN, WAKEUP.print_format)
RUNTIME: Final = _make(
    12, "sched", "sched_stat_runtime", (_comm("comm"), _pid("pid"), ("u64 runtime", "Q")),
    '"comm=%s pid=%d runtime=%Lu [ns]", REC->comm, REC->pid, (unsigned long long)REC->runtime',
)  # fmt: skip
MIGRATE: Final = _make(  # perf(1) asks for it; with one processor it never happens
    13, "sched", "sched_migrate_task",
    (_comm("comm"), _pid("pid"), _int("prio"), _int("orig_cpu"), _int("dest_cpu")),
    '"comm=%s pid=%d prio=%d orig_cpu=%d dest_cpu=%d", REC->comm, REC->pid, REC->prio, '
    "REC->orig_cpu, REC->dest_cpu",
)  # fmt: skip

PRINT: Final = _make(  # what is written to trace_marker
    14, "ftrace", "print", (_ulong("ip"), ("char buf[]", "0s")),
    '"%ps: %s", (void *)REC->ip, REC->buf',
)  # fmt: skip

_FIXED: Final = (
    SYS_ENTER, SYS_EXIT, SWITCH, WAKEUP, FORK, EXEC, EXIT, SIGNAL, PAGE_FAULT, WAKING, WAKEUP_NEW,
    RUNTIME, MIGRATE, PRINT,
)  # fmt: skip
_CALLS: Final = 512  #: numbers of system calls
FIRST_CALL: Final = 0x100  #: ids of the entries of system calls, by number; then of their exits
FIRST_EXIT: Final = 0x400


def table(entry: Callable[[int], Entry | None]) -> Mapping[int, Tracepoint]:
    """Return every tracepoint by its id; ``entry`` knows the system calls by their numbers."""
    made = {point.id: point for point in _FIXED}
    calls = {number: found for number in range(_CALLS) if (found := entry(number)) is not None}
    made.update((point.id, point) for point in _of_calls(calls))
    return MappingProxyType(made)


def _of_calls(calls: dict[int, Entry]) -> list[Tracepoint]:
    made = []
    for number, entry in calls.items():
        names = [name for name, _ in entry.args][:6]
        fields = (_int("__syscall_nr"), *(_ulong(name) for name in names))
        shown = ", ".join(f"{name}: 0x%08lx" for name in names)
        values = "".join(f", ((unsigned long)(REC->{name}))" for name in names)
        made.append(
            _make(
                FIRST_CALL + number,
                "syscalls",
                f"sys_enter_{entry.name}",
                fields,
                f'"{shown}"{values}',
                number,
            )
        )
        left = (_int("__syscall_nr"), ("long ret", "q"))
        made.append(
            _make(
                FIRST_EXIT + number,
                "syscalls",
                f"sys_exit_{entry.name}",
                left,
                '"0x%lx", REC->ret',
                number,
            )
        )
    return made
