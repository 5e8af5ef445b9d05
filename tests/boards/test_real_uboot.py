"""A real U-Boot under QEMU starts what we make, from a card and in every form."""

import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from starrylab.boards import load
from starrylab.boards.card import Card, write_card
from starrylab.boards.images import COMPRESSIBLE, pack, wrapped_program
from tests.oracle import debian

HERE = Path(__file__).parent
BOARD = load("virt-riscv64")
FIRMWARE = "usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"
HELLO = b"hello, with a device tree"
PATIENCE = 60.0  #: seconds until QEMU says what is waited for
TIME = 1_700_000_000


def missing(reason):
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module", params=[("bookworm", "amd64"), ("trixie", "riscv64")])
def firmware(request):
    """U-Boot 2023.01 of Debian's bookworm, 2025.01 of trixie."""
    suite, arch = request.param  # the package is the same for all; bookworm has no riscv64
    try:
        root = debian.tree("u-boot", ("u-boot-qemu",), suite=suite, arch=arch)
    except debian.Unavailable as error:
        missing(str(error))
    return root / FIRMWARE


@pytest.fixture(scope="module")
def hello(tmp_path_factory):
    output = tmp_path_factory.mktemp("hello") / "hello.elf"
    target = ["-target", "riscv64-freestanding-none", "-mcpu=generic_rv64+m+a+c", "-nostdlib"]
    script = f"-Wl,-T,{HERE / 'hello.ld'}"
    command = [sys.executable, "-m", "ziglang", "cc", *target, script]
    subprocess.run([*command, "-o", output, HERE / "hello.S"], check=True)
    return wrapped_program(BOARD, output.read_bytes(), "hello")


@pytest.fixture
def line(firmware, hello, tmp_path):
    if shutil.which("qemu-system-riscv64") is None:
        missing("qemu-system-riscv64 is not installed")
    more = {form: pack(hello, BOARD, form, TIME) for form in ("riscv", "raw", "uimage", "fit")}
    more |= {f"{form}.gz": pack(hello, BOARD, form, TIME, small=True) for form in COMPRESSIBLE}
    disk = tmp_path / "disk"
    write_card(Card(BOARD, hello, TIME, files=more), disk, tmp_path)
    machine = ["-M", "virt", "-m", "256M", "-kernel", firmware, "-display", "none"]
    disk = [
        "-drive",
        f"file={disk},if=none,id=d,format=raw",
        "-device",
        "virtio-blk-device,drive=d",
    ]
    serial = ["-serial", "stdio", "-monitor", "none"]
    with Line(["qemu-system-riscv64", *machine, *serial, *disk]) as line:
        yield line


class Line:
    """The serial line of an emulator, on its standard input and output."""

    def __init__(self, command):
        self._process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def wait(self, text):
        """Read until `text` came; fail when it does not."""
        end = time.monotonic() + PATIENCE
        output = self._process.stdout.fileno()
        while text not in self._seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                pytest.fail(f"no {text!r} in {self._seen[-2000:].decode(errors='replace')}")
            data = os.read(output, 4096)
            assert data, self._seen
            self._seen += data
        before, _, self._seen = self._seen.partition(text)
        return before

    def send(self, text):
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def prompt(self):
        self.wait(b"Hit any key")
        self.send("\x03")
        self.wait(b"=> ")

    def run(self, command):
        self.send(f"{command}\r")


def test_uboot_starts_a_card_and_every_form(line):
    said = line.wait(HELLO)
    assert b"extlinux" in said
    line.prompt()
    place = BOARD.boot.load_address
    line.run("virtio scan; setenv devtype virtio; setenv devnum 0; setenv distro_bootpart 1")
    line.wait(b"=> ")
    line.run(f"load virtio 0:1 {place + 0x1000000:#x} boot.scr && source {place + 0x1000000:#x}")
    assert b"Executing script" in line.wait(HELLO)
    for form in ("riscv", "uimage", "uimage.gz", "fit", "fit.gz", "raw"):
        line.prompt()
        start = getattr(BOARD.boot.start, form.removesuffix(".gz")).format(address=place)
        line.run(f"virtio scan; load virtio 0:1 {place:#x} {form} && {start}")
        line.wait(b"hello, without" if form == "raw" else HELLO)  # go hands over argc and argv
