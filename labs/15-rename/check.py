"""Goals of lab 15."""

from __future__ import annotations

import struct
from typing import Any

from starrylab.abi.errno import ENOENT, ENOTEMPTY
from starrylab.labs.api import Run, goal, hint, scenario, with_name
from starrylab.labs.benches import ScriptedBench
from starrylab.labs.components import attach
from starrylab.labs.student import Student
from starrylab.machine.scripted import Program, ScriptedContext

_CWD = (1 << 64) - 100
_EXCHANGE = 2
_CREATE = 0o1101  # O_WRONLY | O_CREAT | O_TRUNC


@scenario
def perform(student: Student, steps: list[tuple[str, str, str]]) -> list[Any]:
    """Do what the list says on a real kernel; return the result of each step.

    mkdir A, write A TEXT, link A B, rename A B, exchange A B, read A, links A, inodes,
    names A (what is in a directory: inode numbers by name)
    """
    bench = ScriptedBench()
    attach(bench.kernel, student)
    found: list[Any] = []

    def program(m: ScriptedContext) -> Program:
        first, second, buffer = m.scratch, m.scratch + 4096, m.scratch + 8192
        for what, one, two in steps:
            m.string(first, one.encode())
            m.string(second, two.encode())
            if what == "mkdir":
                result: Any = yield m.call("mkdirat", _CWD, first, 0o755)
            elif what == "write":
                fd = yield m.call("openat", _CWD, first, _CREATE, 0o644)
                result = yield m.call("write", fd, second, len(two))
                yield m.call("close", fd)
            elif what == "link":
                result = yield m.call("linkat", _CWD, first, _CWD, second, 0)
            elif what in ("rename", "exchange"):
                flags = _EXCHANGE if what == "exchange" else 0
                result = yield m.call("renameat2", _CWD, first, _CWD, second, flags)
            elif what == "read":
                fd = result = yield m.call("openat", _CWD, first, 0, 0)
                if fd >= 0:
                    size = yield m.call("read", fd, buffer, 100)
                    yield m.call("close", fd)
                    result = m.load(buffer, size).decode() if size >= 0 else size
            elif what == "links":
                result = yield m.call("newfstatat", _CWD, first, buffer, 0)
                result = result or struct.unpack("<I", m.load(buffer + 20, 4))[0]
            elif what == "names":
                fd = yield m.call("openat", _CWD, first, 0, 0)
                size = yield m.call("getdents64", fd, buffer, 2000)
                yield m.call("close", fd)
                result = _entries(m.load(buffer, size))
            else:
                result = bench.kernel.root.fs.inodes  # type: ignore[attr-defined]
            found.append(result)
        yield m.call("exit_group", 0)

    bench.run(program)
    return found


def _entries(data: bytes) -> dict[str, int]:
    """Return inode numbers by name out of what getdents64(2) wrote."""
    found = {}
    while data:
        inode, _, length, _ = struct.unpack_from("<QqHB", data)
        name = data[19:length].split(b"\0")[0].decode()
        if name not in (".", ".."):
            found[name] = inode
        data = data[length:]
    return found


def _look(run: Run, *steps: str) -> list[Any]:
    parts = [(*step.split(" ", 2), "", "")[:3] for step in steps]
    found: list[Any] = run(perform, parts)
    return found


@goal(points=30, zh="文件在目录内和目录之间移动，内容不变，旧名字消失。")
def names_move(run: Run) -> None:
    """A file moves within a directory and to another one; its content stays, its old name goes."""
    text = f"text{run.random.randrange(10000)}"
    found = _look(
        run, "mkdir /a", "mkdir /b", f"write /a/one {text}", "rename /a/one /a/two", "read /a/two",
        "read /a/one", "rename /a/two /b/three", "read /b/three", "read /a/two", "links /b/three",
    )  # fmt: skip
    assert found[3] == found[6] == 0, hint(
        f"rename answered {with_name(found[3])} and {with_name(found[6])}",
        f"rename 返回 {with_name(found[3])} 和 {with_name(found[6])}",
    )
    assert found[4] == found[7] == text, hint(
        f"the file had {text!r}; after the renames {found[4]!r} and {found[7]!r} are read",
        f"文件内容为 {text!r}；改名后读到 {found[4]!r} 和 {found[7]!r}",
    )
    assert found[5] == found[8] == -ENOENT.errno, hint(
        "the old name still leads to the file", "旧名字仍然指向该文件"
    )
    assert found[9] == 1, hint(
        f"the file has one name, and {found[9]} links", f"文件只有一个名字，链接数却是 {found[9]}"
    )


@goal(
    points=25,
    zh="目标已存在时被替换：少一个链接，最后一个链接消失时文件也消失。",
    after="names_move",
)
def names_replace(run: Run) -> None:
    """What was there is replaced: it loses one link, and with the last one it is gone."""
    found = _look(
        run, "write /new fresh", "write /old stale", "link /old /kept", "rename /new /old",
        "read /old", "read /kept", "links /kept", "inodes", "write /next again", "inodes",
        "rename /next /old", "inodes", "read /old",
    )  # fmt: skip
    assert found[4] == "fresh" and found[5] == "stale", hint(
        f"after rename /new /old the name /old reads {found[4]!r} and its other name {found[5]!r}",
        f"rename /new /old 之后，/old 读到 {found[4]!r}，它的另一个名字读到 {found[5]!r}",
    )
    assert found[6] == 1, hint(
        f"the replaced file has one name left, and {found[6]} links: discard, do not just forget",
        f"被替换的文件只剩一个名字，链接数却是 {found[6]}：应当 discard，而不只是删除名字",
    )
    assert found[12] == "again" and found[11] == found[9] - 1, hint(
        "a file that lost its last name still takes an inode",
        "失去最后一个名字的文件仍占用 inode",
    )


