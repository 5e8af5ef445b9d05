"""Build a Debian tree: what to fetch, in which order, and what is told meanwhile."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..tree import RootfsError, Tree
from .fetch import Cache, Missing, Report, Unreachable, Wanted, fetch_text, write_whole
from .release import KEYRING, Release, unverified, verify_signature
from .resolver import base_set, resolve_packages
from .unpack import Unpacker

_APT: Final = Path("/etc/apt")
#: our name of an architecture -> Debian's
ARCHITECTURES: Final = {"riscv64": "riscv64", "arm64": "arm64", "loong64": "loong64"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build."""

    suite: str
    mirror: str
    arch: str = "riscv64"
    include: Sequence[str] = ()
    variant: str = "minimal"
    keyring: Path | None = KEYRING  #: None: the signature is not looked at


def host_mirror(folder: Path = _APT) -> str:
    """Return the address of the Debian archive that this host's own apt uses."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    text = "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
    found = re.findall(r"^URIs:\s*(\S+)|^deb\s+(?:\[[^]]*\]\s*)?(\S+)", text, re.MULTILINE)
    for address in (first or second for first, second in found):
        if re.search(r"/debian/?$", address):
            return str(address)
    raise RootfsError("this host's apt knows no Debian archive; give one with --mirror URL")


def build_tree(
    recipe: Recipe, folder: Path, say: Callable[[str], None], report: Report
) -> tuple[Tree, int]:
    """Return the tree, and how many packages are in it; raise RootfsError.

    Everything fetched stays in `folder`, so the next time starts where this one ended.
    """
    try:
        cache = Cache(folder / "files")
    except OSError as error:
        raise RootfsError(f"cannot write {folder}: {error.strerror}") from None
    mirror = recipe.mirror.rstrip("/")
    suite_url = f"{mirror}/dists/{recipe.suite}"
    say(f"reading {recipe.suite}'s index")
    release = _release(recipe, suite_url, folder, say)
    index = release.index(cache, suite_url, ARCHITECTURES[recipe.arch], report)
    packages = resolve_packages(index, [*base_set(index, recipe.variant), *recipe.include])
    files = [
        Wanted(f"{mirror}/{p.fields['Filename']}", p.fields["SHA256"], p.size) for p in packages
    ]
    say(f"fetching {sum(not cache.has(f.sha256) for f in files)} of {len(files)} packages")
    cache.fetch_all(files, report)
    say("unpacking")
    unpacker = Unpacker()
    # base-files first: its modes of the common folders are those that hold.
    for package in sorted(packages, key=lambda p: (p.name != "base-files", p.name)):
        unpacker.add(package, cache.path(package.fields["SHA256"]))
    tree = unpacker.finish()
    tree.file("etc/apt/sources.list", f"deb {mirror} {recipe.suite} main\n")
    return tree, len(packages)


def _release(recipe: Recipe, suite_url: str, folder: Path, say: Callable[[str], None]) -> Release:
    """Fetch and verify InRelease; without a network the last one that was good."""
    kept = folder / f"InRelease-{hashlib.sha256(suite_url.encode()).hexdigest()[:16]}"
    try:
        data = fetch_text(f"{suite_url}/InRelease")
    except Missing:
        raise RootfsError(f"the mirror has no suite {recipe.suite} ({suite_url})") from None
    except Unreachable as error:
        if not kept.is_file():
            raise
        say(f"{error}; going on with what is cached")
        data = kept.read_bytes()
    text = unverified(data) if recipe.keyring is None else verify_signature(data, recipe.keyring)
    release = Release.parse(text, recipe.suite)
    write_whole(kept, data)
    return release
