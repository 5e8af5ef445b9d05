"""`starrylab symbolize` as a filter: what comes in goes out at once, explained."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.cli import main
from tests.debug.dwarf_writer import elf
from tests.debug.symbols.programs import INNER, MAIN, VARIANTS

FRAME = f"BT 0 ip={MAIN + 5:#x} fp=0x10"
EXPLAINED = [
    "   0: main",
    f"            at /src/main.c:10:1 with fp=0x10, ip={MAIN + 5:#x}",
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STARRYLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def kernel(tmp_path: Path) -> str:
    path = tmp_path / "kernel"
    path.write_bytes(elf(VARIANTS["5"]().sections()))
    return str(path)


def symbolize(*args: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "starrylab", "symbolize", *args],
        input=data, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_file(tmp_path: Path, kernel: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"BACKTRACE_BEGIN kind=alloc\n{FRAME}\nBACKTRACE_END\n")
    done = symbolize(kernel, str(log))
    assert done.stderr == b""
    assert done.returncode == 0
    expected = ["BACKTRACE_BEGIN kind=alloc", FRAME, *EXPLAINED, "BACKTRACE_END", ""]
    assert done.stdout.decode().split("\n") == expected


def test_what_is_no_text_passes_unharmed(kernel: str) -> None:
    junk = bytes(range(256)) * 10 + b"\xff\xfe\n\r\n\0\x1b[31m no newline \xc3"
    assert symbolize(kernel, data=junk).stdout == junk
    long = b"x" * 300_000 + f" {MAIN:#x}".encode() + b"\n"
    assert symbolize(kernel, data=long).stdout == long
    assert symbolize(kernel, data=b"").stdout == b""


def test_line_endings_of_a_serial_line_are_kept(kernel: str) -> None:
    out = symbolize(kernel, data=f"{FRAME}\r\n".encode()).stdout
    assert out == "".join(f"{line}\r\n" for line in (FRAME, *EXPLAINED)).encode()


def test_a_last_line_without_its_end(kernel: str) -> None:
    out = symbolize(kernel, data=FRAME.encode()).stdout
    assert out == "".join(f"{line}\n" for line in (FRAME, *EXPLAINED)).encode()


def test_a_kernel_loaded_elsewhere(kernel: str) -> None:
    moved = INNER + 0xFFFFFFC080200000
    out = symbolize(
        kernel, "--base", "0xffffffc080210000", data=f"pc: {moved:#x}\n".encode()
    ).stdout
    assert f"{moved:#x}: leaf".encode() in out


def test_a_live_pipe_is_explained_line_by_line(kernel: str) -> None:
    command = [sys.executable, "-m", "starrylab", "symbolize", kernel]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as filter_:
        assert filter_.stdin is not None
        assert filter_.stdout is not None

        def says(sent: bytes, expected: bytes) -> None:
            os.write(filter_.stdin.fileno(), sent)
            got = b""
            while len(got) < len(expected):
                ready, _, _ = select.select([filter_.stdout], [], [], 30)
                assert ready, got
                got += os.read(filter_.stdout.fileno(), 4096)
            assert got == expected

        says(b"starry:~# ", b"starry:~# ")  # a prompt has no newline
        says(b"ls\n", b"ls\n")
        says(FRAME[:9].encode(), FRAME[:9].encode())  # an address in two pieces
        rest = FRAME[9:].encode() + b"\n"
        says(rest, rest + "".join(f"{line}\n" for line in EXPLAINED).encode())
        filter_.stdin.close()
        assert filter_.wait(30) == 0


def test_the_index_is_kept(kernel: str, cache: Path) -> None:
    symbolize(kernel, "--no-cache", data=f"{FRAME}\n".encode())
    assert not (cache / "symbols").exists()
    symbolize(kernel, data=f"{FRAME}\n".encode())
    assert list((cache / "symbols").rglob("unit-*"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["/absent"], "/absent: No such file or directory"),
        ([__file__], f"{__file__}: not an ELF file"),
        (["KERNEL", "/absent"], "/absent: No such file or directory"),
        (["KERNEL", "/"], "/: Is a directory"),
        (["KERNEL", "--base", "here"], "--base here: give a hexadecimal address"),
        (["EMPTY"], "has neither symbols nor debug information"),
        (["CUT"], "the segment headers lie outside the file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, kernel, capsys, args, message) -> None:
    (tmp_path / "empty").write_bytes(elf([]))
    cut = bytearray(Path(kernel).read_bytes())
    cut[32:40] = len(cut).to_bytes(8, "little")  # e_phoff
    (tmp_path / "cut").write_bytes(cut)
    names = {"KERNEL": kernel, "EMPTY": str(tmp_path / "empty"), "CUT": str(tmp_path / "cut")}
    assert main(["symbolize", *(names.get(arg, arg) for arg in args)]) != 0
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
