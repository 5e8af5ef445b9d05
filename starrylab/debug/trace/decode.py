"""A system call as text: what `kernel.syscalls._shown` and `_types` say of its arguments.

A kind names a rule.  ``in:`` and plain ones are shown at the entry; ``out:`` when the call has
succeeded, as an address otherwise; ``rest:`` when a signal has interrupted it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ...abi.errno import BY_NUMBER, EINTR
from . import (
    controls,
    handles,
    mounts,
    networks,
    perf,
    processes,
    programs,
    rings,
    rules,
    scalars,
    structures,
    times,
)
from .constants import CHOICES, FLAGS, choice
from .view import PLAIN, Style, View, pointer, signed

if TYPE_CHECKING:
    from ...kernel.syscalls import Entry
    from ...kernel.thread import Thread

Shower = Callable[[View, int, int], str | None]  #: None: the argument means nothing here
_ARGUMENTS: Final = 6


class When(Enum):
    """When an argument can be shown."""

    ENTRY = auto()
    EXIT = auto()
    INTERRUPTED = auto()
    CONTROL = auto()  #: depends on the request of fcntl(2), ioctl(2)


_WHEN: Final = {"out": When.EXIT, "rest": When.INTERRUPTED}

#: kind -> what shows it
SHOWERS: Final[dict[str, Shower]] = {
    "hex": scalars.hexadecimal, "ptr": scalars.address, "dec": scalars.decimal,
    "fd": scalars.descriptor, "path": scalars.path, "oct": scalars.octal,
    "open_flags": scalars.open_flags, "open_mode": scalars.open_mode,
    "file_mode": scalars.file_mode, "device": scalars.device, "id": scalars.user_id,
    "access_mode": scalars.access_mode, "signal": scalars.signal_number,
    "clone_flags": scalars.clone_flags, "map_flags": scalars.map_flags,
    "clone_parent_tid": scalars.clone_parent_tid, "clone_tls": scalars.clone_tls,
    "clone_child_tid": scalars.clone_child_tid, "out:cpuset": structures.cpuset,
    "socket_type": scalars.socket_type, "futex_op": scalars.futex_op,
    "futex_val": scalars.futex_val, "futex_timeout": scalars.futex_timeout,
    "futex_second": scalars.futex_second, "futex_val3": scalars.futex_val3,
    "fcntl_arg": controls.fcntl_arg, "ioctl_arg": controls.ioctl_arg,
    "in:data": structures.written, "out:data": structures.data,
    "in:string": structures.string, "out:string": structures.string,
    "in:iovec": structures.vector_in, "out:iovec": structures.vector_out,
    "in:argv": structures.argv, "in:environment": structures.environment,
    "in:offset": structures.offset, "out:u32": structures.u32, "out:fds": structures.two_fds,
    "out:stat": structures.stat, "out:statx": structures.statx, "out:statfs": structures.statfs,
    "out:dirents": structures.dirents, "in:rlimit": structures.rlimit,
    "out:rlimit": structures.rlimit, "out:rusage": structures.rusage,
    "out:utsname": structures.utsname, "out:sysinfo": structures.sysinfo,
    "in:landlock_ruleset": rules.ruleset, "in:landlock_rule": rules.rule,
    "in:open_how": structures.open_how, "in:perf_attr": perf.attr,
    "bpf_command": programs.command, "in:bpf_attr": programs.attr,
    "in:handle": handles.handle, "out:handle": handles.handle,
    "in:mq_attr": structures.mq_attr, "out:mq_attr": structures.mq_attr,
    "in:timespec": times.timespec, "out:timespec": times.timespec,
    "rest:timespec": times.timespec, "in:timespecs": times.timespecs,
    "in:timeval": times.timeval, "out:timeval": times.timeval,
    "in:itimerspec": times.itimerspec, "out:itimerspec": times.itimerspec,
    "in:itimerval": times.itimerval, "out:itimerval": times.itimerval,
    "in:sigevent": times.sigevent,
    "in:sigset": processes.sigset, "out:sigset": processes.sigset,
    "in:sigaction": processes.sigaction, "out:sigaction": processes.sigaction,
    "in:siginfo": processes.siginfo, "out:siginfo": processes.siginfo,
    "in:stack": processes.stack, "out:stack": processes.stack,
    "out:wstatus": processes.wait_status, "in:clone_args": processes.clone_args,
    "in:sockaddr": networks.sockaddr_in, "out:sockaddr": networks.sockaddr_out,
    "out:uring_params": rings.params, "uring_enter": rings.enter_flags,
    "uring_register": rings.operation, "fsconfig_command": mounts.command,
    "in:mount_attr": mounts.mount_attr, "in:mnt_id_req": mounts.mnt_id_req,
    "in:msghdr": networks.msghdr_in, "out:msghdr": networks.msghdr_out,
    "in:sockopt": networks.option_in, "out:sockopt": networks.option_out,
    "in:pollfds": networks.pollfds, "in:fdset": networks.fdset,
    "in:epoll_event": networks.epoll_event, "out:epoll_events": networks.epoll_events,
}  # fmt: skip

#: family of kinds -> its tables
_TABLES: Final = {"flags": FLAGS, "mount": mounts.MOUNT_FLAGS}

#: kind -> what a call has found there, for behind its result
_NOTES: Final[dict[str, Callable[[View, int, int], str]]] = {
    "in:pollfds": networks.poll_note,
    "in:fdset": networks.set_note,
}


def shower(kind: str) -> Shower:
    """Return what shows a kind; raise ``KeyError`` for one that does not exist."""
    family, _, table = kind.partition(":")
    if family in _TABLES:
        flags = _TABLES[family][table]
        return lambda view, value, index: flags.text(_word(view, value, index))
    if family == "choice":
        CHOICES[table]
        return lambda view, value, index: choice(table, _number(view, value, index))
    return SHOWERS[kind]


def _word(view: View, value: int, index: int) -> int:
    """Return an argument without its sign, as wide as the handler gets it."""
    narrow = view.entry is not None and "0xFFFFFFFF" in view.entry.args[index][1].decode
    return value & 0xFFFFFFFF if narrow else value


def _number(view: View, value: int, index: int) -> int:
    entry = view.entry
    return signed(value) if entry is not None and "^" in entry.args[index][1].decode else (
        _word(view, value, index)
    )  # fmt: skip


class CallText:
    """The text of one call, made in two steps."""

    __slots__ = ("_later", "args", "view")

    def __init__(
        self, thread: Thread, entry: Entry | None, registers: tuple[int, ...], style: Style = PLAIN
    ) -> None:
        self.view = View(thread, entry, registers, style)
        self.args: list[tuple[str, str]] = []  #: name, text; "" for what is not known yet
        self._later: list[tuple[int, int, When]] = []  #: place in `args`, index, when
        if entry is None:
            self.args = [(f"a{n}", hex(value)) for n, value in enumerate(registers[:_ARGUMENTS])]
            return
        for index, (name, ctype) in enumerate(entry.args):
            when = self._when(ctype.show, index)
            if when is not When.ENTRY and registers[index]:
                self._later.append((len(self.args), index, when))
                self.args.append((name, ""))
                continue
            text = shower(ctype.show)(self.view, registers[index], index)
            if text is not None:
                self.args.append((name, text))

    def _when(self, kind: str, index: int) -> When:
        if kind in ("fcntl_arg", "ioctl_arg"):
            return When.EXIT if controls.is_out(self.view, index) else When.ENTRY
        return _WHEN.get(kind.partition(":")[0], When.ENTRY)

    @property
    def ready(self) -> int:
        """How many of `args` can be shown before the call has ended."""
        return self._later[0][0] if self._later else len(self.args)

    def finish(self, result: int | None) -> None:
        """Show what the call has filled in; ``None``: it never returned."""
        view = self.view
        view.result = result
        entry = view.entry
        for place, index, when in self._later:
            value = view.registers[index]
            name = self.args[place][0]
            wanted = -EINTR.errno if when is When.INTERRUPTED else 0
            good = result is not None and (
                result == wanted if when is When.INTERRUPTED else result >= wanted
            )
            assert entry is not None
            text = shower(entry.args[index][1].show)(view, value, index) if good else pointer(value)
            self.args[place] = (name, text if text is not None else pointer(value))
        self._later = []

    def result_text(self) -> str:
        """Return "3", "0x7f0000", "-1 ENOENT (No such file or directory)", "?"."""
        view = self.view
        result = view.result
        if result is None:
            return "?"
        if view.failed:
            error = BY_NUMBER.get(-result)
            return f"-1 {error.__name__} ({error_text(-result)})" if error else str(result)
        kind = "" if view.entry is None else view.entry.function.__annotations__.get("return", "")
        if kind == "Ptr":
            return hex(result & (1 << 64) - 1)
        if kind == "Mode":
            return f"0{result:o}"
        if (
            view.entry is not None
            and view.entry.args
            and view.entry.args[-1][1].show == "fcntl_arg"
        ):
            return controls.fcntl_result(view, result)
        text = view.fd(result) if kind.startswith("Fd") else str(result)
        notes = self._notes()
        return f"{text} ({notes})" if notes else text

    def _notes(self) -> str:
        view = self.view
        if view.entry is None:
            return ""
        found = []
        for index, (_, ctype) in enumerate(view.entry.args):
            note = _NOTES.get(ctype.show)
            if note is not None and view.registers[index]:
                found.append(note(view, view.registers[index], index))
        return ", ".join(filter(None, found))


def error_text(number: int) -> str:
    """Return the words of an error: "No such file or directory"."""
    return str(BY_NUMBER[number]()).partition(": ")[2]


def call_text(thread: Thread, entry: Entry | None, registers: tuple[int, ...]) -> str:
    """Return ``name(arguments)`` of a call that has not ended; memory is only looked at."""
    text = CallText(thread, entry, registers)
    text.finish(None)
    name = entry.name if entry is not None else f"syscall_{registers[7]}"
    return f"{name}({', '.join(shown for _, shown in text.args)})"
