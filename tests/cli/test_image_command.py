"""`starrylab image`: what it writes, what it says of it, and what it refuses in one line."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from starrylab.cli import main
from tests.image.host import run
from tests.image.test_elf import BASE, elf

HELLO = elf((BASE, bytes(range(1, 65)), 100, 0))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "hello.elf").write_bytes(HELLO)
    return tmp_path


def image(*args: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(["image", *args])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.parametrize("arch", ["riscv64", "loongarch64"])
def test_the_monitor_with_programs(
    here: Path, arch: str, capsys: pytest.CaptureFixture[str]
) -> None:
    board = {"riscv64": "visionfive2", "loongarch64": "2k1000la"}[arch]
    (here / "program").write_bytes(b"p" * 10_000)
    status, out, err = image(board, "--program", "program", "-o", "m", capsys=capsys)
    assert (status, err) == (0, "")
    assert out.startswith(f"m: StarryLab monitor for {board}, ")
    _, out, _ = image("--inspect", "m", capsys=capsys)
    assert "StarryLab's monitor" in out
    assert "2 packed pages" in out  # of the three two are equal
    first = (here / "m").read_bytes()
    image(board, "--program", "program", "-o", "m", capsys=capsys)
    assert (here / "m").read_bytes() == first


def test_a_wrapped_program_has_the_board_as_its_name(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = image("visionfive2", "--wrap", "hello.elf", capsys=capsys)
    assert (status, out) == (0, "visionfive2.bin: hello.elf, riscv, 4160 bytes\n")
    assert (here / "visionfive2.bin").read_bytes()[56:60] == b"RSC\x05"


@pytest.mark.parametrize("form", ["uimage", "fit"])
def test_a_compressed_monitor(here: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "program").write_bytes(b"".join(bytes([n]) * 4096 for n in range(1, 100)))
    args = ["visionfive2", "--program", "program", "--format", form, "--compress", "-o", "m"]
    assert image(*args, capsys=capsys)[0] == 0
    assert (here / "m").stat().st_size < 40_000
    _, out, _ = image("--inspect", "m", capsys=capsys)
    assert "compressed by gzip" in out
    assert "99 packed pages" in out


def test_the_time_is_that_of_the_environment(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    image("visionfive2", "--wrap", "hello.elf", "--format", "uimage", capsys=capsys)
    _, out, _ = image("--inspect", "visionfive2.uimg", capsys=capsys)
    assert "kernel for riscv64, made 2001-09-09" in out
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "now")
    status, _, err = image("visionfive2", "--wrap", "hello.elf", capsys=capsys)
    assert status == 125
    assert "SOURCE_DATE_EPOCH=now is no number" in err


@pytest.mark.parametrize("source", ["folder", "tar"])
def test_a_card_with_a_root(here: Path, source: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = here / "root"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/motd").write_text("welcome\n")
    (folder / "etc/issue").hardlink_to(folder / "etc/motd")
    (folder / "link").symlink_to("etc/motd")
    root = folder
    if source == "tar":
        root = here / "root.tar"
        with tarfile.open(root, "w") as archive:
            archive.add(folder, ".")
    args = ["--wrap", "hello.elf", "--rootfs", str(root)]
    status, out, err = image("virt-riscv64", *args, capsys=capsys)
    assert (status, err) == (0, "")
    assert out.startswith("virt-riscv64.sd.img: hello.elf, sd, ")
    _, out, _ = image("--inspect", "virt-riscv64.sd.img", capsys=capsys)
    start = next(line for line in out.splitlines() if "'root'" in line and "sector" in line)
    offset = int(start.rpartition(" ")[2]) * 512
    file_system = f"virt-riscv64.sd.img?offset={offset}"
    assert "welcome" in run("debugfs", "-R", "cat /etc/issue", file_system)
    assert 'Fast link dest: "etc/motd"' in run("debugfs", "-R", "stat /link", file_system)


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        ([], 125, "which board? see starrylab image --list"),
        (["nowhere"], 1, "there is no board nowhere; known: 2k1000la, "),
        (["visionfive2", "--wrap", "none"], 1, "cannot read none: No such file"),
        (["visionfive2", "--wrap", "hello.elf", "-o", "no/x"], 1, "cannot write no/x: No such"),
        (["2k1000la", "--wrap", "hello.elf"], 1, "has a loongarch64 CPU; the ELF file is for"),
        (["visionfive2", "--wrap", "hello.elf", "--address", "x"], 125, "--address x is no number"),
        (["visionfive2", "--address", "0"], 125, "--address says where the binary of --wrap runs"),
        (["visionfive2", "--format", "fit", "--rootfs", "r"], 125, "--rootfs is for an SD card"),
        (["visionfive2", "--compress", "--rootfs", "r"], 125, "not for an SD card"),
        (["visionfive2", "--compress", "--format", "raw"], 1, "only uimage and fit can be comp"),
        (["--inspect", "none"], 1, "cannot read none: No such file"),
        (["--inspect", "sparse"], 1, "cannot read sparse: File too large"),
        (["--inspect", "text"], 1, "text: 6 bytes that are no known image; they begin with"),
        (["visionfive2", "--wrap", "hello.elf", "--inspect", "x"], 125, "not allowed with"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    here: Path, args: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "text").write_text("hello\n")
    (here / "sparse").touch()
    os.truncate(here / "sparse", 5 << 30)
    found, out, err = image(*args, capsys=capsys)
    assert (found, out) == (status, "")
    assert err.startswith("starrylab: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_card_has_the_kernels_command_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["virt-riscv64", "--wrap", "hello.elf", "--append", "root=/dev/vda2 rw"]
    assert image(*args, "-o", "card", capsys=capsys)[0] == 0
    _, out, _ = image("--inspect", "card", capsys=capsys)
    assert "| setenv bootargs 'root=/dev/vda2 rw'" in out
    boot = "card@@2097152"
    assert "append root=/dev/vda2 rw" in run("mtype", "-i", boot, "::extlinux/extlinux.conf")
    status, _, err = image("virt-riscv64", "--wrap", "hello.elf", "--append", "a'b", capsys=capsys)
    assert status == 1
    assert "no apostrophe" in err


def test_what_others_made_is_explained(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("mkimage", "-A", "arm", "-T", "ramdisk", "-C", "gzip", "-n", "root",
        "-d", "hello.elf", "theirs")  # fmt: skip
    _, out, _ = image("--inspect", "theirs", capsys=capsys)
    assert out.startswith("uImage 'root': RAM disk for arm, made ")
    assert "compressed by gzip" in out


def test_the_boards_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = image("--list", capsys=capsys)
    assert status == 0
    assert "visionfive2        StarFive VisionFive 2 (riscv64)" in out


def test_nobody_reads_an_explanation(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image("virt-riscv64", "--wrap", "hello.elf", "-o", "m", capsys=capsys)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "starrylab", "image", "--inspect", "m"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
