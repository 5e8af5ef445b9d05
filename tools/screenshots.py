"""Take the pictures of the documentation from the running console: ``python tools/screenshots.py``.

Each is the whole console with a real lab, after the keys of its row.  Names as arguments take
only these.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from starrylab.app import ConsoleApp
from starrylab.session.client import LabClient
from starrylab.session.config import LabConfig

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "docs"
SIZE: Final = (140, 40)
_WORK: Final = "ls /\rsleep 1000 | cat &\rps\r"

#: file -> what is done first: text for the guest, then keys; "B main_ls" types the words
SCENES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "screenshot": (_WORK, ()),
    "screen-processes": (_WORK, ("alt+2", "down", "down", "f6", "right", "right", "right")),
    "screen-memory": (_WORK, ("alt+3",)),
    "screen-debugger": (
        "",
        ("alt+4", "p", "B main_ls", "c", "guest ls /\r", "n", "n"),
    ),
    "screen-leaks": ("", ("alt+5", "s", "guest sleep 500 &\r", "r")),
    "screen-calls": ("", ("alt+6", "t", "guest ls / | head -3\r")),
    "screen-files": (_WORK, ("alt+7", "down", "enter")),
    "screen-labs": ("", ("alt+8", "down", "down", "down", "enter")),
    "screen-boards": ("", ("alt+9", "down", "down", "down", "enter", "f6", "right", "right")),
}


async def take(name: str, text: str, keys: tuple[str, ...]) -> None:
    """Boot a lab, play a scene, save the picture."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # no lab is started there
        client = LabClient(transcript_folder=Path(folder))
        app = ConsoleApp(LabConfig(), client)
        async with app.run_test(size=SIZE) as pilot:
            while client.snapshot.sequence < 1:
                await pilot.pause(0.05)
            await pilot.pause(0.5)
            client.send_input(text.encode())
            await pilot.pause(1.5)
            for key in keys:
                await _press(client, pilot, key)
                await pilot.pause(0.7)
            await pilot.pause(1)
            app.save_screenshot(f"{name}.svg", str(TARGET))


async def _press(client: LabClient, pilot: Any, key: str) -> None:
    first, _, words = key.partition(" ")
    if first == "guest":
        client.send_input(words.encode())
        await pilot.pause(2)
        return
    await pilot.press(first)
    if words:
        await pilot.press(*words, "enter")


def main() -> None:
    """Take them all."""
    for name in sys.argv[1:] or SCENES:
        text, keys = SCENES[name]
        asyncio.run(take(name, text, keys))
        print(TARGET / f"{name}.svg")


if __name__ == "__main__":
    main()
