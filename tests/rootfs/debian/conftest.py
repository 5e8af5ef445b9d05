"""A small Debian archive, served on the loopback interface, that can be made to lie."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import lzma
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

SUITE = "pebble"
UNSIGNED = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{}\n-----BEGIN PGP SIGNATURE-----\n"


def tar(*members: tuple[str, bytes, str, bytes, int]) -> bytes:
    """Pack members: name, type, link, content, mode."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, kind, link, content, mode in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size, info.mode = kind, link, len(content), mode
            info.gid = 42
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def deb(control: str, *data: tuple[str, bytes, str, bytes, int], **scripts: str) -> bytes:
    """Make a package's archive."""
    files = {"control": control, **scripts}
    head = tar(*((f"./{n}", tarfile.REGTYPE, "", t.encode(), 0o644) for n, t in files.items()))
    packed = b"!<arch>\n"
    for name, content in (
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", lzma.compress(head)),
        ("data.tar.xz", lzma.compress(tar(*data))),
    ):
        packed += f"{name:16}{0:12}{0:6}{0:6}{'100644':8}{len(content):<10}`\n".encode()
        packed += content + b"\n" * (len(content) % 2)
    return packed


class Archive(http.server.ThreadingHTTPServer):
    """Packages behind an address; `asked` has the paths that were asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder)))
        self.folder = folder
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._stanzas: list[str] = []
        (folder / "pool").mkdir()

    def add(self, control: str, content: bytes) -> Path:
        """Put a package into the pool."""
        name = control.split("\n")[0].removeprefix("Package: ")
        path = self.folder / "pool" / f"{name}.deb"
        path.write_bytes(content)
        where = f"Filename: pool/{name}.deb\nSize: {len(content)}\n"
        digest = hashlib.sha256(content).hexdigest()
        self._stanzas.append(f"{control.strip()}\n{where}SHA256: {digest}\n")
        return path

    def publish(self, **fields: str) -> str:
        """Write the index; return the text of Release, signed by nobody so far."""
        index = lzma.compress("\n".join(self._stanzas).encode())
        base = self.folder / "dists" / SUITE
        place = base / "main/binary-riscv64"
        place.mkdir(parents=True, exist_ok=True)
        (place / "Packages.xz").write_bytes(index)
        lines = {"Codename": SUITE, **fields}
        text = "".join(f"{name}: {value}\n" for name, value in lines.items())
        digest = hashlib.sha256(index).hexdigest()
        text += f"SHA256:\n {digest} {len(index)} main/binary-riscv64/Packages.xz"
        (base / "InRelease").write_text(UNSIGNED.format(text))
        return text


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Archive)
        self.server.asked.append(self.path)
        path = Path(self.translate_path(self.path))
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if not start or not path.is_file():
            super().do_GET()
            return
        data = path.read_bytes()[start:]
        self.send_response(206 if data else 416)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        with suppress(ConnectionError):  # who asked may have been killed, or had enough
            super().copyfile(source, outputfile)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    folder = tmp_path / "archive"
    folder.mkdir()
    server = Archive(folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
