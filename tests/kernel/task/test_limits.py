"""Resource limits: what may be raised, and by whom (getrlimit(2))."""

from __future__ import annotations

import pytest

from starrylab.abi.errno import EINVAL, EPERM
from starrylab.abi.resource import RLIM_NLIMITS, RLIMIT_CPU, RLIMIT_NOFILE, RLIMIT_STACK
from starrylab.kernel.task.cred import Credentials
from starrylab.kernel.task.limits import INFINITY, NR_OPEN, Limits

ROOT = Credentials()
USER = Credentials.user(1000, 1000)


def test_every_resource_has_a_limit() -> None:
    limits = Limits()
    assert all(limits[resource][0] <= limits[resource][1] for resource in range(RLIM_NLIMITS))
    assert limits.soft(RLIMIT_STACK) == 8 << 20
    assert limits[RLIMIT_CPU] == (INFINITY, INFINITY)


def test_a_user_may_lower_and_not_raise() -> None:
    limits = Limits()
    limits.set(RLIMIT_STACK, 1 << 20, 2 << 20, USER)
    limits.set(RLIMIT_STACK, 2 << 20, 2 << 20, USER)
    with pytest.raises(EPERM):
        limits.set(RLIMIT_STACK, 1 << 20, 3 << 20, USER)
    limits.set(RLIMIT_STACK, 1 << 20, 3 << 20, ROOT)
    assert limits[RLIMIT_STACK] == (1 << 20, 3 << 20)


def test_the_soft_limit_is_not_above_the_hard_one() -> None:
    limits = Limits()
    with pytest.raises(EINVAL):
        limits.set(RLIMIT_STACK, 2, 1, ROOT)
    assert limits.soft(RLIMIT_STACK) == 8 << 20


def test_the_number_of_files_is_kept_at_hand() -> None:
    limits = Limits()
    limits.set(RLIMIT_NOFILE, 7, 9, ROOT)
    assert limits.nofile == limits.soft(RLIMIT_NOFILE) == 7
    with pytest.raises(EPERM):
        limits.set(RLIMIT_NOFILE, 7, NR_OPEN + 1, ROOT)


def test_a_child_gets_limits_of_its_own() -> None:
    limits = Limits()
    limits.set(RLIMIT_NOFILE, 7, 9, ROOT)
    child = limits.copy()
    assert child.nofile == 7
    child.set(RLIMIT_NOFILE, 5, 5, ROOT)
    assert (limits.nofile, child.nofile) == (7, 5)
