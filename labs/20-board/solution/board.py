"""Lab 20: an image, and the way onto a board."""

from __future__ import annotations

import struct
import sys
import zlib
from binascii import crc_hqx
from typing import Any

SOH, STX, EOT, ACK = b"\x01", b"\x02", b"\x04", b"\x06"
PROMPT = b"=> "


def make_image(board: Any, code: bytes, entry: int, memory_size: int) -> bytes:
    """Return a RISC-V Image whose header is followed by ``code``.

    ``entry`` is the offset in ``code`` where it starts, ``memory_size`` what the code takes
    in memory (its zeros are not in the file).  ValueError if it would not lie in RAM, or on
    something reserved.
    """
    start, size = board.run_address, 64 + memory_size
    if start < board.ram or start + size > board.ram + board.ram_size:
        raise ValueError(f"{start:#x}..{start + size - 1:#x} is not in RAM")
    for other, length, why in board.reserved:
        if start < other + length and other < start + size:
            raise ValueError(f"the image would lie on {why}")
    distance = 64 + entry
    jump = 0x6F | (distance >> 20 & 1) << 31 | (distance >> 1 & 0x3FF) << 21
    jump |= (distance >> 11 & 1) << 20 | (distance >> 12 & 0xFF) << 12
    header = struct.pack(
        "<IIQQQIIQ8s4sI",
        *(jump, 0x13, start - board.ram, size, 0, 2, 0, 0, b"RISCV\0\0\0", b"RSC\x05", 0),
    )
    return header + code


def wait_for(port: Any, text: bytes, seconds: float) -> bytes:
    """Read up to ``text``; return all that came, ``text`` included; TimeoutError."""
    seen, end = b"", port.now() + seconds
    while not seen.endswith(text):
        if port.now() >= end:
            raise TimeoutError(f"waited for {text!r}, got {seen[-80:]!r}")
        seen += port.read(1, 0.1)
    return seen


def get_prompt(port: Any) -> None:
    """Come to an empty line behind the boot loader's prompt; TimeoutError after some ten seconds."""
    end = port.now() + 10
    while port.now() < end:
        port.write(b"\x03")
        seen = b""
        while more := port.read(64, 0.3):
            seen += more
        if seen.endswith(PROMPT):
            return
    raise TimeoutError("no prompt")


def command(port: Any, line: str) -> str:
    """Enter ``line`` at the prompt; return what it printed, without the echo and the next prompt."""
    port.write(line.encode() + b"\r")
    said = wait_for(port, b"\n" + PROMPT, 10)
    return said.decode().partition("\n")[2].removesuffix(PROMPT.decode()).strip()


def send_file(port: Any, name: str, data: bytes) -> None:
    """Send a file by YMODEM to a receiver that asks for it; OSError if it cannot be done."""
    _wait_byte(port, b"C", 10)
    _deliver(port, _packet(0, f"{name}\0{len(data)}\0".encode().ljust(128, b"\0")))
    for number, at in enumerate(range(0, len(data), 1024), 1):
        _deliver(port, _packet(number, data[at : at + 1024].ljust(1024, b"\x1a")))
    _deliver(port, EOT)
    _wait_byte(port, b"C", 10)
    _deliver(port, _packet(0, bytes(128)))


def _packet(number: int, content: bytes) -> bytes:
    kind = SOH if len(content) == 128 else STX
    check = crc_hqx(content, 0).to_bytes(2, "big")
    return kind + bytes((number & 0xFF, 0xFF - (number & 0xFF))) + content + check


def _deliver(port: Any, packet: bytes) -> None:
    for _ in range(10):
        port.write(packet)
        answer = port.read(1, 5)
        while answer not in (ACK, b"C", b""):
            answer = port.read(1, 5)
        if answer == ACK:
            return
    raise OSError("a block does not arrive")


def _wait_byte(port: Any, wanted: bytes, seconds: float) -> None:
    try:
        wait_for(port, wanted, seconds)
    except TimeoutError as error:
        raise OSError(str(error)) from None


def flash(port: Any, board: Any, image: bytes) -> None:
    """Load ``image`` to board.load_address, make sure that it is there, and start it; OSError."""
    get_prompt(port)
    at = board.load_address
    for _ in range(3):
        port.write(f"loady {at:#x}\r".encode())
        wait_for(port, b"bps...\r\n", 5)
        send_file(port, "image", image)
        wait_for(port, PROMPT, 10)
        said = command(port, f"crc32 {at:#x} {len(image):#x}")
        if said.endswith(f"{zlib.crc32(image):08x}"):
            port.write(f"booti {at:#x} - ${{fdtcontroladdr}}\r".encode())
            return
    raise OSError("the image is damaged in memory again and again")


if __name__ == "__main__":
    from starrylab.labs.try_board import main

    main(sys.argv, make_image, flash)
