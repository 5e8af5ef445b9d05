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
    raise NotImplementedError("make_image")


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
    raise NotImplementedError("get_prompt")


def command(port: Any, line: str) -> str:
    """Enter ``line`` at the prompt; return what it printed, without the echo and the next prompt."""
    raise NotImplementedError("command")


def send_file(port: Any, name: str, data: bytes) -> None:
    """Send a file by YMODEM to a receiver that asks for it; OSError if it cannot be done."""
    raise NotImplementedError("send_file")


def flash(port: Any, board: Any, image: bytes) -> None:
    """Load ``image`` to board.load_address, make sure that it is there, and start it; OSError."""
    raise NotImplementedError("flash")


if __name__ == "__main__":
    from starrylab.labs.try_board import main

    main(sys.argv, make_image, flash)
