"""Credentials and capabilities (credentials(7), capabilities(7)).

A `Credentials` object is never modified: a change makes a new one, so a fork shares it and
a thread may keep the one it started an operation with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ...abi.capability import (
    CAP_CHOWN,
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    CAP_FOWNER,
    CAP_FSETID,
    CAP_LAST_CAP,
    CAP_LINUX_IMMUTABLE,
    CAP_MKNOD,
)
from ...abi.errno import EPERM

ALL_CAPABILITIES: Final = (1 << (CAP_LAST_CAP + 1)) - 1

#: Capabilities that follow the file-system user id (capabilities(7), "Effect of user ID changes").
_FS_CAPABILITIES: Final = sum(
    1 << cap
    for cap in (
        CAP_CHOWN,
        CAP_DAC_OVERRIDE,
        CAP_DAC_READ_SEARCH,
        CAP_FOWNER,
        CAP_FSETID,
        CAP_LINUX_IMMUTABLE,
        CAP_MKNOD,
    )
)

SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
SECBIT_KEEP_CAPS: Final = 1 << 4


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a thread is, and what it may do."""

    uid: int = 0
    euid: int = 0
    suid: int = 0
    fsuid: int = 0
    gid: int = 0
    egid: int = 0
    sgid: int = 0
    fsgid: int = 0
    groups: tuple[int, ...] = ()
    effective: int = ALL_CAPABILITIES  #: capability bit masks
    permitted: int = ALL_CAPABILITIES
    inheritable: int = 0
    bounding: int = ALL_CAPABILITIES
    ambient: int = 0
    securebits: int = 0
    no_new_privs: bool = False

    @classmethod
    def user(cls, uid: int, gid: int, groups: tuple[int, ...] = ()) -> Credentials:
        """Make the credentials of a login: every id the same, capabilities only for root."""
        caps = 0 if uid else ALL_CAPABILITIES
        return cls(uid, uid, uid, uid, gid, gid, gid, gid, groups, caps, caps)

    def capable(self, cap: int) -> bool:
        """Tell whether capability number ``cap`` is effective."""
        return bool(self.effective >> cap & 1)

    def require(self, cap: int) -> None:
        """Raise ``EPERM`` unless ``cap`` is effective."""
        if not self.effective >> cap & 1:
            raise EPERM

    def in_group(self, gid: int) -> bool:
        """Tell whether ``gid`` is the file-system group or a supplementary one."""
        return gid == self.fsgid or gid in self.groups

    def with_uids(self, uid: int, euid: int, suid: int, fsuid: int) -> Credentials:
        """Return these credentials with other user ids, and capabilities as Linux adjusts them."""
        new = replace(self, uid=uid, euid=euid, suid=suid, fsuid=fsuid)
        if self.securebits & SECBIT_NO_SETUID_FIXUP:
            return new
        permitted, effective, ambient = self.permitted, self.effective, self.ambient
        was_root = 0 in (self.uid, self.euid, self.suid)
        if was_root and 0 not in (uid, euid, suid):
            ambient = 0
            if not self.securebits & SECBIT_KEEP_CAPS:
                permitted = effective = 0
        if self.euid == 0 and euid != 0:
            effective = 0
        if self.euid != 0 and euid == 0:
            effective = permitted
        if self.fsuid == 0 and fsuid != 0:
            effective &= ~_FS_CAPABILITIES
        if self.fsuid != 0 and fsuid == 0:
            effective |= permitted & _FS_CAPABILITIES
        return replace(new, permitted=permitted, effective=effective, ambient=ambient)

    def after_exec(self, set_uid: int | None, set_gid: int | None) -> Credentials:
        """Return the credentials after execve(2) of a file with these set-id owners, if any."""
        new = self
        if not self.no_new_privs:
            if set_uid is not None:
                new = replace(new, euid=set_uid, fsuid=set_uid)
            if set_gid is not None:
                new = replace(new, egid=set_gid, fsgid=set_gid)
        privileged = new.euid != self.euid or new.egid != self.egid
        ambient = 0 if privileged else new.ambient
        file_caps = ALL_CAPABILITIES if 0 in (new.uid, new.euid) else 0
        permitted = (new.inheritable & file_caps) | (file_caps & new.bounding) | ambient
        effective = permitted if new.euid == 0 else ambient
        wanted = (new.euid, new.egid, new.euid, new.egid, permitted, effective, ambient)
        if new is self and not self.securebits & SECBIT_KEEP_CAPS and wanted == (
            self.suid, self.sgid, self.fsuid, self.fsgid, self.permitted, self.effective,
            self.ambient,
        ):  # fmt: skip
            return self  # as nearly always
        return replace(
            new,
            suid=new.euid,
            sgid=new.egid,
            fsuid=new.euid,
            fsgid=new.egid,
            permitted=permitted,
            effective=effective,
            ambient=ambient,
            securebits=new.securebits & ~SECBIT_KEEP_CAPS,
        )


Change = Callable[[Credentials], Credentials]

ROOT: Final = Credentials()
