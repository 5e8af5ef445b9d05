"""Flags and structures of the mount API, as strace(1) shows them."""

from __future__ import annotations

from struct import Struct
from typing import Final

from ...abi import mount
from .constants import FLAGS, Flags, named, some
from .view import View, pointer

_KEPT_APART: Final = ("MOUNT_ATTR_KNOWN", "MOUNT_ATTR_SIZE", "MOUNT_ATTR__ATIME",
                      "MOUNT_ATTR_RELATIME")  # fmt: skip
_ATTRIBUTES: Final = Flags(
    {v: n for v, n in named(mount, "MOUNT_ATTR_", without=_KEPT_APART).items() if v}
)
MOUNT_FLAGS: Final[dict[str, Flags]] = {
    "fsopen": Flags(named(mount, "FSOPEN_")),
    "fsmount": Flags(named(mount, "FSMOUNT_")),
    "fspick": Flags(named(mount, "FSPICK_")),
    "mount_attr": _ATTRIBUTES,
    "open_tree": Flags(named(mount, "OPEN_TREE_") | FLAGS["at"].names),
    "move_mount": Flags(named(mount, "MOVE_MOUNT_", without=("MOVE_MOUNT__",))),
    "listmount": Flags(some(mount, "LISTMOUNT_REVERSE")),
}
FSCONFIG: Final = named(mount, "FSCONFIG_")
_CLEARED: Final = Flags(_ATTRIBUTES.names | some(mount, "MOUNT_ATTR__ATIME"))
_REQUEST: Final = Struct("<IIQQ")


def command(view: View, value: int, index: int) -> str:
    """Show a command of fsconfig(2)."""
    number = value & 0xFFFFFFFF
    return FSCONFIG.get(number, f"{number:#x} /* FSCONFIG_??? */")


def mount_attr(view: View, value: int, index: int) -> str:
    """Show a struct mount_attr."""
    fields = view.unpack(mount.MOUNT_ATTR, value) if value else None
    if fields is None:
        return pointer(value)
    wanted, unwanted, propagation, userns = fields
    return (
        f"{{attr_set={_ATTRIBUTES.text(wanted)}, attr_clr={_CLEARED.text(unwanted)}, "
        f"propagation={FLAGS['mount'].text(propagation)}, userns_fd={userns}}}"
    )


def mnt_id_req(view: View, value: int, index: int) -> str:
    """Show a struct mnt_id_req."""
    fields = view.unpack(_REQUEST, value) if value else None
    if fields is None:
        return pointer(value)
    size, _, ident, param = fields
    shown = "LSMT_ROOT" if ident == mount.LSMT_ROOT else f"{ident:#x}"
    return f"{{size={size}, mnt_id={shown}, param={param:#x}}}"
