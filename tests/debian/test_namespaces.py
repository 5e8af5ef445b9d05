"""util-linux's programs that make and enter namespaces."""

from __future__ import annotations

import re

from tests.debian.labs import Batch
from tests.debian.test_looking import rows


def test_unshare_and_nsenter(batch: Batch) -> None:
    shown = batch.prints("""
    unshare --uts sh -c 'hostname inner; hostname'; test "$(hostname)" != inner && echo outer
    unshare -fp --mount-proc ps -o pid=,ppid=,comm= ax
    unshare -u sh -c 'hostname entered; sleep 1000' & p=$!
    until [ "$(nsenter -t $p -u hostname)" = entered ]; do sleep 0.05; done
    nsenter -t $p -a sh -c 'hostname; id -u'; kill $p
    """)
    lines = rows(shown)
    assert lines[:2] == [["inner"], ["outer"]]
    assert lines[2:] == [["1", "0", "ps"], ["entered"], ["0"]]


def test_a_user_is_root_in_a_namespace(batch: Batch) -> None:
    shown = batch.prints("""
    setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Urmpf --mount-proc sh -c '
    id -u; ps -o pid=,comm= ax; mount -t tmpfs none /mnt && echo mounted
    touch /etc/mine 2>&1; hostname mine 2>&1; cat /proc/self/uid_map /proc/self/setgroups'
    mountpoint -q /mnt || echo here nothing
    """)
    assert rows(shown) == [
        ["0"], ["1", "sh"], ["3", "ps"], ["mounted"],
        ["touch:", "cannot", "touch", "'/etc/mine':", "Permission", "denied"],
        ["hostname:", "you", "must", "be", "root", "to", "change", "the", "host", "name"],
        ["0", "1000", "1"], ["deny"], ["here", "nothing"],
    ]  # fmt: skip


def test_lsns_lists_them(batch: Batch) -> None:
    shown = batch.prints("""
    unshare -Uripmf --mount-proc sh -c 'lsns -n -o TYPE,NPROCS,COMMAND; readlink /proc/self/ns/uts'
    """)
    *lines, uts = shown.splitlines()
    kinds = {line.split()[0] for line in lines}
    assert kinds == {"ipc", "mnt", "net", "pid", "time", "user", "uts"}
    assert re.fullmatch(r"uts:\[4026531838\]", uts)
