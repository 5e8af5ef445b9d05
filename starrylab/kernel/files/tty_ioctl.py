"""The requests of ioctl_tty(2) that both ends of a terminal know, as a table of functions."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...abi import ioctl as io
from ...abi import termios as t
from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EINVAL, ENOTTY, EPERM, ESRCH
from ...abi.stat import makedev
from ...abi.termios import Termios

if TYPE_CHECKING:
    from ..thread import Thread
    from .tty import TerminalFile

_BREAK_NS: Final = 250_000_000
_DECISECOND_NS: Final = 100_000_000

#: Takes the file (of the kind whose table it is in), the thread and the argument.
Ioctl = Callable[[Any, "Thread", int], Any]


# -- settings ---------------------------------------------------------------------------------


def _getter(pack: Callable[[Termios], bytes]) -> Ioctl:
    def serve(file: TerminalFile, thread: Thread, arg: int) -> int:
        thread.mm.write(arg, pack(file.tty.termios))
        return 0

    return serve


def _setter(
    size: int, unpack: Callable[[Termios, bytes], Termios], *, drain: bool, flush: bool = False
) -> Ioctl:
    def serve(file: TerminalFile, thread: Thread, arg: int) -> Any:
        data = thread.mm.read(arg, size)

        def attempt() -> int:
            file.check_change()
            if drain:
                file.drained()
            if flush:
                file.tty.ldisc.flush_input()
            file.tty.set_termios(unpack(file.tty.termios, data))
            return 0

        return file.when(thread, attempt)

    return serve


def _setters(
    requests: tuple[int, int, int], size: int, unpack: Callable[[Termios, bytes], Termios]
) -> dict[int, Ioctl]:
    """Return the three ways to set: now, after the output, and dropping the input as well."""
    now, drained, flushed = requests
    return {
        now: _setter(size, unpack, drain=False),
        drained: _setter(size, unpack, drain=True),
        flushed: _setter(size, unpack, drain=True, flush=True),
    }


def _get_locked(file: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write(arg, file.tty.locked.pack())
    return 0


def _set_locked(file: TerminalFile, thread: Thread, arg: int) -> int:
    if not thread.cred.capable(CAP_SYS_ADMIN):
        raise EPERM
    file.tty.locked = t.UNLOCKED.unpack(thread.mm.read(arg, t.TERMIOS_SIZE))
    return 0


def _get_winsize(file: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write(arg, t.WINSIZE.pack(*file.tty.winsize))
    return 0


def _set_winsize(file: TerminalFile, thread: Thread, arg: int) -> int:
    file.tty.resize(*t.WINSIZE.unpack(thread.mm.read(arg, t.WINSIZE.size)))
    return 0


# -- job control --------------------------------------------------------------------------------


def _get_pgrp(file: TerminalFile, thread: Thread, arg: int) -> int:
    if not file.controlling(thread):
        raise ENOTTY
    thread.mm.write_u32(arg, thread.process.shown(file.tty.pgid))
    return 0


def _set_pgrp(file: TerminalFile, thread: Thread, arg: int) -> Any:
    pgid = _read_int(thread, arg)

    def attempt() -> int:
        tty = file.tty
        file.check_change()
        session = thread.process.session
        if not tty.controls(thread.process):
            raise ENOTTY
        if pgid < 0:
            raise EINVAL
        known = thread.process.meant(pgid)
        group = session.groups.get(known)
        if group is None or not group.processes():
            raise EPERM if known in thread.kernel.groups else ESRCH
        tty.set_foreground(group)
        return 0

    return file.when(thread, attempt)


def _get_sid(file: TerminalFile, thread: Thread, arg: int) -> int:
    session = file.tty.session
    if session is None or not file.controlling(thread):
        raise ENOTTY
    thread.mm.write_u32(arg, thread.process.shown(session.sid))
    return 0


def _set_controlling(file: TerminalFile, thread: Thread, arg: int) -> int:
    file.tty.take_over(thread, force=arg == 1, readable=file.readable)
    return 0


def _drop_controlling(file: TerminalFile, thread: Thread, _: int) -> int:
    process = thread.process
    if not file.tty.controls(process):
        raise ENOTTY
    if process.session.sid != process.pid:
        raise EPERM("the terminal belongs to the session as a whole")
    file.tty.give_up(process)
    return 0


# -- queues and the line --------------------------------------------------------------------------


def _flush(file: TerminalFile, thread: Thread, arg: int) -> Any:
    if arg not in (t.TCIFLUSH, t.TCOFLUSH, t.TCIOFLUSH):
        raise EINVAL

    def attempt() -> int:
        file.check_change()
        file.flush_queue(arg)
        return 0

    return file.when(thread, attempt)


def _flow(file: TerminalFile, thread: Thread, arg: int) -> Any:
    tty = file.tty
    actions: dict[int, Callable[[], None]] = {
        t.TCOOFF: lambda: tty.ldisc.stop(hold=True),
        t.TCOON: lambda: tty.ldisc.start(release=True),
        t.TCIOFF: lambda: tty.driver.send_urgent(tty.termios.cc[t.VSTOP]),
        t.TCION: lambda: tty.driver.send_urgent(tty.termios.cc[t.VSTART]),
    }
    action = actions.get(arg)
    if action is None:
        raise EINVAL

    def attempt() -> int:
        file.check_change()
        action()
        return 0

    return file.when(thread, attempt)


def _send_break(file: TerminalFile, thread: Thread, duration_ns: int) -> Any:
    def attempt() -> int:
        file.check_change()
        file.drained()
        if duration_ns:
            file.tty.driver.send_break(duration_ns)
        return 0

    return file.when(thread, attempt)


def _count_unread(file: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write_u32(arg, file.unread())
    return 0


def _count_unsent(file: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write_u32(arg, file.unsent())
    return 0


def _type_byte(file: TerminalFile, thread: Thread, arg: int) -> int:
    if not file.tty.controls(thread.process) and not thread.cred.capable(CAP_SYS_ADMIN):
        raise EPERM
    file.tty.receive(thread.mm.read(arg, 1))
    return 0


def _set_exclusive(value: bool) -> Ioctl:
    def serve(file: TerminalFile, _: Thread, __: int) -> int:
        file.tty.exclusive = value
        return 0

    return serve


def _get_exclusive(file: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write_u32(arg, int(file.tty.exclusive))
    return 0


def _hang_up(file: TerminalFile, thread: Thread, _: int) -> int:
    thread.cred.require(CAP_SYS_ADMIN)
    file.tty.hang_up()
    return 0


def _get_discipline(_: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write_u32(arg, 0)
    return 0


def _set_discipline(_: TerminalFile, thread: Thread, arg: int) -> int:
    if thread.mm.read_u32(arg):
        raise EINVAL("N_TTY is the only line discipline")
    return 0


def _get_device(file: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write_u32(arg, makedev(file.tty.major, file.tty.minor))
    return 0


def _get_lines(file: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write_u32(arg, file.tty.driver.modem_lines())
    return 0


def _set_lines(change: Callable[[int, int], int]) -> Ioctl:
    def serve(file: TerminalFile, thread: Thread, arg: int) -> int:
        driver = file.tty.driver
        driver.set_modem_lines(change(driver.modem_lines(), thread.mm.read_u32(arg)))
        return 0

    return serve


def _get_carrier(file: TerminalFile, thread: Thread, arg: int) -> int:
    thread.mm.write_u32(arg, int(bool(file.tty.termios.cflag & t.CLOCAL)))
    return 0


def _set_carrier(file: TerminalFile, thread: Thread, arg: int) -> int:
    old = file.tty.termios
    local = t.CLOCAL if thread.mm.read_u32(arg) else 0
    file.tty.set_termios(old.replace(cflag=old.cflag & ~t.CLOCAL | local))
    return 0


def _read_int(thread: Thread, addr: int) -> int:
    value: int = struct.unpack("<i", thread.mm.read(addr, 4))[0]
    return value


COMMON: Final[dict[int, Ioctl]] = {
    io.TCGETS: _getter(Termios.pack),
    io.TCGETS2: _getter(Termios.pack2),
    io.TCGETA: _getter(Termios.pack_termio),
    **_setters((io.TCSETS, io.TCSETSW, io.TCSETSF), t.TERMIOS_SIZE, Termios.unpack),
    **_setters((io.TCSETS2, io.TCSETSW2, io.TCSETSF2), t.TERMIOS2_SIZE, Termios.unpack2),
    **_setters((io.TCSETA, io.TCSETAW, io.TCSETAF), t.TERMIO_SIZE, Termios.unpack_termio),
    io.TIOCGLCKTRMIOS: _get_locked,
    io.TIOCSLCKTRMIOS: _set_locked,
    io.TIOCGWINSZ: _get_winsize,
    io.TIOCSWINSZ: _set_winsize,
    io.TIOCGPGRP: _get_pgrp,
    io.TIOCSPGRP: _set_pgrp,
    io.TIOCGSID: _get_sid,
    io.TIOCSCTTY: _set_controlling,
    io.TIOCNOTTY: _drop_controlling,
    io.TCFLSH: _flush,
    io.TCXONC: _flow,
    io.TCSBRK: lambda file, thread, arg: _send_break(file, thread, 0 if arg else _BREAK_NS),
    io.TCSBRKP: lambda file, thread, arg: _send_break(
        file, thread, arg * _DECISECOND_NS or _BREAK_NS
    ),
    io.FIONREAD: _count_unread,
    io.TIOCOUTQ: _count_unsent,
    io.TIOCSTI: _type_byte,
    io.TIOCEXCL: _set_exclusive(True),
    io.TIOCNXCL: _set_exclusive(False),
    io.TIOCGEXCL: _get_exclusive,
    io.TIOCVHANGUP: _hang_up,
    io.TIOCGETD: _get_discipline,
    io.TIOCSETD: _set_discipline,
    io.TIOCGDEV: _get_device,
    io.TIOCMGET: _get_lines,
    io.TIOCMSET: _set_lines(lambda _, new: new),
    io.TIOCMBIS: _set_lines(lambda old, new: old | new),
    io.TIOCMBIC: _set_lines(lambda old, new: old & ~new),
    io.TIOCGSOFTCAR: _get_carrier,
    io.TIOCSSOFTCAR: _set_carrier,
}
