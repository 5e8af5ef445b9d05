"""Signals, wait statuses and clone3(2)."""

from __future__ import annotations

from typing import Final

from ...abi import layouts
from ...abi import sched as sc
from ...abi import signal as sig
from ...abi.arch import ARCHES
from ...kernel.signal.info import SIGINFO_SIZE, SignalInfo
from .constants import ANY_CODES, FLAGS, SIGNAL_CODES
from .view import View, pointer

_ALL: Final = (1 << 64) - 1
_FEW: Final = 32  #: members; of a larger set, what is missing is shown


def sigset(view: View, value: int, index: int) -> str:
    """Show a signal set."""
    found = view.read(value, 8) if value else b""
    return signals(int.from_bytes(found, "little")) if len(found) == 8 else pointer(value)


def signals(mask: int) -> str:
    """Return "[INT CHLD]"; "~[KILL]" for a set that has nearly all."""
    if mask.bit_count() > _FEW:
        return "~" + signals(~mask & _ALL)
    names = [sig.name(n).removeprefix("SIG") for n in range(1, 65) if mask >> n - 1 & 1]
    names = ["RT_" + n[6:] if n.startswith("RTMIN+") else n for n in names]
    return f"[{' '.join(names)}]"


def sigaction(view: View, value: int, index: int) -> str:
    """Show a struct sigaction of the kernel."""
    restorer = ARCHES[view.thread.kernel.arch].sigaction_restorer
    layout = layouts.SIGACTION_RESTORER if restorer else layouts.SIGACTION
    fields = view.unpack(layout, value) if value else None
    if fields is None:
        return pointer(value)
    handler, flags, mask = fields[0], fields[1], fields[-1]
    text = f"{{sa_handler={_handler(handler)}, sa_mask={signals(mask)}"
    text += f", sa_flags={FLAGS['sa'].text(flags)}"
    return text + (f", sa_restorer={fields[2]:#x}}}" if restorer and fields[2] else "}")


def _handler(addr: int) -> str:
    return {sig.SIG_DFL: "SIG_DFL", sig.SIG_IGN: "SIG_IGN"}.get(addr) or hex(addr)


def siginfo(view: View, value: int, index: int) -> str:
    """Show a siginfo_t."""
    found = view.read(value, SIGINFO_SIZE) if value else b""
    if len(found) < SIGINFO_SIZE:
        return pointer(value)
    return info_text(SignalInfo.decode(found))


def info_text(info: SignalInfo) -> str:
    """Return "{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, ...}"."""
    if not info.signo:
        return "{}"
    codes = SIGNAL_CODES.get(info.signo, {})
    code = codes.get(info.code) or ANY_CODES.get(info.code) or str(info.code)
    words = [f"si_signo={sig.name(info.signo)}", f"si_code={code}"]
    if info.signo in (sig.SIGSEGV, sig.SIGBUS, sig.SIGFPE, sig.SIGILL) and info.code in codes:
        words.append(f"si_addr={pointer(info.addr)}")
    elif info.code == sig.SI_TIMER:
        words += [f"si_timerid={info.timer:#x}", f"si_overrun={info.overrun}"]
    elif info.code != sig.SI_KERNEL:
        words += [f"si_pid={info.pid}", f"si_uid={info.uid}"]
        if info.signo == sig.SIGCHLD and info.code in codes:
            words.append(f"si_status={_status(info)}")
            words += [f"si_utime={info.utime}", f"si_stime={info.stime}"]
        elif info.code == sig.SI_QUEUE:
            words.append(f"si_value={info.value:#x}")
    return f"{{{', '.join(words)}}}"


def _status(info: SignalInfo) -> str:
    return str(info.status) if info.code == sig.CLD_EXITED else sig.name(info.status)


def stack(view: View, value: int, index: int) -> str:
    """Show a stack_t."""
    fields = view.unpack(layouts.STACK_T, value) if value else None
    if fields is None:
        return pointer(value)
    base, flags, size = fields
    return f"{{ss_sp={pointer(base)}, ss_flags={FLAGS['sigstack'].text(flags)}, ss_size={size}}}"


def wait_status(view: View, value: int, index: int) -> str:
    """Show the status that wait4(2) has stored; nothing was if no child changed."""
    found = view.read(value, 4) if value and view.result else b""
    return (
        f"[{status_text(int.from_bytes(found, 'little'))}]" if len(found) == 4 else pointer(value)
    )


def status_text(status: int) -> str:
    """Return "{WIFEXITED(s) && WEXITSTATUS(s) == 1}"."""
    if status == 0xFFFF:
        return "{WIFCONTINUED(s)}"
    signo = status & 0x7F
    if status & 0xFF == 0x7F:
        return f"{{WIFSTOPPED(s) && WSTOPSIG(s) == {sig.name(status >> 8 & 0xFF)}}}"
    if signo:
        core = " && WCOREDUMP(s)" if status & 0x80 else ""
        return f"{{WIFSIGNALED(s) && WTERMSIG(s) == {sig.name(signo)}{core}}}"
    return f"{{WIFEXITED(s) && WEXITSTATUS(s) == {status >> 8 & 0xFF}}}"


def clone_args(view: View, value: int, index: int) -> str:
    """Show a struct clone_args."""
    size = min(view.registers[index + 1], layouts.CLONE_ARGS.size)
    found = view.read(value, size)
    if not value or len(found) < sc.CLONE_ARGS_SIZE_VER0:
        return pointer(value)
    fields = layouts.CLONE_ARGS.unpack(found.ljust(layouts.CLONE_ARGS.size, b"\0"))
    flags, pidfd, child_tid, parent_tid, exit_signal, base, size, tls = fields[:8]
    words = [f"flags={FLAGS['clone'].text(flags)}"]
    for bit, name, addr in (
        (sc.CLONE_PIDFD, "pidfd", pidfd),
        (sc.CLONE_CHILD_SETTID | sc.CLONE_CHILD_CLEARTID, "child_tid", child_tid),
        (sc.CLONE_PARENT_SETTID, "parent_tid", parent_tid),
    ):
        if flags & bit:
            words.append(f"{name}={pointer(addr)}")
    words.append(f"exit_signal={sig.name(exit_signal) if 0 < exit_signal < 65 else exit_signal}")
    words += [f"stack={pointer(base)}", f"stack_size={size:#x}"]
    if flags & sc.CLONE_SETTLS:
        words.append(f"tls={pointer(tls)}")
    return f"{{{', '.join(words)}}}"
