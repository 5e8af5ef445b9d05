"""Build a Debian tree: what to fetch, in which order, and what is told meanwhile."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..tree import RootfsError, Tree
from .deb import has_preinst
from .fetch import Cache, Missing, Report, Unreachable, Wanted, fetch_text, write_whole
from .index import Index, Package
from .offline import add_archive
from .order import in_order
from .release import KEYRING, Release, unverified, verify_signature
from .resolver import base_set, resolve_packages
from .unpack import Unpacker

_APT: Final = Path("/etc/apt")
#: what no package brings
_SETTINGS: Final = {
    "etc/hostname": "starry\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tstarry\n",
    "etc/resolv.conf": "# no name server: the lab has no network\n",
    "etc/default/locale": "LANG=C.UTF-8\n",
}
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
    archive: Sequence[str] = ()  #: what apt shall find in the root, with what it needs
    expired: bool = False  #: whether a suite that is out of date will do
    scripts: bool = True  #: whether a lab will run the packages' scripts

    @property
    def address(self) -> str:
        """The mirror without a slash at its end."""
        return self.mirror.rstrip("/")


@dataclass(frozen=True, slots=True)
class Built:
    """A tree of unpacked packages, and what a lab has to do before it configures them."""

    tree: Tree
    count: int  #: of packages in it, and in `later`
    preinsts: Sequence[str]  #: names below /var/lib/dpkg/info whose preinst has not run, in order
    later: Sequence[Path] = ()  #: packages that dpkg has to unpack, in order


def host_mirror(folder: Path = _APT) -> str:
    """Return the address of the Debian archive that this host's own apt uses."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    text = "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
    found = re.findall(r"^URIs:\s*(\S+)|^deb\s+(?:\[[^]]*\]\s*)?(\S+)", text, re.MULTILINE)
    for address in (first or second for first, second in found):
        if re.search(r"/debian/?$", address):
            return str(address)
    raise RootfsError("this host's apt knows no Debian archive; give one with --mirror URL")


def build_tree(recipe: Recipe, folder: Path, say: Callable[[str], None], report: Report) -> Built:
    """Return the tree of the packages; raise RootfsError.

    Everything fetched stays in `folder`, so the next time starts where this one ended.
    """
    cache, index = open_suite(recipe, folder, say, report)
    base = base_set(index, recipe.variant)
    packages = resolve_packages(index, [*base, *recipe.include])
    names = {package.name for package in packages}
    spare = [p for p in resolve_packages(index, [*names, *recipe.archive]) if p.name not in names]
    fetch_packages(cache, recipe, [*packages, *spare], say, report)
    say("unpacking")
    first = {package.name for package in resolve_packages(index, base)}
    built = _unpack(recipe, cache, packages, first)
    tree = built.tree
    tree.file("etc/apt/sources.list", f"deb {recipe.address} {recipe.suite} main\n")
    for path, text in _SETTINGS.items():
        if tree.resolve(path) is None:
            tree.file(path, text)
    if recipe.archive:
        add_archive(tree, spare, cache)
    return built


def open_suite(
    recipe: Recipe, folder: Path, say: Callable[[str], None], report: Report
) -> tuple[Cache, Index]:
    """Return where files are kept, and the verified index of a suite; raise RootfsError."""
    try:
        cache = Cache(folder / "files")
    except OSError as error:
        raise RootfsError(f"cannot write {folder}: {error.strerror}") from None
    suite_url = f"{recipe.address}/dists/{recipe.suite}"
    say(f"reading {recipe.suite}'s index")
    release = _release(recipe, suite_url, folder, say)
    return cache, release.index(cache, suite_url, ARCHITECTURES[recipe.arch], report)


def fetch_packages(
    cache: Cache, recipe: Recipe, packages: list[Package], say: Callable[[str], None],
    report: Report,
) -> None:  # fmt: skip
    """Have packages in the cache; raise RootfsError."""
    files = [
        Wanted(f"{recipe.address}/{p.fields['Filename']}", p.fields["SHA256"], p.size)
        for p in packages
    ]
    say(f"fetching {sum(not cache.has(f.sha256) for f in files)} of {len(files)} packages")
    cache.fetch_all(files, report)


def _unpack(recipe: Recipe, cache: Cache, packages: list[Package], first: set[str]) -> Built:
    """Unpack what needs no script to run before that; of the first packages all.

    A preinst of the first packages has nothing to find on a new system, and runs later. Others may
    move files of theirs out of the way, so dpkg unpacks what has one.
    """
    later: list[Package] = []
    early: list[Package] = []
    for package in in_order(packages):
        waits = (
            recipe.scripts
            and package.name not in first
            and has_preinst(cache.path(package.fields["SHA256"]), package.name)
        )
        (later if waits else early).append(package)
    unpacker = Unpacker()
    # base-files first: its modes of the common folders are those that hold.
    for package in sorted(early, key=lambda p: (p.name != "base-files", p.name)):
        unpacker.add(package, cache.path(package.fields["SHA256"]))
    preinsts = [unpacker.preinsts[p.name] for p in early if p.name in unpacker.preinsts]
    paths = [cache.path(package.fields["SHA256"]) for package in later]
    return Built(unpacker.finish(), len(packages), preinsts, paths)


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
    release = _read(data, recipe)
    if recipe.keyring is not None and kept.is_file():
        _refuse_older(release, kept, recipe)
    write_whole(kept, data)
    return release


def _read(data: bytes, recipe: Recipe) -> Release:
    text = unverified(data) if recipe.keyring is None else verify_signature(data, recipe.keyring)
    return Release.parse(text, recipe.suite, expired=recipe.expired)


def _refuse_older(release: Release, kept: Path, recipe: Recipe) -> None:
    """Raise RootfsError if a mirror goes back in time, as one that replays old updates does."""
    try:
        last = _read(kept.read_bytes(), recipe)
    except (RootfsError, OSError):
        return  # signed by nobody that is trusted, or out of date
    if release.date < last.date:
        raise RootfsError(
            f"the mirror's {recipe.suite} is of {release.fields['Date']}, older than what it had "
            f"before ({last.fields['Date']}); try another --mirror, or remove {kept} to take it"
        )
