"""Say in one line why the first program cannot be started, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..abi.arch import ARCHES
from ..abi.errno import (
    EACCES,
    EINVAL,
    EIO,
    EISDIR,
    ELIBBAD,
    ENOENT,
    ENOEXEC,
    ENOMEM,
    ENOTDIR,
    LinuxError,
)
from .vfs.node import DIRECTORY

if TYPE_CHECKING:
    from .kernel import Kernel
    from .thread import Thread

NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126

_MACHINES: Final = {
    3: "i386", 8: "MIPS", 20: "PowerPC", 21: "PowerPC 64", 22: "S/390", 40: "ARM", 62: "x86-64",
    183: "AArch64", 243: "RISC-V", 258: "LoongArch",
}  # fmt: skip


def explain(kernel: Kernel, thread: Thread, name: bytes, error: LinuxError) -> tuple[str, int]:
    """Return a line and the exit status of a shell in that case."""
    shown = name.decode(errors="replace")
    if not name:
        return "the program's name is empty; name one after --", NOT_FOUND
    if isinstance(error, (ENOENT, ENOTDIR)):
        return _not_found(thread, name, shown), NOT_FOUND
    if isinstance(error, EISDIR) or (isinstance(error, EACCES) and _is_directory(thread, name)):
        return f"{shown} is a directory; name a program", NOT_EXECUTABLE
    if isinstance(error, EACCES):
        return f"{shown}: permission denied; is it an executable file? (chmod +x)", NOT_EXECUTABLE
    if isinstance(error, ENOEXEC):
        return f"{shown}: {_foreign(kernel, thread, name)}", NOT_EXECUTABLE
    if isinstance(error, (EIO, EINVAL)):
        return f"{shown}: the ELF file is damaged or cut short; copy it again", NOT_EXECUTABLE
    if isinstance(error, ELIBBAD):
        return f"{shown}: its interpreter (the dynamic linker) is not usable", NOT_EXECUTABLE
    if isinstance(error, ENOMEM):
        return f"{shown}: not enough memory; give more with --memory", NOT_EXECUTABLE
    return f"{shown}: {error}", NOT_EXECUTABLE


def _is_directory(thread: Thread, name: bytes) -> bool:
    try:
        return thread.fs.walk(name, thread.cred).node.kind == DIRECTORY
    except LinuxError:
        return False


def _head(thread: Thread, name: bytes) -> bytes:
    try:
        return bytes(thread.fs.walk(name, thread.cred).node.read_at(4096, 0))  # type: ignore[attr-defined]
    except LinuxError:
        return b""


def _not_found(thread: Thread, name: bytes, shown: str) -> str:
    head = _head(thread, name)
    if head[:4] == b"\x7fELF":
        return f"{shown}: its interpreter (the dynamic linker) is not in the root file system"
    if head[:2] == b"#!":
        interpreter = head[2:].split(b"\n", 1)[0].strip().split(b" ")[0]
        return f"{shown}: its interpreter {interpreter.decode(errors='replace')} does not exist"
    return f"{shown}: no such program in the root file system"


def _foreign(kernel: Kernel, thread: Thread, name: bytes) -> str:
    head = _head(thread, name)
    if head[:4] != b"\x7fELF":
        return "neither an ELF program nor a script with a #! line"
    if len(head) < 64:
        return "the ELF file is damaged or cut short; copy it again"
    machine = int.from_bytes(head[18:20], "little")
    if machine != ARCHES[kernel.arch].elf_machine:
        found = _MACHINES.get(machine, f"machine {machine}")
        return f"a program for {found}; this machine is {kernel.arch}"
    return "not an executable ELF file (an object file or a 32-bit one?)"
