"""The console in a browser: textual-serve, and who may reach it.

Whoever reaches the page can look at a lab, and with control can type into it.  So it listens
on the loopback address unless told otherwise, and then only for those who have the token;
and a page of another site, open in the same browser, is refused in any case.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

#: addresses for documentation (RFC 5737, RFC 3849): nobody has them, so they are somewhere else
_ELSEWHERE: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_COOKIE: Final = "starrylab-token"
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
# The page's style sheet of a font comes from another host: a class room without the Internet would
# wait for it, and the other host would learn of each visitor.  The font itself is in the package.
_FOREIGN_SHEET: Final = re.compile(r'<link\s[^>]*href="https?://[^"]*fonts[^"]*"[^>]*>')
_OWN_FONT: Final = """<style>@font-face {
  font-family: "Roboto Mono"; font-weight: 100 700;
  src: url("/static/fonts/RobotoMono-VariableFont_wght.ttf");
}</style>"""
# The page takes no key before it was clicked, which nobody expects of a terminal.
_TAKE_KEYS: Final = """<script>
const waiting = setInterval(() => {
  const keys = document.querySelector("body.-first-byte .xterm-helper-textarea");
  if (keys) { keys.focus(); clearInterval(waiting); }
}, 100);
</script>"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches ``host``."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def outward_address(host: str) -> str:
    """Return ``host``, or for "0.0.0.0" and "::" this machine's address in its network."""
    try:
        if not ipaddress.ip_address(host).is_unspecified:
            return host
    except ValueError:
        return host
    family, elsewhere = _ELSEWHERE[":" in host]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))  # sends nothing: only asks for the way
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()


class ConsoleServer(Server):
    """Serves a command that is a Textual app; each visitor gets a process of its own."""

    def __init__(self, command: str, host: str, port: int, *, token: str | None = None) -> None:
        """Without ``token`` one is made if ``host`` can be reached from elsewhere."""
        super().__init__(command, host=host, port=port, title="StarryLab")
        self.token = token or ("" if is_loopback(host) else secrets.token_urlsafe(16))

    @property
    def address(self) -> str:
        """What to open in a browser; where it listens on all addresses, one that others reach."""
        host = outward_address(self.host)
        host = f"[{host}]" if ":" in host else host
        query = f"?token={self.token}" if self.token else ""
        return f"http://{host}:{self.port}/{query}"

    def initialize_logging(self) -> None:
        """Leave logging as it is; see `Server`."""

    async def on_startup(self, app: web.Application) -> None:
        """Say where the console is; see `Server`."""
        sys.stdout.write(f"console at {self.address}  (Ctrl-C ends it)\n")
        sys.stdout.flush()

    async def handle_index(self, request: web.Request) -> Any:
        """Answer with addresses as the visitor sees them; see `Server`."""
        self.public_url = f"{request.scheme}://{request.host}"
        response: Any = await super().handle_index(request)
        response.text = _FOREIGN_SHEET.sub(_OWN_FONT + _TAKE_KEYS, response.text)
        return response

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who may: the right host name, no other site's page, the token if there is one."""
        host = urlsplit(f"//{request.host}").hostname or ""
        if is_loopback(self.host) and host not in _LOOPBACK_NAMES:
            raise web.HTTPForbidden(text=f"this console is not {host}'s\n")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="a page of another site cannot open this console\n")
        if not self.token:
            return await handler(request)
        given = request.query.get("token")
        if given is not None and self._is_token(given) and request.path == "/":
            response = web.HTTPFound("/")  # so that the token does not stay in sight
            response.set_cookie(_COOKIE, given, httponly=True, samesite="Strict")
            raise response
        if not self._is_token(request.cookies.get(_COOKIE, "")):
            raise web.HTTPForbidden(text="open the address with the token that serve printed\n")
        return await handler(request)

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.token.encode())
