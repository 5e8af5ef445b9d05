"""Credentials and capabilities (credentials(7), capabilities(7)).

A `Credentials` object is never modified: a change makes a new one, so a fork shares it and
a thread may keep the one it started an operation with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from ..namespaces.user import UserNamespace
    from ..vfs.landlock import Domain

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

_NO_ID: Final = 0xFFFF_FFFF  #: (uid_t) -1

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
    landlock: Domain | None = None  #: rights given up
    user_ns: UserNamespace | None = None  #: where the capabilities count; None: everywhere

    @classmethod
    def user(cls, uid: int, gid: int, groups: tuple[int, ...] = ()) -> Credentials:
        """Make the credentials of a login: every id the same, capabilities only for root."""
        caps = 0 if uid else ALL_CAPABILITIES
        return cls(uid, uid, uid, uid, gid, gid, gid, gid, groups, caps, caps)

    def capable(self, cap: int) -> bool:
        """Tell whether capability number ``cap`` is effective for the whole system."""
        return self.user_ns is None and bool(self.effective >> cap & 1)

    def require(self, cap: int) -> None:
        """Raise ``EPERM`` unless `capable`."""
        if self.user_ns is not None or not self.effective >> cap & 1:
            raise EPERM

    def capable_here(self, cap: int) -> bool:
        """Tell whether ``cap`` is effective in the thread's own user namespace."""
        return bool(self.effective >> cap & 1)

    def capable_in(self, target: UserNamespace | None, cap: int) -> bool:
        """Tell whether ``cap`` is effective for what the user namespace ``target`` owns.

        Who made a namespace has all capabilities in it (cap_capable() of security/commoncap.c).
        """
        mine = self.user_ns
        while target is not mine:
            if target is None:
                return False  # an ancestor of mine
            if target.parent is mine and target.owner == self.euid:
                return True
            target = target.parent
        return bool(self.effective >> cap & 1)

    def require_in(self, target: UserNamespace | None, cap: int) -> None:
        """Raise ``EPERM`` unless `capable_in`."""
        if not self.capable_in(target, cap):
            raise EPERM

    def capable_over(self, uid: int, gid: int, cap: int) -> bool:
        """Tell whether ``cap`` counts for a file of this owner (capable_wrt_inode_uidgid())."""
        if not self.effective >> cap & 1:
            return False
        mine = self.user_ns
        return mine is None or (
            mine.uids.inside(uid) is not None and mine.gids.inside(gid) is not None
        )

    # -- ids as the thread's user namespace has them; here they are the kernel's

    @property
    def root_uid(self) -> int | None:
        """The user id that is 0 in the namespace; ``None`` if none is."""
        return 0 if self.user_ns is None else self.user_ns.uids.kernel(0)

    def shown_uid(self, uid: int) -> int:
        """Return what the thread is told of a user id."""
        return uid if self.user_ns is None else self.user_ns.uids.shown(uid)

    def shown_gid(self, gid: int) -> int:
        """Return what the thread is told of a group id."""
        return gid if self.user_ns is None else self.user_ns.gids.shown(gid)

    def known_uid(self, uid: int) -> int | None:
        """Return the thread's number for a user id; ``None`` if it is not mapped."""
        return uid if self.user_ns is None else self.user_ns.uids.inside(uid)

    def known_gid(self, gid: int) -> int | None:
        """Return the thread's number for a group id; ``None`` if it is not mapped."""
        return gid if self.user_ns is None else self.user_ns.gids.inside(gid)

    def meant_uid(self, uid: int) -> int | None:
        """Return the user id that the thread means; ``None`` if it is not mapped."""
        if self.user_ns is None:
            return None if uid == _NO_ID else uid
        return self.user_ns.uids.kernel(uid)

    def meant_gid(self, gid: int) -> int | None:
        """Return the group id that the thread means; ``None`` if it is not mapped."""
        if self.user_ns is None:
            return None if gid == _NO_ID else gid
        return self.user_ns.gids.kernel(gid)

    def entered(self, user_ns: UserNamespace) -> Credentials:
        """Return these credentials in another user namespace, with every capability there."""
        return replace(
            self,
            effective=ALL_CAPABILITIES,
            permitted=ALL_CAPABILITIES,
            inheritable=0,
            bounding=ALL_CAPABILITIES,
            ambient=0,
            securebits=0,
            user_ns=user_ns,
        )

    def in_group(self, gid: int) -> bool:
        """Tell whether ``gid`` is the file-system group or a supplementary one."""
        return gid == self.fsgid or gid in self.groups

    def with_uids(self, uid: int, euid: int, suid: int, fsuid: int) -> Credentials:
        """Return these credentials with other user ids, and capabilities as Linux adjusts them."""
        new = replace(self, uid=uid, euid=euid, suid=suid, fsuid=fsuid)
        if self.securebits & SECBIT_NO_SETUID_FIXUP:
            return new
        permitted, effective, ambient = self.permitted, self.effective, self.ambient
        root = self.root_uid
        was_root = root in (self.uid, self.euid, self.suid)
        if was_root and root not in (uid, euid, suid):
            ambient = 0
            if not self.securebits & SECBIT_KEEP_CAPS:
                permitted = effective = 0
        if self.euid == root and euid != root:
            effective = 0
        if self.euid != root and euid == root:
            effective = permitted
        if self.fsuid == root and fsuid != root:
            effective &= ~_FS_CAPABILITIES
        if self.fsuid != root and fsuid == root:
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
        root = new.root_uid
        file_caps = ALL_CAPABILITIES if root in (new.uid, new.euid) else 0
        permitted = (new.inheritable & file_caps) | (file_caps & new.bounding) | ambient
        effective = permitted if new.euid == root else ambient
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