@goal(points=25, zh="移动目录时两个父目录的链接数正确；非空目录不能被替换。", after="names_replace")
def directories_count(run: Run) -> None:
    """Directories carry their ".." along; one that is not empty is not replaced."""
    found = _look(
        run, "mkdir /a", "mkdir /b", "mkdir /a/sub", "write /a/sub/file inside", "links /a", "links /b",
        "rename /a/sub /b/moved", "links /a", "links /b", "read /b/moved/file",
        "mkdir /c", "rename /b/moved /c", "links /b", "links /", "read /c/file",
        "mkdir /d", "rename /d /c", "read /c/file", "links /d", "links /",
    )  # fmt: skip
    assert found[6] == 0 and found[9] == "inside", hint(
        f"a directory was moved: rename answered {with_name(found[6])}, the file in it reads {found[9]!r}",
        f"移动目录：rename 返回 {with_name(found[6])}，其中的文件读到 {found[9]!r}",
    )
    assert found[7:9] == [found[4] - 1, found[5] + 1], hint(
        f"/a had {found[4]} links and has {found[7]}, /b had {found[5]} and has {found[8]}: a directory's .. is a link to its parent",
        f"/a 的链接数从 {found[4]} 变为 {found[7]}，/b 从 {found[5]} 变为 {found[8]}：目录中的 .. 是指向父目录的链接",
    )
    assert found[11] == 0 and found[14] == "inside", hint(
        "an empty directory can be replaced by another directory", "空目录可以被另一个目录替换"
    )
    assert found[16] == -ENOTEMPTY.errno, hint(
        f"/c was not empty; rename /d /c answered {with_name(found[16])}, not ENOTEMPTY, and nothing may have changed",
        f"/c 非空；rename /d /c 返回 {with_name(found[16])}，应为 ENOTEMPTY，且不应有任何改变",
    )
    assert found[17] == "inside" and found[18] == 2, hint(
        f"rename /d /c failed as it should, and left a trace: the file in /c reads {found[17]!r}, /d has {found[18]} links",
        f"rename /d /c 应当失败，但留下了痕迹：/c 中的文件读到 {found[17]!r}，/d 的链接数为 {found[18]}",
    )
    base = _look(run, "mkdir /a", "mkdir /b", "mkdir /c", "mkdir /d", "links /")[-1]
    assert found[19] == base, hint(
        f"/ holds four directories and has {found[19]} links, not {base}: count what was replaced, too",
        f"/ 中有四个目录，链接数为 {found[19]}，应为 {base}：被替换的目录也要计算",
    )


@goal(points=20, zh="exchange 交换两个名字，包括文件与目录之间。", after="directories_count")
def names_swap(run: Run) -> None:
    """An exchange swaps two names, also a file's with a directory's."""
    found = _look(
        run, "mkdir /a", "mkdir /b", "mkdir /a/dir", "write /a/dir/in inside", "write /b/file text",
        "links /a", "links /b", "exchange /a/dir /b/file", "read /a/dir", "read /b/file/in", "links /a",
        "links /b", "write /one 1", "write /two 2", "exchange /one /two", "read /one", "read /two",
    )  # fmt: skip
    assert found[15:17] == ["2", "1"], hint(
        f"/one and /two were exchanged and read {found[15]!r} and {found[16]!r}",
        f"交换 /one 和 /two 之后，分别读到 {found[15]!r} 和 {found[16]!r}",
    )
    assert found[8:10] == ["text", "inside"], hint(
        f"a directory and a file were exchanged, and read {found[8]!r} and {found[9]!r}",
        f"交换目录与文件之后，分别读到 {found[8]!r} 和 {found[9]!r}",
    )
    assert found[10:12] == [found[5] - 1, found[6] + 1], hint(
        f"a directory went from /a to /b: their links were {found[5:7]} and are {found[10:12]}",
        f"一个目录从 /a 移到 /b：链接数原为 {found[5:7]}，现为 {found[10:12]}",
    )
    looked = _look(
        run, "mkdir /a", "mkdir /b", "mkdir /a/dir", "write /b/file text", "names /a", "names /b",
        "exchange /a/dir /b/file", "names /a", "names /b",
    )  # fmt: skip
    (before_a, before_b), (after_a, after_b) = looked[4:6], looked[7:9]
    assert (after_a.get("dir"), after_b.get("file")) == (before_b["file"], before_a["dir"]), hint(
        f"inodes by name in /a and /b: {before_a}, {before_b}; after exchange /a/dir /b/file {after_a}, {after_b}",
        f"/a 和 /b 中各名字的 inode：{before_a}、{before_b}；exchange /a/dir /b/file 之后为 {after_a}、{after_b}",
    )
