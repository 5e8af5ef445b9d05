"""The signed list of a suite's indexes: InRelease (Debian's repository format, apt-secure(8))."""

from __future__ import annotations

import email.utils
import gzip
import lzma
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..tree import RootfsError
from .fetch import Cache, Report, Wanted
from .index import Index, parse_stanzas

KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_CLEARSIGNED: Final = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----\n(?:[^\n]+\n)*\n(.*?)\n-----BEGIN PGP SIGNATURE-----",
    re.DOTALL,
)
_HASH: Final = re.compile(r"^ ([0-9a-f]{64})\s+(\d+)\s+(\S+)$", re.MULTILINE)
_UNPACK: Final = {".xz": lzma.decompress, ".gz": gzip.decompress}


def verify_signature(data: bytes, keyring: Path) -> bytes:
    """Return what the keys of `keyring` have signed in `data`; raise RootfsError."""
    if shutil.which("gpgv") is None:
        raise RootfsError(
            "gpgv is missing, so signatures cannot be verified; install gpgv, "
            "or trust whoever answers with --no-check-signature"
        )
    if not keyring.is_file():
        raise RootfsError(
            f"there is no keyring {keyring}; install debian-archive-keyring, give --keyring FILE, "
            "or trust whoever answers with --no-check-signature"
        )
    with tempfile.TemporaryDirectory() as folder:
        signed, plain = Path(folder, "InRelease"), Path(folder, "Release")
        signed.write_bytes(data)
        command = ["gpgv", "--keyring", str(keyring), "--output", str(plain), str(signed)]
        result = subprocess.run(command, capture_output=True, check=False)
        if result.returncode != 0 or not plain.is_file():
            raise RootfsError(
                f"the signature of InRelease is not by a key in {keyring}; "
                "somebody changed it, or the keyring is older than the suite"
            )
        return plain.read_bytes()


def unverified(data: bytes) -> bytes:
    """Return the text inside a signature that nobody has looked at; raise RootfsError."""
    found = _CLEARSIGNED.search(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    if found is None:
        raise RootfsError("the mirror's InRelease is no signed text; is this a Debian mirror?")
    return found[1].encode()


@dataclass(frozen=True, slots=True)
class Release:
    """What a suite says of itself."""

    fields: dict[str, str]
    hashes: dict[str, tuple[str, int]]  #: path below the suite -> SHA-256, size

    @property
    def date(self) -> float:
        """When it was signed, in seconds since 1970; 0 if it does not say."""
        when = email.utils.parsedate_tz(self.fields.get("Date", ""))
        return email.utils.mktime_tz(when) if when is not None else 0.0

    @classmethod
    def parse(cls, text: bytes, suite: str, *, expired: bool = False) -> Release:
        """Read a Release file of the suite asked for, still valid unless `expired` will do.

        Raises RootfsError.
        """
        fields = next(parse_stanzas(text.decode("utf-8", "replace")), {})
        names = (fields.get("Suite"), fields.get("Codename"))
        if suite not in names:
            raise RootfsError(
                f"the mirror answers with {names[1] or 'something else'}, not {suite}"
            )
        until = email.utils.parsedate_tz(fields.get("Valid-Until", ""))
        if until is not None and email.utils.mktime_tz(until) < time.time() and not expired:
            raise RootfsError(
                f"the mirror's {suite} is out of date since {fields['Valid-Until']}; try another "
                "--mirror, or take it as a snapshot of the past with --no-check-valid-until"
            )
        hashes = {
            path: (digest, int(size))
            for digest, size, path in _HASH.findall("\n" + fields.get("SHA256", ""))
        }
        return cls(fields, hashes)

    def index(self, cache: Cache, suite_url: str, arch: str, report: Report) -> Index:
        """Fetch and read the index of an architecture; raise RootfsError."""
        for ending, unpack in _UNPACK.items():
            path = f"main/binary-{arch}/Packages{ending}"
            found = self.hashes.get(path)
            if found is None:
                continue
            digest, size = found
            if self.fields.get("Acquire-By-Hash") == "yes":
                path = f"main/binary-{arch}/by-hash/SHA256/{digest}"
            cache.fetch_all([Wanted(f"{suite_url}/{path}", digest, size)], report)
            text = unpack(cache.path(digest).read_bytes())
            return Index.parse(text.decode("utf-8", "replace"))
        others = self.fields.get("Architectures", "").removeprefix("all ")
        raise RootfsError(
            f"this suite has no packages for {arch}{f', only for {others}' if others else ''}"
        )
