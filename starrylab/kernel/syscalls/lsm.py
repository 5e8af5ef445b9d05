"""Security modules (lsm_list_modules(2)): capabilities and Landlock, which have no attributes."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.errno import E2BIG, EINVAL, EOPNOTSUPP
from ._declare import syscall
from ._types import Ptr, UInt

if TYPE_CHECKING:
    from ..thread import Thread

# <linux/lsm.h>
_ID_UNDEF: Final = 0
_ID_CAPABILITY: Final = 100
_ID_LANDLOCK: Final = 110
_MODULES: Final = (_ID_CAPABILITY, _ID_LANDLOCK)
_ATTR_UNDEF: Final = 0
_FLAG_SINGLE: Final = 1
_CONTEXT: Final = Struct("<QQQQ")  #: id, flags, length, length of the text that follows
_PAGE: Final = 4096


@syscall()
def lsm_list_modules(t: Thread, ids: Ptr, size: Ptr, flags: UInt) -> int:
    """lsm_list_modules(2): ids of those that are active; returns how many."""
    if flags:
        raise EINVAL
    room = t.mm.read_u32(size)
    data = b"".join(ident.to_bytes(8, "little") for ident in _MODULES)
    t.mm.write_u32(size, len(data))
    if room < len(data):
        raise E2BIG
    t.mm.write(ids, data)
    return len(_MODULES)


@syscall()
def lsm_get_self_attr(t: Thread, attr: UInt, context: Ptr, size: Ptr, flags: UInt) -> None:
    """lsm_get_self_attr(2)."""
    if attr == _ATTR_UNDEF or not size:
        raise EINVAL
    t.mm.read_u32(size)
    if flags:
        if flags != _FLAG_SINGLE or not context:
            raise EINVAL
        if _CONTEXT.unpack(t.mm.read(context, _CONTEXT.size))[0] == _ID_UNDEF:
            raise EINVAL
    t.mm.write_u32(size, 0)
    raise EOPNOTSUPP


@syscall()
def lsm_set_self_attr(t: Thread, attr: UInt, context: Ptr, size: UInt, flags: UInt) -> None:
    """lsm_set_self_attr(2)."""
    if flags or size < _CONTEXT.size:
        raise EINVAL
    if size > _PAGE:
        raise E2BIG
    _, _, length, text = _CONTEXT.unpack(t.mm.read(context, size)[: _CONTEXT.size])
    if length > size or text + _CONTEXT.size > length:
        raise EINVAL
    raise EOPNOTSUPP
