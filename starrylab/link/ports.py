"""Which serial ports this host has, and whether we may use them."""

from __future__ import annotations

import getpass
import grp
import os
from typing import NamedTuple

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from .errors import LinkError


class PortInfo(NamedTuple):
    """A port that is really there."""

    path: str
    usb: str  #: ``1a86:7523``, vendor and product; empty when it is no USB adapter
    product: str
    trouble: str  #: why we may not open it; empty: we may

    def __str__(self) -> str:
        return "  ".join(part for part in (self.path, self.usb, self.product, self.trouble) if part)


def find_ports() -> list[PortInfo]:
    """Return the ports of this host, USB adapters first, without those that are only names.

    Linux has nodes ttyS0..ttyS31 whether there is a UART or not; pyserial's hardware identifier
    of those that nothing is known of is ``n/a``.
    """
    real = [port for port in list_ports.comports() if port.hwid not in ("n/a", None, "")]
    return sorted(map(_info, real), key=lambda port: (not port.usb, port.path))


def choose_port(wanted: str | None) -> str:
    """Return `wanted`, or the one port that there is; raise `LinkError` with the choice."""
    if wanted is not None:
        return wanted
    ports = find_ports()
    if not ports:
        raise LinkError("no serial port found: plug the USB adapter in, or name one with --port")
    if len(ports) > 1:
        raise LinkError(f"which port? say --port, one of: {'; '.join(map(str, ports))}")
    return ports[0].path


def names_of_ports() -> str:
    """Return the ports in one line, for a message."""
    return ", ".join(port.path for port in find_ports())


def access_advice(path: str) -> str:
    """Say how to get permission for a port."""
    try:
        group = grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        group = "dialout"
    if group == "root":
        return f"{path}: permission denied; it belongs to root"
    return (
        f"{path}: permission denied; add yourself to its group and log in again: "
        f"sudo usermod -aG {group} {_user()}"
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "$USER"


def _info(port: ListPortInfo) -> PortInfo:
    usb = "" if port.vid is None else f"{port.vid:04x}:{port.pid or 0:04x}"
    product = port.product or (port.description if port.description != "n/a" else "") or ""
    allowed = os.access(port.device, os.R_OK | os.W_OK)
    return PortInfo(port.device, usb, product, "" if allowed else "permission denied")
