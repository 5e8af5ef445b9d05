"""Credentials: how capabilities follow the user ids (capabilities(7))."""

from __future__ import annotations

from dataclasses import replace

import pytest

from starrylab.abi.capability import CAP_CHOWN, CAP_KILL, CAP_SETUID, CAP_SYS_ADMIN
from starrylab.abi.errno import EPERM
from starrylab.kernel.task.cred import (
    ALL_CAPABILITIES,
    SECBIT_KEEP_CAPS,
    SECBIT_NO_SETUID_FIXUP,
    Credentials,
)

ROOT = Credentials()
USER = Credentials.user(1000, 100, (5, 27))


def with_(cred: Credentials, **changes: int) -> Credentials:
    return replace(cred, **changes)


def test_only_root_logs_in_with_capabilities() -> None:
    assert ROOT.capable(CAP_SYS_ADMIN)
    assert not USER.capable(CAP_SYS_ADMIN)
    ROOT.require(CAP_KILL)
    with pytest.raises(EPERM):
        USER.require(CAP_KILL)


def test_groups_are_the_fs_group_and_the_supplementary_ones() -> None:
    assert [g for g in (5, 27, 100, 6) if USER.in_group(g)] == [5, 27, 100]
    assert not with_(USER, fsgid=7).in_group(100)


def test_dropping_the_effective_id_keeps_permitted() -> None:
    dropped = ROOT.with_uids(0, 1000, 0, 1000)
    assert dropped.effective == 0
    assert dropped.permitted == ALL_CAPABILITIES
    assert dropped.with_uids(0, 0, 0, 0).effective == ALL_CAPABILITIES


def test_leaving_root_for_good_loses_everything() -> None:
    gone = with_(ROOT, ambient=1).with_uids(1000, 1000, 1000, 1000)
    assert (gone.permitted, gone.effective, gone.ambient) == (0, 0, 0)
    assert gone.with_uids(0, 0, 0, 0).effective == 0  # nothing is permitted any more


def test_keep_caps_keeps_permitted_but_not_effective() -> None:
    kept = with_(ROOT, securebits=SECBIT_KEEP_CAPS).with_uids(7, 7, 7, 7)
    assert (kept.permitted, kept.effective) == (ALL_CAPABILITIES, 0)


def test_no_setuid_fixup_changes_the_ids_alone() -> None:
    same = with_(ROOT, securebits=SECBIT_NO_SETUID_FIXUP).with_uids(7, 7, 7, 7)
    assert (same.uid, same.effective) == (7, ALL_CAPABILITIES)


def test_the_fs_id_takes_the_file_capabilities_with_it() -> None:
    away = ROOT.with_uids(0, 0, 0, 1000)
    assert not away.capable(CAP_CHOWN)
    assert away.capable(CAP_SETUID)
    assert away.with_uids(0, 0, 0, 0).capable(CAP_CHOWN)


def test_exec_of_a_set_uid_program_makes_root() -> None:
    after = USER.after_exec(0, None)
    assert (after.uid, after.euid, after.suid, after.fsuid) == (1000, 0, 0, 0)
    assert after.effective == ALL_CAPABILITIES


def test_exec_with_no_new_privs_stays_what_it_is() -> None:
    after = with_(USER, no_new_privs=True).after_exec(0, 0)
    assert (after.euid, after.egid, after.effective) == (1000, 100, 0)


def test_exec_of_a_set_gid_program_clears_ambient() -> None:
    before = with_(USER, permitted=1, inheritable=1, ambient=1)
    assert before.after_exec(None, None).effective == 1
    after = before.after_exec(None, 50)
    assert (after.egid, after.sgid, after.ambient, after.effective) == (50, 50, 0, 0)


def test_exec_is_bounded() -> None:
    bounded = with_(ROOT, bounding=ALL_CAPABILITIES & ~(1 << CAP_SYS_ADMIN))
    assert not bounded.after_exec(None, None).capable(CAP_SYS_ADMIN)


def test_exec_forgets_keep_caps() -> None:
    assert with_(ROOT, securebits=SECBIT_KEEP_CAPS).after_exec(None, None).securebits == 0
