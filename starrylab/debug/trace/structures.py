"""Structures of files, processes and the system, as strace(1) abbreviates them."""

from __future__ import annotations

from struct import Struct
from typing import Final

from ...abi import layouts
from ...abi.resource import RLIM_INFINITY
from ...abi.stat import S_IFBLK, S_IFCHR, S_IFMT
from .constants import FLAGS, choice
from .quoting import quoted, shortened
from .scalars import device_text, mode_text, open_text
from .times import val
from .view import View, pointer

_U32: Final = Struct("<I")
_PAIR: Final = Struct("<ii")
_MQ_ATTR: Final = Struct("<4q32x")
_OFFSET: Final = Struct("<q")
_VECTORS: Final = 16  #: entries of an iovec that are shown
_WORDS: Final = 64  #: arguments of execve(2)
_INFINITY: Final = RLIM_INFINITY & (1 << 64) - 1


def data(view: View, value: int, index: int) -> str:
    """Show a buffer: as long as the next argument says, or as the call has filled in."""
    size = view.registers[index + 1] & (1 << 63) - 1
    if view.result is not None and view.result >= 0:
        size = min(size, view.result)
    return view.data(value, size) if value else pointer(value)


def written(view: View, value: int, index: int) -> str:
    """Show a buffer that the call takes: as long as the next argument says."""
    size = view.registers[index + 1] & (1 << 63) - 1
    return view.data(value, size) if value else pointer(value)


def string(view: View, value: int, index: int) -> str:
    """Show a string that ends with a NUL."""
    return view.string(value)


def u32(view: View, value: int, index: int) -> str:
    """Show the number that a pointer leads to."""
    fields = view.unpack(_U32, value) if value else None
    return f"[{fields[0]}]" if fields is not None else pointer(value)


def offset(view: View, value: int, index: int) -> str:
    """Show the offset that a pointer leads to."""
    fields = view.unpack(_OFFSET, value) if value else None
    return f"[{fields[0]}]" if fields is not None else pointer(value)


def two_fds(view: View, value: int, index: int) -> str:
    """Show the descriptors of pipe2(2) and socketpair(2)."""
    fields = view.unpack(_PAIR, value) if value else None
    if fields is None:
        return pointer(value)
    return f"[{view.fd(fields[0])}, {view.fd(fields[1])}]"


def vector_in(view: View, value: int, index: int) -> str:
    """Show what the parts of an iovec hold."""
    return vector(view, value, view.registers[index + 1], None)


def vector_out(view: View, value: int, index: int) -> str:
    """Show the parts of an iovec that the call has filled in."""
    return vector(view, value, view.registers[index + 1], view.result)


def vector(view: View, addr: int, count: int, size: int | None) -> str:
    """Return an iovec of ``count`` parts, of which ``size`` bytes hold something."""
    if not addr:
        return "NULL"
    parts = []
    for number in range(min(count, _VECTORS)):
        fields = view.unpack(layouts.IOVEC, addr + number * layouts.IOVEC.size)
        if fields is None:
            parts.append(hex(addr + number * layouts.IOVEC.size))
            break
        base, length = fields
        held = length if size is None else min(length, size)
        size = None if size is None else size - held
        parts.append(f"{{iov_base={view.data(base, held)}, iov_len={length}}}")
    if count > _VECTORS:
        parts.append("...")
    return f"[{', '.join(parts)}]"


def argv(view: View, value: int, index: int) -> str:
    """Show the arguments of execve(2)."""
    words = _pointers(view, value)
    if words is None:
        return pointer(value)
    shown = [view.string(word, view.style.strings) for word in words[:_WORDS]]
    return f"[{', '.join(shown)}{', ...' if len(words) > _WORDS else ''}]"


def environment(view: View, value: int, index: int) -> str:
    """Show how many variables there are."""
    words = _pointers(view, value)
    if words is None:
        return pointer(value)
    return f"{value:#x} /* {len(words)} var{'' if len(words) == 1 else 's'} */"


def _pointers(view: View, addr: int) -> list[int] | None:
    """Return the pointers of an array up to its NULL; ``None`` if it cannot be read."""
    words: list[int] = []
    while addr and len(words) < 4096:
        found = view.read(addr, 8)
        if len(found) < 8:
            return None
        word = int.from_bytes(found, "little")
        if not word:
            return words
        words.append(word)
        addr += 8
    return None


def stat(view: View, value: int, index: int) -> str:
    """Show a struct stat: type, mode, and size or device, as strace does."""
    fields = view.unpack(layouts.STAT, value) if value else None
    if fields is None:
        return pointer(value)
    mode, rdev, size = fields[2], fields[6], fields[7]
    return f"{{st_mode={mode_text(mode)}, {_size(mode, rdev, size, 'st_')}, ...}}"


def _size(mode: int, rdev: int, size: int, prefix: str) -> str:
    if mode & S_IFMT in (S_IFCHR, S_IFBLK):
        return f"{prefix}rdev={device_text(rdev)}"
    return f"{prefix}size={size}"


