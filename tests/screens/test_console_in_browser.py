"""The console in a real browser: `starrylab serve` and headless Chromium."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.screens.browser import Browser


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """Return a browser that has opened a new lab."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "starrylab", "serve", "--new", "--port", str(port),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {f"XDG_{kind}_HOME": str(tmp_path) for kind in ("CONFIG", "STATE")},
    )  # fmt: skip
    browser = Browser(tmp_path / "profile")
    try:
        assert server.stdout is not None
        assert b"console at" in await asyncio.wait_for(server.stdout.readline(), 60)
        await _listening(port)
        await browser.open(f"http://127.0.0.1:{port}/")
        yield browser
    finally:
        await browser.close()
        server.terminate()
        await server.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


async def test_a_session_in_the_page(browser: Browser) -> None:
    await browser.shows("starry:~# ")
    # nobody has to click into a terminal before typing
    await browser.holds("document.activeElement.classList.contains('xterm-helper-textarea')")
    await browser.type("echo $((6*7)) 操作系统")
    await browser.press("Enter")
    await browser.shows("42 操作系统")
    for number, words in enumerate(
        ("100%|free", "general", "allocator", "disassembly", "starts a measurement", "support",
         "open files", r"starts it, c checks|\d+ h", "visionfive2"), 1,
    ):  # fmt: skip
        await browser.press(f"Alt-{number}")
        await browser.shows(words)
    await browser.press("F10")
    await browser.holds("document.body.classList.contains('-closed')")
