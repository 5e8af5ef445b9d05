"""Real programs: what is lost, and where, is what valgrind finds in the same source on the host."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from starrylab.userland import compile_c
from tests.debug.unwind.programs import GLIBC, MUSL, Program, build
from tests.oracle import valgrind

HERE = Path(__file__).parent
FLAGS = ("-g", "-O1", "-fno-builtin", "-fno-optimize-sibling-calls", "-pthread")


def lab(program: Path, *arguments: str, status: int = 1, root: Path | None = None) -> list[dict]:
    """Run a program in a lab; return its reports."""
    options = ["leaks", "--heap", "--json", "--bind", f"{program.parent}:/mnt"]
    if root is not None:
        options += ["--rootfs", str(root)]
    done = subprocess.run(
        [sys.executable, "-m", "starrylab", *options, "--", f"/mnt/{program.name}", *arguments],
        capture_output=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def built(name: str) -> Path:
    return compile_c([HERE / f"{name}.c"], "riscv64", flags=FLAGS)


def by_site(reports: list[dict], source: str) -> valgrind.Found:
    """Count blocks and bytes by the program's own functions and by what became of them."""
    found: valgrind.Found = Counter()
    for record in reports[0]["records"]:
        names = [f["function"] for f in record["stack"] if f["file"].endswith(source)]
        for what in ("blocks", "bytes"):
            found[record["loss"], tuple(names), what] += record[what]
    return as_lost(found, "large")


def as_lost(found: valgrind.Found, function: str) -> valgrind.Found:
    """Leave open whether a function's block is definitely or possibly lost.

    Both searches are conservative: any integer in the host's libc, such as a size of its caches,
    may look like an address inside of a block so large.
    """
    merged: valgrind.Found = Counter()
    for (fate, names, what), count in found.items():
        open_question = names[:1] == (function,) and fate in ("definitely lost", "possibly lost")
        merged["lost" if open_question else fate, names, what] += count
    return merged


@pytest.fixture(scope="session")
def valgrinds(host_valgrind, tmp_path_factory) -> valgrind.Found:
    """What valgrind says of the same source, built for the host."""
    found = valgrind.lost(HERE / "lost.c", FLAGS, tmp_path_factory.mktemp("valgrind"))
    assert {fate for fate, _, _ in found} == set(valgrind.FATES.values())
    return as_lost(found, "large")


def test_a_static_program_loses_what_valgrind_finds(valgrinds):
    (report,) = lab(built("lost"))
    assert by_site([report], "lost.c") == valgrinds
    assert report["errors"] == []


@pytest.mark.parametrize("how", [(), ("-fPIE", "-pie")], ids=["fixed", "pie"])
def test_a_program_with_glibc_loses_what_valgrind_finds(valgrinds, debian_root, how):
    flags = (*GLIBC, *FLAGS, *how)
    name = "lost-pie" if how else "lost"
    program = build(Program(name, str(HERE / "lost.c"), flags, dynamic=True))
    (report,) = lab(program, root=debian_root)
    # Without what glibc has for itself: of that, valgrind's call of __libc_freeres leaves nothing.
    of_program = [r for r in report["records"] if r["stack"][1]["module"].startswith("/mnt/")]
    assert by_site([{"records": of_program}], "lost.c") == valgrinds
    assert report["errors"] == []


def test_operators_new_and_delete():
    flags = (*MUSL, "-O1", "-fno-builtin")
    (report,) = lab(build(Program("mixed", str(HERE / "mixed.cc"), flags)))
    assert [error["what"] for error in report["errors"]] == [
        "free of a block from new[], which delete[] has to release",
        "delete of a block from malloc, which free has to release",
    ]
    assert [
        (r["loss"], r["family"], r["bytes"], r["stack"][1]["function"]) for r in report["records"]
    ] == [
        ("definitely lost", "new", 120, "lose()"),
        ("indirectly lost", "new", 120, "lose()"),
        ("still reachable", "new", 120, "main"),
    ]


def test_a_block_that_is_released_twice():
    (report,) = lab(built("wrong"))
    (error,) = report["errors"]
    assert error["what"] == "a block is released twice"
    assert error["size"] == 40
    lines = [
        next(f["line"] for f in error[stack] if f["function"] == "twice")
        for stack in ("allocated", "freed", "stack")
    ]
    assert lines == [6, 7, 8]


def test_an_address_inside_of_a_block():
    (report,) = lab(built("wrong"), "inside")
    assert report["errors"][0]["what"] == "release of an address 16 bytes inside of a block"
    assert report["errors"][0]["size"] == 100


def test_children_have_heaps_of_their_own():
    child, again, parent = lab(built("family"))
    lost = [
        [(r["bytes"], r["loss"]) for r in report["records"]] for report in (child, again, parent)
    ]
    assert lost == [
        [(22, "definitely lost")],
        [(1000, "definitely lost")],
        [(33, "definitely lost"), (11, "still reachable")],
    ]
    assert child["pid"] != again["pid"] != parent["pid"] == 1


def test_a_program_without_an_allocator(tmp_path):
    source = tmp_path / "bare.c"
    source.write_text('void _start(void) { __asm__("li a7, 94; li a0, 0; ecall"); }\n')
    (report,) = lab(compile_c([source], "riscv64", flags=("-nostdlib",)), status=0)
    assert not report["followed"]
    assert report["records"] == []


def test_the_report_as_text():
    program = built("wrong")
    done = subprocess.run(
        [sys.executable, "-m", "starrylab", "leaks", "--heap", "--bind",
         f"{program.parent}:/mnt", "--", "/mnt/wrong"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "a block is released twice: 0x" in done.stdout
    assert "the block of 40 bytes was allocated" in done.stdout
    assert "definitely lost: 0 bytes in 0 blocks" in done.stdout
