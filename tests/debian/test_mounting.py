"""util-linux's mount, umount and findmnt, which use the mount API step by step."""

from __future__ import annotations

from tests.debian.labs import Batch
from tests.debian.test_looking import rows

CALLS = "mount,fsopen,fsconfig,fsmount,fspick,open_tree,move_mount,mount_setattr"


def test_mounts_of_all_kinds(batch: Batch) -> None:
    shown = batch.prints("""
    cd /tmp; mkdir m n o; mount -t tmpfs -o size=1m none m; mkdir m/d m/e; touch m/d/f
    mount --bind m/d m/e; mount --rbind m n; ls n/e
    mount -o remount,ro m; touch m/x 2>&1; mount -o remount,rw m
    mount -o remount,bind,ro n; touch n/x 2>&1; touch m/x n/e/y && echo written
    mount --move n o; findmnt -n -R -r -o TARGET,FSROOT,VFS-OPTIONS o
    umount -R o; umount -R m; findmnt -n m || echo gone; rmdir m n o
    """)
    assert shown.splitlines() == [
        "f",
        "touch: cannot touch 'm/x': Read-only file system",
        "touch: cannot touch 'n/x': Read-only file system",
        "written",
        "/tmp/o / ro,relatime",
        "/tmp/o/e /d rw,relatime",
        "gone",
    ]


def test_propagation(batch: Batch) -> None:
    shown = batch.prints("""
    cd /tmp; mkdir m n; mount -t tmpfs none m; mkdir m/d; mount --make-rshared m; mount --bind m n
    mount --make-rslave n; mount -t tmpfs one m/d; findmnt -n -r -o SOURCE n/d
    mkdir n/s; mount -t tmpfs two n/s; findmnt m/s || echo not there
    findmnt -n -r -o TARGET,PROPAGATION m; findmnt -n -r -o TARGET,PROPAGATION n
    mount --make-runbindable m; mount --bind m n 2>&1 | head -1; mount --make-rprivate m
    findmnt -n -o PROPAGATION m; umount -l n; umount -R m; rmdir m n
    """)
    *lines, refused, private = shown.splitlines()
    assert lines == ["one", "not there", "/tmp/m shared", "/tmp/n private,slave"]
    assert refused.startswith("mount: /tmp/n: ")
    assert private == "private"


def test_a_namespace_keeps_its_mounts(batch: Batch) -> None:
    shown = batch.prints("""
    cd /tmp; mkdir m; unshare -m sh -c 'mount -t tmpfs inside m; findmnt -n -o SOURCE m'
    findmnt m || echo not here; rmdir m
    """)
    assert shown.splitlines() == ["inside", "not here"]


def test_what_is_wrong_is_told(batch: Batch) -> None:
    shown = batch.prints("""
    cd /tmp; mkdir m; mount -t tmpfs -o size=bad x m 2>&1; mount -t tmpfs -o foo=bar x m 2>&1
    mount -t bogus x m 2>&1; mount -t tmpfs x m; cd m; umount /tmp/m 2>&1; cd ..; umount m; rmdir m
    """)
    told = [line for line in shown.splitlines() if "dmesg" not in line]
    assert told == [
        "mount: /tmp/m: fsconfig() failed: tmpfs: Bad value for 'size'.",
        "mount: /tmp/m: fsconfig() failed: tmpfs: Unknown parameter 'foo'.",
        "mount: /tmp/m: unknown filesystem type 'bogus'.",
        "umount: /tmp/m: target is busy.",
    ]


def test_the_calls_are_the_new_ones(batch: Batch) -> None:
    shown = batch.prints(f"""
    cd /tmp; mkdir m n; t="strace -f -qq -e trace={CALLS}"
    $t mount -t tmpfs -o size=1m,nosuid x m 2>&1; $t mount --rbind m n 2>&1
    $t mount --make-rslave n 2>&1; $t mount -o remount,ro m 2>&1
    umount n m; rmdir m n
    """)
    made = [line for line in shown.splitlines() if "mount_setattr(-1" not in line]
    assert all(not line.endswith(")") and "= -1" not in line for line in made), shown
    names = [row[0].partition("(")[0] for row in rows("\n".join(made))]
    assert names[:6] == ["fsopen", "fsconfig", "fsconfig", "fsconfig", "fsmount", "mount_setattr"]
    assert names[6:9] == ["move_mount", "open_tree", "move_mount"]
    assert names[9:11] == ["open_tree", "mount_setattr"]
    assert names[11:] == ["open_tree", "fspick", *["fsconfig"] * (len(names) - 14), "mount_setattr"]


def test_changes_are_waited_for(batch: Batch) -> None:
    shown = batch.prints("""
    cd /tmp; mkdir m; findmnt --poll -n -r -o ACTION,TARGET >out & p=$!
    until [ -s out ]; do mount -t tmpfs x m; umount m; sleep 0.05; done; kill $p; head -1 out
    rmdir m
    """)
    assert shown in ("mount /tmp/m\n", "umount /tmp/m\n")
