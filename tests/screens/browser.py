"""A page in headless Chromium, driven by the DevTools protocol.

The page's terminal is xterm.js, which paints a canvas; what it shows is read from its buffer.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from pathlib import Path

import aiohttp

# No GPU, no network but the loopback address, nothing of its own in the background.
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0", "--window-size=1200,800",
)  # fmt: skip
# The page keeps its terminal in a local variable; its owner sets this field on itself first.
_CATCH_TERMINAL = """
Object.defineProperty(Object.prototype, "websocket_url", {set(value) {
    window.page = this;
    Object.defineProperty(this, "websocket_url", {value, writable: true});
}, configurable: true});
"""
_READ_TERMINAL = """
(() => {
    const buffer = window.page?.terminal?.buffer.active;
    if (!buffer) return "";
    const lines = [];
    for (let row = 0; row < buffer.length; row++)
        lines.push(buffer.getLine(row).translateToString(true));
    return lines.join("\\n");
})()
"""
_ALT = 1
#: Windows virtual key codes, by which Chromium knows keys without a character
_CODES = {"Enter": 13, "Escape": 27, **{f"F{number}": 111 + number for number in range(1, 13)}}


class Browser:
    """One browser with one page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    async def open(self, address: str) -> None:
        """Start, and go to ``address``."""
        program = shutil.which("chromium")
        assert program is not None
        self._process = await asyncio.create_subprocess_exec(
            program, *_OPTIONS, f"--user-data-dir={self._folder}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._session = aiohttp.ClientSession()
        self._page = await self._session.ws_connect(await self._page_address(), max_msg_size=0)
        await self._do("Page.enable")
        await self._do("Page.addScriptToEvaluateOnNewDocument", source=_CATCH_TERMINAL)
        await self._do("Page.navigate", url=address)

    async def _page_address(self) -> str:
        port_file = self._folder / "DevToolsActivePort"
        async with asyncio.timeout(60):
            while True:
                assert self._process.returncode is None, "chromium ended"
                if port_file.exists() and (lines := port_file.read_text().splitlines()):
                    address = f"http://127.0.0.1:{lines[0]}/json/list"
                    async with self._session.get(address) as answer:
                        for target in await answer.json():
                            if target["type"] == "page":
                                return str(target["webSocketDebuggerUrl"])
                await asyncio.sleep(0.05)

    async def _do(self, method: str, **params: object) -> dict:
        self._number += 1
        await self._page.send_json({"id": self._number, "method": method, "params": params})
        while True:
            message = await self._page.receive_json(timeout=60)
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])

    async def evaluate(self, script: str) -> object:
        """Return the value of an expression of the page."""
        answer = await self._do("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def text(self) -> str:
        """Return what the page's terminal shows."""
        return str(await self.evaluate(_READ_TERMINAL))

    async def shows(self, pattern: str, seconds: float = 60) -> str:
        """Wait until the terminal shows ``pattern``."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, text := await self.text()):
            assert time.monotonic() < deadline, text
            await asyncio.sleep(0.05)
        return text

    async def holds(self, expression: str, seconds: float = 60) -> None:
        """Wait until an expression of the page is true."""
        deadline = time.monotonic() + seconds
        while not await self.evaluate(expression):
            assert time.monotonic() < deadline, await self.text()
            await asyncio.sleep(0.05)

    async def click(self, x: int, y: int) -> None:
        """Press and release the mouse at a place of the page, in pixels."""
        for kind in ("mousePressed", "mouseReleased"):
            await self._do(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def type(self, text: str) -> None:
        """Type characters."""
        for char in text:
            await self._key(key=char, text=char)

    async def press(self, name: str) -> None:
        """Press a key: ``Enter``, ``F5``, ``Alt-3`` ..."""
        rest = name.removeprefix("Alt-")
        modifiers = _ALT if rest != name else 0
        code = _CODES.get(rest) or ord(rest)
        text = "\r" if rest == "Enter" else ""
        await self._key(key=rest, text=text, windowsVirtualKeyCode=code, modifiers=modifiers)

    async def _key(self, **fields: object) -> None:
        await self._do("Input.dispatchKeyEvent", type="keyDown", **fields)
        del fields["text"]
        await self._do("Input.dispatchKeyEvent", type="keyUp", **fields)

    async def close(self) -> None:
        """End the browser."""
        if hasattr(self, "_page"):
            await self._page.close()
        if hasattr(self, "_session"):
            await self._session.close()
        if hasattr(self, "_process"):
            if self._process.returncode is None:
                self._process.terminate()
            await self._process.wait()
