"""Giving up rights: landlock_create_ruleset(2), landlock_add_rule(2), landlock_restrict_self(2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import E2BIG, EBADFD, EFAULT, EINVAL, ENOMSG, EPERM
from ...abi.landlock import (
    ABI_VERSION,
    ACCESS_FILE,
    ACCESS_FS,
    ACCESS_NET,
    ERRATA,
    LANDLOCK_CREATE_RULESET_ERRATA,
    LANDLOCK_CREATE_RULESET_VERSION,
    LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON,
    LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF,
    LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF,
    LANDLOCK_RULE_NET_PORT,
    LANDLOCK_RULE_PATH_BENEATH,
    NET_PORT_ATTR,
    PATH_BENEATH_ATTR,
    RULESET_ATTR,
    RULESET_ATTR_SIZE_1,
    SCOPES,
)
from ..files.landlock import RulesetFile
from ..vfs.landlock import MAX_LAYERS, Domain, Ruleset
from ..vfs.node import DIRECTORY
from ._declare import syscall
from ._mounts import read_struct
from ._shown import InRule, InRuleset, LandlockCreateFlags, LandlockRestrictFlags, LandlockRule
from ._types import FdNum, Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_ANSWERS: Final = {
    LANDLOCK_CREATE_RULESET_VERSION: ABI_VERSION,
    LANDLOCK_CREATE_RULESET_ERRATA: ERRATA,
}
_LOGGING: Final = (
    LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF | LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
    | LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF
)  # fmt: skip
_PORT_MAX: Final = 0xFFFF
_NOBODY: Final = -1  #: no ruleset: only what is logged would change


@syscall()
def landlock_create_ruleset(
    t: Thread, attr: InRuleset, size: Size, flags: LandlockCreateFlags
) -> FdNum:
    """landlock_create_ruleset(2)."""
    if flags:
        if attr or size or flags not in _ANSWERS:
            raise EINVAL
        return _ANSWERS[flags]
    if not attr:
        raise EFAULT
    if size < RULESET_ATTR_SIZE_1:
        raise EINVAL
    handled, network, scopes = RULESET_ATTR.unpack(read_struct(t, attr, size, RULESET_ATTR.size))
    if handled & ~ACCESS_FS or network & ~ACCESS_NET or scopes & ~SCOPES:
        raise EINVAL
    if not handled and not network and not scopes:
        raise ENOMSG
    return t.install(RulesetFile(Ruleset(handled, network, scopes)), cloexec=True)


@syscall(partial="rules for TCP ports have nothing to decide: there are no such sockets")
def landlock_add_rule(
    t: Thread, ruleset: FdNum, kind: LandlockRule, attr: InRule, flags: UInt
) -> None:
    """landlock_add_rule(2)."""
    if flags:
        raise EINVAL
    rules = _rules(t, ruleset)
    if kind == LANDLOCK_RULE_PATH_BENEATH:
        _allow_path(t, rules, attr)
    elif kind == LANDLOCK_RULE_NET_PORT:
        _allow_port(t, rules, attr)
    else:
        raise EINVAL


def _rules(t: Thread, fd: int) -> Ruleset:
    file = t.fds[fd]
    if not isinstance(file, RulesetFile):
        raise EBADFD
    return file.rules


def _checked(access: int, handled: int) -> int:
    if not access:
        raise ENOMSG
    if access & ~handled:
        raise EINVAL
    return access


def _allow_path(t: Thread, rules: Ruleset, attr: int) -> None:
    access, fd = PATH_BENEATH_ATTR.unpack(t.mm.read(attr, PATH_BENEATH_ATTR.size))
    access = _checked(access, rules.handled)
    file = t.fds[fd]
    if file.place is None or file.node is None or file.place.mount.fs.is_hidden:
        raise EBADFD
    if file.node.kind != DIRECTORY and access & ~ACCESS_FILE:
        raise EINVAL
    rules.allow(file.node, access)


def _allow_port(t: Thread, rules: Ruleset, attr: int) -> None:
    access, port = NET_PORT_ATTR.unpack(t.mm.read(attr, NET_PORT_ATTR.size))
    access = _checked(access, rules.network)
    if port > _PORT_MAX:
        raise EINVAL
    rules.allow_port(port, access)


@syscall()
def landlock_restrict_self(t: Thread, ruleset: FdNum, flags: LandlockRestrictFlags) -> None:
    """landlock_restrict_self(2): nothing is logged, whatever the flags say."""
    if not t.cred.no_new_privs and not t.cred.capable_here(CAP_SYS_ADMIN):
        raise EPERM
    if flags & ~_LOGGING:
        raise EINVAL
    if ruleset == _NOBODY and flags == LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF:
        return
    rules = _rules(t, ruleset)
    parent = t.cred.landlock
    if parent is not None and parent.depth == MAX_LAYERS:
        raise E2BIG
    t.cred = replace(t.cred, landlock=Domain(rules, parent))
