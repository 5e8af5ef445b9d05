"""`starrylab serve`: who gets in, and that a visitor sees a lab."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import time

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from starrylab.cli import main
from starrylab.serving import ConsoleServer, is_loopback, outward_address

COUNT = f"{sys.executable} -c 'print(1)'"


@pytest.fixture
async def visit():
    """Return a function that serves with a token or without, and makes a visitor."""
    clients = []

    async def serve(host: str = "127.0.0.1", token: str | None = None) -> TestClient:
        server = ConsoleServer(COUNT, host, 8000, token=token)
        app = await server._make_app()
        app.on_startup.clear()
        client = TestClient(TestServer(app, host="127.0.0.1"))
        await client.start_server()
        clients.append(client)
        return client

    yield serve
    for client in clients:
        await client.close()


async def test_the_page_comes_with_the_visitors_own_addresses(visit) -> None:
    client = await visit()
    response = await client.get("/")
    assert response.status == 200
    page = await response.text()
    assert f"ws://127.0.0.1:{client.port}/ws" in page
    addresses = re.findall(r'(?:href|src)="([^"]+)"|url\("?([^")]+)', page)
    assert len(addresses) >= 4
    for linked, styled in addresses:
        address = (linked or styled).removeprefix(f"http://127.0.0.1:{client.port}")
        assert address.startswith("/static/")
        assert (await client.get(address)).status == 200, address


@pytest.mark.parametrize("path", ["/", "/ws"])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example:8000"}],
)
async def test_pages_of_other_sites_are_refused(visit, path, headers) -> None:
    client = await visit()
    response = await client.get(path, headers=headers)
    assert response.status == 403


async def test_the_token_opens_the_door_and_does_not_stay_in_sight(visit) -> None:
    client = await visit("0.0.0.0", "secret")  # an address of everybody, on purpose
    for path in ("/", "/ws", "/?token=wrong", "/static/js/textual.js", "/ws?token=secret"):
        response = await client.get(path, allow_redirects=False)
        assert response.status == 403, path
        assert "token" in await response.text()
    response = await client.get("/?token=secret", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (302, "/")
    assert "HttpOnly" in response.headers["Set-Cookie"]
    client.session.cookie_jar.update_cookies(response.cookies, client.make_url("/"))
    response = await client.get("/")
    assert response.status == 200


def test_a_token_is_made_where_others_can_reach_the_page() -> None:
    assert not ConsoleServer(COUNT, "127.0.0.1", 8000).token
    assert not ConsoleServer(COUNT, "::1", 8000).token
    token = ConsoleServer(COUNT, "0.0.0.0", 8000).token
    assert len(token) > 16
    assert token != ConsoleServer(COUNT, "0.0.0.0", 8000).token
    assert ConsoleServer(COUNT, "::1", 80, token="x").address == "http://[::1]:80/?token=x"


@pytest.mark.parametrize(
    ("host", "answer"),
    [("localhost", True), ("127.8.8.8", True), ("::1", True), ("10.0.0.1", False), ("", False),
     ("example.org", False)],
)  # fmt: skip
def test_loopback(host, answer) -> None:
    assert is_loopback(host) is answer


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--new", "--control"], "--new makes labs"),
        (["--new", "--port", "0"], "give 1 to 65535"),
        (["--new", "--host", "no.such.host.invalid"], "cannot listen"),
    ],
)
def test_bad_options(options, words, capsys) -> None:
    assert main(["serve", *options]) != 0
    assert words in capsys.readouterr().err


def test_a_port_in_use(capsys) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "--new", "--port", str(port)]) != 0
    assert "choose another --port" in capsys.readouterr().err


def test_no_lab(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("starrylab.session.relay.socket_folder", lambda: tmp_path)
    assert main(["serve"]) != 0
    assert "no lab is running" in capsys.readouterr().err


async def test_a_visitor_sees_a_lab_and_types() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "starrylab", "serve", "--new", "--port", str(port),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        assert f"http://127.0.0.1:{port}/".encode() in line
        await asyncio.to_thread(_wait_for, port)  # the line comes a moment before
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{port}/ws?width=100&height=30") as page,
        ):
            await _sees(page, b"starry:~#")
            for key in "echo $((6*7))x\r":
                await page.send_json(["stdin", key])
            await _sees(page, b"42x")
    finally:
        process.terminate()
        await process.wait()


def _wait_for(port: int) -> None:
    for _ in range(1000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("nobody listens")


async def _sees(page: aiohttp.ClientWebSocketResponse, words: bytes) -> None:
    """Wait until the drawn page has shown ``words``."""
    seen = b""
    async with asyncio.timeout(60):
        while words not in seen:
            message = await page.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), seen[-2000:]
            if message.type == aiohttp.WSMsgType.BINARY:
                seen += message.data


def test_an_address_that_others_reach_is_told() -> None:
    """0.0.0.0 is no address for a browser on another machine."""
    assert outward_address("127.0.0.1") == "127.0.0.1"
    assert outward_address("lab.example") == "lab.example"
    assert outward_address("0.0.0.0") not in ("", "0.0.0.0")
    assert "//0.0.0.0:" not in ConsoleServer("true", "0.0.0.0", 8000).address
