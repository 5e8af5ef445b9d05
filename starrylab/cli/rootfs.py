"""`starrylab rootfs`: make root file systems, and keep them by name."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import UserError

if TYPE_CHECKING:
    from ..rootfs.debian.build import Recipe

_INTERVAL_S: Final = 0.2
_OF_ONE: Final = {
    "remove": "delete a root and its changes",
    "path": "print where the TAR file of a root is, without its changes",
    "diff": "list what was changed in a root (run --keep): A added, C changed, D deleted",
    "reset": "throw the changes of a root away",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `rootfs` can do."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a root file system", allow_abbrev=False)
    _add_create(create)
    actions.add_parser("list", help="list the roots that were made")
    for name, text in _OF_ONE.items():
        actions.add_parser(name, help=text).add_argument("name", metavar="NAME")
    fetch = actions.add_parser(
        "fetch", help="put packages into a Debian root, for its apt to install without a network"
    )
    fetch.add_argument("name", metavar="NAME")
    fetch.add_argument("packages", nargs="+", metavar="PKG")
    _add_trust(fetch)
    export = actions.add_parser("export", help="write a root with its changes to a TAR file")
    export.add_argument("name", metavar="NAME")
    export.add_argument("-o", "--output", required=True, metavar="FILE.tar")


def _add_create(create: argparse.ArgumentParser) -> None:
    create.add_argument("name", metavar="NAME")
    source = create.add_mutually_exclusive_group(required=True)
    source.add_argument("--debian", metavar="SUITE", help="from Debian's packages, e.g. trixie")
    source.add_argument(
        "--from",
        dest="source",
        metavar="FILE.tar|DIR|IMG|NAME",
        help="from a TAR file, a folder, an ext4 disk image, a container image, or another root",
    )
    create.add_argument("--arch", default="riscv64", choices=["riscv64", "arm64", "loong64"])
    create.add_argument("--include", default="", metavar="PKG,...", help="more packages")
    create.add_argument(
        "--archive",
        default="",
        metavar="PKG,...",
        help="packages that apt can install in the lab, which has no network",
    )
    create.add_argument("--mirror", metavar="URL", help="default: the mirror of this host's apt")
    create.add_argument("--variant", default="minimal", choices=["minimal", "standard"])
    _add_trust(create)
    create.add_argument(
        "--no-configure", action="store_true", help="leave the packages unpacked, as arm64's are"
    )


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keyring", metavar="FILE", help="who may sign (default: Debian's keys)")
    parser.add_argument(
        "--no-check-signature",
        action="store_true",
        help="take what the mirror says: whoever controls it or the network controls the root",
    )
    parser.add_argument(
        "--no-check-valid-until",
        action="store_true",
        help="take a suite that is out of date, e.g. a snapshot of the past",
    )


def main(args: argparse.Namespace) -> int:
    """Do what was asked for; return the exit status."""
    from ..rootfs import RootfsError

    for signo in (signal.SIGTERM, signal.SIGHUP):
        # The lab that configures packages ends with us, and what is half done is removed.
        signal.signal(signo, lambda number, _: sys.exit(128 + number))
    try:
        _ACTIONS[args.action](args)
    except RootfsError as error:
        raise UserError(str(error), 1) from None
    return 0


def _list(_args: argparse.Namespace) -> None:
    from ..rootfs.store import layer_path, list_roots

    for path in list_roots():
        layer = layer_path(path.stem)
        changes = f"  + {layer.stat().st_size / 1e6:.1f} MB changes" if layer.exists() else ""
        print(f"{path.stem:24} {path.stat().st_size / 1e6:8.1f} MB{changes}")


def _remove(args: argparse.Namespace) -> None:
    from ..rootfs.store import remove_root

    remove_root(args.name)


def _path(args: argparse.Namespace) -> None:
    from ..rootfs.store import find_root

    print(find_root(args.name))


def _diff(args: argparse.Namespace) -> None:
    from ..rootfs.layers import describe
    from ..rootfs.store import read_root

    for line in describe(*read_root(args.name)):
        print(os.fsencode(line).decode("utf-8", "backslashreplace"))


def _reset(args: argparse.Namespace) -> None:
    from ..rootfs.store import reset_root

    reset_root(args.name)


def _fetch(args: argparse.Namespace) -> None:
    from ..rootfs.debian.adding import add_packages
    from ..userland import cache_folder

    progress = _Progress()
    count = add_packages(
        args.name, args.packages, cache_folder() / "debian-archive", progress.say, progress.bytes,
        keyring=_keyring(args), expired=args.no_check_valid_until,
    )  # fmt: skip
    print(f"{count} packages added; in the lab: apt-get update, apt-get install")


def _keyring(args: argparse.Namespace) -> Path | None:
    from ..rootfs.debian.release import KEYRING

    return None if args.no_check_signature else Path(args.keyring or KEYRING)


def _export(args: argparse.Namespace) -> None:
    from ..rootfs.layers import apply_layer
    from ..rootfs.store import find_root, read_root, write_tree

    output = Path(args.output)
    if output.exists() and output.samefile(find_root(args.name)):
        raise UserError(f"{output} is the root itself; give another file", 1)
    write_tree(apply_layer(*read_root(args.name)), output)


def _create(args: argparse.Namespace) -> None:
    from ..rootfs.configure import EXECUTABLE
    from ..rootfs.source import read_source
    from ..rootfs.store import making, publish, write_tree

    if args.source is not None:
        _refuse_debian_options(args)
    with making(args.name) as folder:
        if args.source is not None:
            made = folder / "root.tar"
            write_tree(read_source(args.source, args.arch), made)
        else:
            made = _create_debian(args, folder)
        publish(args.name, made)
    advice = f"; try: starrylab run --rootfs {args.name} --memory 1G"
    print(f"made {args.name}{advice if args.arch in EXECUTABLE else ''}")


def _refuse_debian_options(args: argparse.Namespace) -> None:
    """Raise UserError for what only means something with --debian."""
    for option in ("include", "archive", "mirror", "keyring", "no_configure", "no_check_signature",
                   "no_check_valid_until"):  # fmt: skip
        if getattr(args, option):
            raise UserError(f"--{option.replace('_', '-')} goes with --debian, not with --from")


def _create_debian(args: argparse.Namespace, folder: Path) -> Path:
    """Make a root in `folder`; return its TAR file."""
    from ..rootfs.configure import configure
    from ..rootfs.debian.build import build_tree
    from ..rootfs.store import write_tree
    from ..userland import cache_folder

    progress = _Progress()
    recipe = _recipe(args)
    built = build_tree(recipe, cache_folder() / "debian-archive", progress.say, progress.bytes)
    unpacked, configured = folder / "unpacked.tar", folder / "configured.tar"
    progress.say(f"{built.count - len(built.later)} of {built.count} packages unpacked")
    write_tree(built.tree, unpacked)
    if not recipe.scripts:
        if not args.no_configure:
            progress.say(
                f"not configured: no lab executes {args.arch}; no script of a package has run, "
                "`dpkg --configure -a` on such a machine makes up for it"
            )
        return unpacked
    progress.say("configuring the packages in a lab; this takes some minutes")
    configure(unpacked, configured, args.arch, progress.say, built)
    return configured


def _recipe(args: argparse.Namespace) -> Recipe:
    from ..rootfs.configure import EXECUTABLE
    from ..rootfs.debian.build import Recipe, host_mirror

    return Recipe(
        args.debian,
        args.mirror or host_mirror(),
        args.arch,
        _names(args.include),
        args.variant,
        _keyring(args),
        _names(args.archive),
        expired=args.no_check_valid_until,
        scripts=args.arch in EXECUTABLE and not args.no_configure,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


class _Progress:
    """Tells a person what goes on; on a terminal with bytes and the time left."""

    def __init__(self) -> None:
        self._tty = os.isatty(2)
        self._started = self._shown = 0.0
        self._open = False

    def say(self, text: str) -> None:
        """Tell the next step."""
        sys.stderr.write(f"{chr(10) if self._open else ''}starrylab: {text}\n")
        self._open, self._started = False, 0.0

    def bytes(self, done: int, total: int) -> None:
        """Tell how much has come."""
        now = time.monotonic()
        self._started = self._started or now
        if not self._tty or (now - self._shown < _INTERVAL_S and done < total):
            return
        self._shown, self._open = now, True
        left = (now - self._started) * (total - done) / max(done, 1)
        sys.stderr.write(f"\r{done / 1e6:8.1f} of {total / 1e6:.1f} MB, {left:.0f} s left \x1b[K")
        sys.stderr.flush()


_ACTIONS: Final = {
    "create": _create,
    "list": _list,
    "remove": _remove,
    "path": _path,
    "diff": _diff,
    "reset": _reset,
    "fetch": _fetch,
    "export": _export,
}