def statx(view: View, value: int, index: int) -> str:
    """Show a struct statx: what strace abbreviates it to."""
    fields = view.unpack(layouts.STATX, value) if value else None
    if fields is None:
        return pointer(value)
    mask, attributes, mode, size = fields[0], fields[2], fields[6], fields[8]
    return (
        f"{{stx_mask={FLAGS['statx_mask'].text(mask)}, "
        f"stx_attributes={FLAGS['stat_attributes'].text(attributes)}, "
        f"stx_mode={mode_text(mode)}, stx_size={size}, ...}}"
    )


def statfs(view: View, value: int, index: int) -> str:
    """Show a struct statfs."""
    fields = view.unpack(layouts.STATFS, value) if value else None
    if fields is None:
        return pointer(value)
    names = ("f_type", "f_bsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree")
    kind = choice("file_system", fields[0])
    shown = [f"f_type={kind}", *(f"{n}={v}" for n, v in zip(names[1:], fields[1:7], strict=True))]
    shown.append(f"f_fsid={{val=[{fields[7]}, {fields[8]}]}}, f_namelen={fields[9]}")
    return f"{{{', '.join(shown)}, f_frsize={fields[10]}, f_flags={fields[11]:#x}}}"


def dirents(view: View, value: int, index: int) -> str:
    """Show how many entries there are, and their names."""
    found = view.read(value, view.result or 0)
    names = []
    at = 0
    while at + layouts.DIRENT64.size <= len(found):
        length = layouts.DIRENT64.unpack_from(found, at)[2]
        if length < layouts.DIRENT64.size:
            break
        names.append(found[at + layouts.DIRENT64.size : at + length].split(b"\0", 1)[0])
        at += length
    text = f"{value:#x} /* {len(names)} entries"
    if view.style.strings > 32 and names:
        text += ": " + ", ".join(quoted(name) for name in names)
    return f"{text} */"


def cpuset(view: View, value: int, index: int) -> str:
    """Show a set of CPUs, as long as the result says."""
    found = view.read(value, min(view.result or 0, 128))
    mask = int.from_bytes(found, "little")
    return f"[{' '.join(str(n) for n in range(mask.bit_length()) if mask >> n & 1)}]"


def rlimit(view: View, value: int, index: int) -> str:
    """Show a struct rlimit."""
    fields = view.unpack(layouts.RLIMIT, value) if value else None
    if fields is None:
        return pointer(value)
    soft, hard = (limit(number) for number in fields)
    return f"{{rlim_cur={soft}, rlim_max={hard}}}"


def mq_attr(view: View, value: int, index: int) -> str:
    """Show a struct mq_attr (mq_getattr(3))."""
    fields = view.unpack(_MQ_ATTR, value) if value else None
    if fields is None:
        return pointer(value)
    names = ("mq_flags", "mq_maxmsg", "mq_msgsize", "mq_curmsgs")
    return "{" + ", ".join(f"{name}={n}" for name, n in zip(names, fields, strict=True)) + "}"


def limit(number: int) -> str:
    """Return a resource limit: "RLIM64_INFINITY", "8192*1024", "1024"."""
    if number == _INFINITY:
        return "RLIM64_INFINITY"
    return f"{number >> 10}*1024" if number > 1024 and not number % 1024 else str(number)


def rusage(view: View, value: int, index: int) -> str:
    """Show a struct rusage: the times."""
    fields = view.unpack(layouts.RUSAGE, value) if value else None
    if fields is None:
        return pointer(value)
    return f"{{ru_utime={val(*fields[:2])}, ru_stime={val(*fields[2:4])}, ...}}"


def utsname(view: View, value: int, index: int) -> str:
    """Show a struct utsname."""
    fields = view.unpack(layouts.UTSNAME, value) if value else None
    if fields is None:
        return pointer(value)
    sysname, nodename = (quoted(word.split(b"\0", 1)[0]) for word in fields[:2])
    return f"{{sysname={sysname}, nodename={nodename}, ...}}"


def sysinfo(view: View, value: int, index: int) -> str:
    """Show a struct sysinfo."""
    fields = view.unpack(layouts.SYSINFO, value) if value else None
    if fields is None:
        return pointer(value)
    names = ("totalram", "freeram", "sharedram", "bufferram", "totalswap", "freeswap", "procs",
             "totalhigh", "freehigh", "mem_unit")  # fmt: skip
    rest = ", ".join(f"{name}={number}" for name, number in zip(names, fields[4:], strict=True))
    loads = ", ".join(map(str, fields[1:4]))
    return f"{{uptime={fields[0]}, loads=[{loads}], {rest}}}"


def open_how(view: View, value: int, index: int) -> str:
    """Show a struct open_how."""
    fields = view.unpack(layouts.OPEN_HOW, value) if value else None
    if fields is None:
        return pointer(value)
    flags, mode, resolve = fields
    text = f"{{flags={open_text(flags)}" + (f", mode=0{mode:o}" if mode else "")
    return text + f", resolve={FLAGS['resolve'].text(resolve)}}}"


def short(view: View, addr: int, size: int) -> str:
    """Return some bytes as a string."""
    return shortened(view.read(addr, size), view.style.strings)
