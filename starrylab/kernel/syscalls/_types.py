"""C argument types.  ``Int`` in a signature means what ``int`` means to the ABI.

A register holds 64 bits.  Some ABIs sign-extend an ``int`` argument, AArch64 leaves
the upper half undefined, so every narrow argument is cut to width here, once, as
SYSCALL_DEFINEx does in C.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from ..files.file import File


@dataclass(frozen=True)
class C:
    """A C type: a template over ``{r}`` (the register) and ``t`` (the thread)."""

    decode: str
    show: str = "hex"  #: how strace prints it, a kind of `starrylab.debug.trace`


I32 = "(({r} & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000"
U32 = "{r} & 0xFFFFFFFF"
U64 = "{r}"

Int = Annotated[int, C(I32, "dec")]
UInt = Annotated[int, C(U32, "dec")]
Mode = Annotated[int, C(U32, "oct")]  #: mode_t
Long = Annotated[int, C("({r} ^ (1 << 63)) - (1 << 63)", "dec")]
ULong = Annotated[int, C(U64, "hex")]
Size = Annotated[int, C(U64, "dec")]  #: size_t
Ptr = Annotated[int, C(U64, "ptr")]
FdNum = Annotated[int, C(I32, "fd")]  #: a descriptor that the handler looks up itself
Fd = Annotated["File", C(f"t.fds[{I32}]", "fd")]  #: an open file; EBADF otherwise
#: A path in user memory, as bytes without the NUL; EFAULT, ENAMETOOLONG.
Path = Annotated[bytes, C("t.mm.read_cstr({r})", "path")]
