"""Arguments that are numbers: descriptors, flags, modes, signals; what depends on others."""

from __future__ import annotations

from typing import Final

from ...abi import fcntl, stat
from ...abi import futex as fx
from ...abi import mman as mm
from ...abi import sched as sc
from ...abi import signal as sig
from .constants import CHOICES, FLAGS, choice
from .view import View, pointer, signed

_U32: Final = 0xFFFFFFFF


def hexadecimal(view: View, value: int, index: int) -> str:
    """Show a whole register."""
    return hex(value) if value else "0"


def address(view: View, value: int, index: int) -> str:
    """Show a pointer that nobody looks behind."""
    return pointer(value)


def decimal(view: View, value: int, index: int) -> str:
    """Show a signed number of the width that the handler gets."""
    entry = view.entry
    decode = entry.args[index][1].decode if entry is not None else ""
    if "0xFFFFFFFF" in decode:
        return str(signed(value) if "^" in decode else value & _U32)
    return str(signed(value, 64) if "^" in decode else value)


def descriptor(view: View, value: int, index: int) -> str:
    """Show a file descriptor, or AT_FDCWD."""
    number = signed(value)
    return "AT_FDCWD" if number == fcntl.AT_FDCWD else view.fd(number)


def path(view: View, value: int, index: int) -> str:
    """Show a path, whole."""
    return view.string(value)


def octal(view: View, value: int, index: int) -> str:
    """Show permission bits."""
    return mode_bits(value & _U32)


def mode_bits(value: int) -> str:
    """Return permission bits as strace does, with at least three digits."""
    return f"0{value:02o}"


def file_mode(view: View, value: int, index: int) -> str:
    """Show st_mode."""
    return mode_text(value & _U32)


def mode_text(value: int) -> str:
    """Return "S_IFREG|0644"."""
    kind = CHOICES["file_type"].get(value & stat.S_IFMT)
    bits = mode_bits(value & ~stat.S_IFMT)
    if kind is not None:
        return f"{kind}|{bits}"
    return bits if not value & stat.S_IFMT else f"{value & stat.S_IFMT:#o}|{bits}"


def device(view: View, value: int, index: int) -> str:
    """Show a device number."""
    return device_text(value & _U32)


def device_text(value: int) -> str:
    """Return "makedev(0x5, 0x1)"."""
    return f"makedev({stat.major(value):#x}, {stat.minor(value):#x})"


def user_id(view: View, value: int, index: int) -> str:
    """Show a user or group number; -1 is "unchanged"."""
    return str(signed(value) if value & _U32 == _U32 else value & _U32)


def open_flags(view: View, value: int, index: int) -> str:
    """Show the flags of open(2)."""
    return open_text(value & _U32)


def open_text(value: int) -> str:
    """Return "O_RDONLY|O_CLOEXEC"."""
    words = choice("accmode", value & fcntl.O_ACCMODE)
    rest = value & ~fcntl.O_ACCMODE
    return f"{words}|{FLAGS['open'].text(rest)}" if rest else words


def open_mode(view: View, value: int, index: int) -> str | None:
    """Show the mode of a file that may be made; nothing for others."""
    flags = view.registers[index - 1]
    makes = flags & fcntl.O_CREAT or flags & fcntl.O_TMPFILE == fcntl.O_TMPFILE
    return mode_bits(value & _U32) if makes else None


def access_mode(view: View, value: int, index: int) -> str:
    """Show the mode of access(2)."""
    words = [name for bit, name in ((4, "R_OK"), (2, "W_OK"), (1, "X_OK")) if value & bit]
    return "|".join(words) if words else "F_OK"


def signal_number(view: View, value: int, index: int) -> str:
    """Show a signal; 0 is none."""
    number = signed(value)
    return sig.name(number) if 1 <= number <= sig.SIGRTMAX else str(number)


def clone_flags(view: View, value: int, index: int) -> str:
    """Show the flags of clone(2) with the signal in their low byte."""
    flags, signo = value & ~sc.CSIGNAL, value & sc.CSIGNAL
    words = [FLAGS["clone"].text(flags)] if flags else []
    if signo:
        words.append(sig.name(signo))
    return "|".join(words) or "0"


