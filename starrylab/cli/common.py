"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final, Literal

from ..session.config import Bind, BoardPort, GdbPort, LabConfig
from .errors import UserError

_UNITS: Final = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SMALLEST: Final = 16 << 20
_LARGEST: Final = 32 << 30
_NAME_LENGTH: Final = 64  #: of a host name (sethostname(2))
_LARGEST_PORT: Final = 65535
_LARGEST_ID: Final = (1 << 32) - 2  #: -1 means "none" (chown(2))


def add_machine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what describes a machine and what runs on it."""
    parser.add_argument("--arch", default="riscv64", choices=["riscv64"], help="instruction set")
    parser.add_argument(
        "--rootfs",
        metavar="DIR|TAR|IMG|NAME",
        help="root file system (default: the built-in programs); NAME: see `starrylab rootfs`",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep what changes in the root NAME; see `starrylab rootfs diff` and `reset`",
    )
    parser.add_argument(
        "--bind",
        action="append",
        default=[],
        metavar="HOST:GUEST[:rw|:ro]",
        help="show a host folder or file in the guest; changes stay there unless :rw; "
        ":ro permits none",
    )
    parser.add_argument(
        "--env", action="append", default=[], metavar="K=V", help="set an environment variable"
    )
    parser.add_argument("--memory", default="256M", metavar="SIZE", help="RAM (default: 256M)")
    parser.add_argument("--hostname", default="starry", help="the guest's host name")
    parser.add_argument("--cwd", default="/", metavar="DIR", help="working directory in the guest")
    parser.add_argument("--user", default="0", metavar="UID[:GID]", help="run as this user")
    parser.add_argument(
        "--gdb",
        metavar="PORT[,nowait]",
        help="let gdb connect to this port of localhost (0: any), and wait for it at the start",
    )
    parser.add_argument(
        "--board",
        metavar="NAME",
        help="run on this board's own CPU (emulated: on a mock-up of one)",
    )
    parser.add_argument(
        "--lab",
        metavar="DIR",
        help="boot with the kernel parts in a lab's folder; see `starrylab lab`",
    )
    parser.add_argument(
        "--time",
        default="host",
        choices=["host", "skip"],
        help="skip: when all programs wait, the clocks jump to what the first waits for",
    )
    parser.add_argument("--port", metavar="PORT", help="where the board is connected")


def require_terminal(advice: str) -> None:
    """Raise `UserError` with ``advice`` where the screens cannot be drawn."""
    in_browser = "TEXTUAL_DRIVER" in os.environ  # textual-serve draws elsewhere
    if not in_browser and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(f"the console needs a terminal; {advice}")


def machine_config(args: argparse.Namespace, argv: list[str] | None = None) -> LabConfig:
    """Make the configuration that the options describe; raise `UserError`."""
    board = None if args.board is None else BoardPort(args.board, args.port)
    return LabConfig(
        arch=args.arch if board is None else _arch(board),
        rootfs=args.rootfs,
        keep=args.keep,
        binds=tuple(_bind(text) for text in args.bind),
        env=tuple(pair for text in args.env if (pair := _variable(text)) is not None),
        argv=tuple(os.fsencode(arg) for arg in argv or ()),
        memory=_size(args.memory),
        hostname=_hostname(args.hostname),
        cwd=os.fsencode(args.cwd),
        user=_user(args.user),
        gdb=None if args.gdb is None else _gdb(args.gdb),
        lab=args.lab,
        time=args.time,
        board=board,
    )


def _arch(board: BoardPort) -> Literal["riscv64", "loongarch64"]:
    """Return the architecture of a board."""
    from ..session.board_link import EMULATED, BoardLinkError, describe

    if board.name == EMULATED:
        return "riscv64"
    try:
        return describe(board.name).arch
    except BoardLinkError as error:
        raise UserError(str(error)) from None


def _bind(text: str) -> Bind:
    host, _, rest = text.partition(":")
    guest, _, mode = rest.partition(":")
    if not host or not guest.startswith("/") or mode not in ("", "rw", "ro"):
        raise UserError(f"--bind {text}: give HOST:/GUEST, HOST:/GUEST:rw or HOST:/GUEST:ro")
    if not os.path.exists(host):
        raise UserError(f"--bind {text}: there is no {host} on this host")
    if not os.access(host, os.R_OK):
        raise UserError(f"--bind {text}: no permission to read {host}")
    return Bind(os.path.abspath(host), os.fsencode(guest), mode or "cow")


def _variable(text: str) -> tuple[str, str] | None:
    """Return name and value; a name alone takes its value along from here, if it has one."""
    name, equals, value = text.partition("=")
    if not name:
        raise UserError(f"--env {text}: give NAME=VALUE")
    if equals:
        return name, value
    found = os.environ.get(name)
    return None if found is None else (name, found)


def _hostname(text: str) -> str:
    if not 0 < len(os.fsencode(text)) <= _NAME_LENGTH:
        raise UserError(f"--hostname {text}: give 1 to {_NAME_LENGTH} characters")
    return text


def _size(text: str) -> int:
    unit = _UNITS.get(text[-1:].upper(), 1)
    digits = text[:-1] if unit > 1 else text
    if not digits.isdigit() or not _SMALLEST <= int(digits) * unit <= _LARGEST:
        raise UserError(f"--memory {text}: give 16M to 32G, for example 512M")
    return int(digits) * unit


def _gdb(text: str) -> GdbPort:
    port, comma, word = text.partition(",")
    if not port.isdecimal() or int(port) > _LARGEST_PORT or (comma and word != "nowait"):
        raise UserError(f"--gdb {text}: give PORT or PORT,nowait; PORT is 0 to {_LARGEST_PORT}")
    return GdbPort(int(port), wait=not comma)


def _user(text: str) -> tuple[int, int]:
    uid, _, gid = text.partition(":")
    numbers = [int(part) for part in (uid, gid or uid) if part.isdecimal()]
    if len(numbers) != 2 or max(numbers) > _LARGEST_ID:
        raise UserError(f"--user {text}: give UID or UID:GID in numbers")
    return numbers[0], numbers[1]
