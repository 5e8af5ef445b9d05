"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
from typing import Final

from ..session.config import Bind, LabConfig
from .errors import UserError

_UNITS: Final = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SMALLEST: Final = 16 << 20
_LARGEST: Final = 32 << 30


def add_machine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what describes a machine and what runs on it."""
    parser.add_argument("--arch", default="riscv64", choices=["riscv64"], help="instruction set")
    parser.add_argument(
        "--rootfs", metavar="DIR|TAR", help="root file system (default: the built-in programs)"
    )
    parser.add_argument(
        "--bind",
        action="append",
        default=[],
        metavar="HOST:GUEST[:rw]",
        help="show a host folder in the guest; changes stay in the guest unless :rw",
    )
    parser.add_argument(
        "--env", action="append", default=[], metavar="K=V", help="set an environment variable"
    )
    parser.add_argument("--memory", default="256M", metavar="SIZE", help="RAM (default: 256M)")
    parser.add_argument("--hostname", default="starry", help="the guest's host name")
    parser.add_argument("--cwd", default="/", metavar="DIR", help="working directory in the guest")
    parser.add_argument("--user", default="0", metavar="UID[:GID]", help="run as this user")


def machine_config(args: argparse.Namespace, argv: list[str] | None = None) -> LabConfig:
    """Make the configuration that the options describe; raise `UserError`."""
    return LabConfig(
        arch=args.arch,
        rootfs=args.rootfs,
        binds=tuple(_bind(text) for text in args.bind),
        env=tuple(_variable(text) for text in args.env),
        argv=tuple(os.fsencode(arg) for arg in argv or ()),
        memory=_size(args.memory),
        hostname=args.hostname,
        cwd=os.fsencode(args.cwd),
        user=_user(args.user),
    )


def _bind(text: str) -> Bind:
    host, _, rest = text.partition(":")
    guest, _, mode = rest.partition(":")
    if not host or not guest.startswith("/") or mode not in ("", "rw", "ro"):
        raise UserError(f"--bind {text}: give HOST:/GUEST or HOST:/GUEST:rw")
    if not os.path.exists(host):
        raise UserError(f"--bind {text}: there is no {host} on this host")
    return Bind(os.path.abspath(host), os.fsencode(guest), mode or "cow")


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise UserError(f"--env {text}: give NAME=VALUE")
    return name, value if equals else os.environ.get(name, "")


def _size(text: str) -> int:
    unit = _UNITS.get(text[-1:].upper(), 1)
    digits = text[:-1] if unit > 1 else text
    if not digits.isdigit() or not _SMALLEST <= int(digits) * unit <= _LARGEST:
        raise UserError(f"--memory {text}: give 16M to 32G, for example 512M")
    return int(digits) * unit


def _user(text: str) -> tuple[int, int]:
    uid, _, gid = text.partition(":")
    if not uid.isdigit() or (gid and not gid.isdigit()):
        raise UserError(f"--user {text}: give UID or UID:GID in numbers")
    return int(uid), int(gid or uid)
