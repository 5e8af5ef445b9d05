"""Filters: names, classes, expressions, and what they are not."""

from __future__ import annotations

import pytest

from starrylab.debug.trace import Filter, FilterError
from starrylab.debug.trace.decode import shower
from starrylab.kernel.syscalls import declared


def chosen(text: str) -> set[str]:
    wanted = Filter(text)
    return {name for name in declared() if name in wanted}


def test_names_and_their_negation() -> None:
    assert chosen("read,write") == {"read", "write"}
    assert chosen("!futex") == set(declared()) - {"futex"}
    assert chosen("all") == set(declared())
    assert chosen("all,!read") == set(declared()) - {"read"}
    assert chosen("!all") == set()
    assert chosen("read,!read") == set()


def test_expressions() -> None:
    assert chosen("/^epoll_") == {n for n in declared() if n.startswith("epoll_")}
    assert chosen("/^epoll_,!/wait") == {"epoll_create1", "epoll_ctl"}


@pytest.mark.parametrize(
    ("word", "some", "others"),
    [
        ("file", {"openat", "execve", "mount", "unlinkat"}, {"read", "futex", "getpid"}),
        ("%file", {"openat"}, {"read"}),
        ("desc", {"read", "openat", "fstat", "epoll_ctl"}, {"getpid", "kill"}),
        ("process", {"clone", "execve", "wait4", "exit_group"}, {"read", "mmap"}),
        ("memory", {"mmap", "brk", "shmat"}, {"read", "clone"}),
        ("signal", {"kill", "rt_sigaction"}, {"read", "clone"}),
        ("network", {"socketpair", "sendmsg"}, {"read", "clone"}),
        ("creds", {"setuid", "prctl"}, {"read", "clone"}),
        ("ipc", {"futex", "shmget"}, {"read", "clone"}),
        ("time", {"clock_gettime", "timer_create"}, {"read", "clone"}),
    ],
)
def test_classes(word: str, some: set[str], others: set[str]) -> None:
    found = chosen(word)
    assert some & set(declared()) <= found
    assert not others & found
    assert not chosen(f"!{word}") & found


@pytest.mark.parametrize("text", ["nosuch", "read,nosuch", "", "read,", "!nosuch"])
def test_an_unknown_word_is_named(text: str) -> None:
    with pytest.raises(FilterError, match="is no system call; give names, or creds, desc, file"):
        Filter(text)


@pytest.mark.parametrize(
    ("text", "message"), [("/(", "no regular expression"), ("/^xyzzy$", "matches no system call")]
)
def test_bad_expressions(text: str, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        Filter(text)


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_argument_can_be_shown(name: str) -> None:
    for _, ctype in declared()[name].args:
        assert callable(shower(ctype.show))
