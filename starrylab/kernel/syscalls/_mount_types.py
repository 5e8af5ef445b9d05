"""Argument types of the mount API; see `_shown` for what the second word of each means."""

from __future__ import annotations

from typing import Annotated

from ._types import I32, U32, U64, C

FsopenFlags = Annotated[int, C(U32, "mount:fsopen")]
FsmountFlags = Annotated[int, C(U32, "mount:fsmount")]
FspickFlags = Annotated[int, C(U32, "mount:fspick")]
FsconfigCommand = Annotated[int, C(U32, "fsconfig_command")]
MountAttributes = Annotated[int, C(U32, "mount:mount_attr")]
OpenTreeFlags = Annotated[int, C(U32, "mount:open_tree")]
MoveMountFlags = Annotated[int, C(U32, "mount:move_mount")]
SetattrFlags = Annotated[int, C(U32, "flags:at")]
ListmountFlags = Annotated[int, C(U32, "mount:listmount")]
Auxiliary = Annotated[int, C(I32, "dec")]
InMountAttr = Annotated[int, C(U64, "in:mount_attr")]
InMountRequest = Annotated[int, C(U64, "in:mnt_id_req")]
OutStatmount = Annotated[int, C(U64, "ptr")]
PathAddr = Annotated[int, C(U64, "path")]  #: read by the handler, after other checks
OutMountIds = Annotated[int, C(U64, "ptr")]