def clone_parent_tid(view: View, value: int, index: int) -> str | None:
    """Show where the new thread's number is stored, if it is."""
    return pointer(value) if view.registers[0] & (sc.CLONE_PARENT_SETTID | sc.CLONE_PIDFD) else None


def clone_tls(view: View, value: int, index: int) -> str | None:
    """Show the thread pointer of a new thread, if it gets one."""
    return pointer(value) if view.registers[0] & sc.CLONE_SETTLS else None


def clone_child_tid(view: View, value: int, index: int) -> str | None:
    """Show the word that is set or cleared in the child, if one is."""
    used = sc.CLONE_CHILD_SETTID | sc.CLONE_CHILD_CLEARTID
    return pointer(value) if view.registers[0] & used else None


def map_flags(view: View, value: int, index: int) -> str:
    """Show the flags of mmap(2): a type, then bits."""
    kind = choice("map", value & mm.MAP_TYPE)
    rest = value & ~mm.MAP_TYPE
    return f"{kind}|{FLAGS['map'].text(rest)}" if rest else kind


def socket_type(view: View, value: int, index: int) -> str:
    """Show a socket's type with its flags."""
    kind = choice("socket_type", value & 0xF)
    rest = value & _U32 & ~0xF
    return f"{kind}|{FLAGS['socket'].text(rest)}" if rest else kind


# -- futex(2): what its arguments mean depends on the operation --------------------------------

_CMD: Final = 0x7F
_TIMED: Final = frozenset({fx.FUTEX_WAIT, fx.FUTEX_WAIT_BITSET, fx.FUTEX_LOCK_PI, fx.FUTEX_LOCK_PI2,
                           fx.FUTEX_WAIT_REQUEUE_PI})  # fmt: skip
_TWO: Final = frozenset({fx.FUTEX_REQUEUE, fx.FUTEX_CMP_REQUEUE, fx.FUTEX_WAKE_OP,
                         fx.FUTEX_CMP_REQUEUE_PI, fx.FUTEX_WAIT_REQUEUE_PI})  # fmt: skip
_VALUELESS: Final = frozenset({fx.FUTEX_LOCK_PI, fx.FUTEX_LOCK_PI2, fx.FUTEX_UNLOCK_PI,
                               fx.FUTEX_TRYLOCK_PI})  # fmt: skip
_THIRD: Final = frozenset({fx.FUTEX_WAIT_BITSET, fx.FUTEX_WAKE_BITSET, fx.FUTEX_CMP_REQUEUE,
                           fx.FUTEX_CMP_REQUEUE_PI, fx.FUTEX_WAKE_OP})  # fmt: skip
_BITSETS: Final = frozenset({fx.FUTEX_WAIT_BITSET, fx.FUTEX_WAKE_BITSET})


def futex_op(view: View, value: int, index: int) -> str:
    """Show the operation."""
    name = choice("futex", value & _CMD)
    if value & fx.FUTEX_PRIVATE_FLAG:
        name += "_PRIVATE"
    return f"{name}|FUTEX_CLOCK_REALTIME" if value & fx.FUTEX_CLOCK_REALTIME else name


def _command(view: View) -> int:
    return view.registers[1] & _CMD


def futex_val(view: View, value: int, index: int) -> str | None:
    """Show the value that the word should have, or how many to wake."""
    return None if _command(view) in _VALUELESS else str(value & _U32)


def futex_timeout(view: View, value: int, index: int) -> str | None:
    """Show the timeout, or the second number where there is one."""
    from .times import timespec

    command = _command(view)
    if command in _TIMED:
        return timespec(view, value, index)
    return str(value & _U32) if command in _TWO else None


def futex_second(view: View, value: int, index: int) -> str | None:
    """Show the second word's address."""
    return pointer(value) if _command(view) in _TWO else None


def futex_val3(view: View, value: int, index: int) -> str | None:
    """Show the third value: a bit set, what to compare with, or an operation."""
    command = _command(view)
    if command not in _THIRD:
        return None
    value &= _U32
    if command in _BITSETS:
        return "FUTEX_BITSET_MATCH_ANY" if value == _U32 else hex(value)
    return hex(value) if command == fx.FUTEX_WAKE_OP else str(value)
