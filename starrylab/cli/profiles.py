"""Profiles of the serial terminal: options by name, in the user's configuration folder.

The file is TOML, a table for each profile with the options' names as keys.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .errors import UserError

if TYPE_CHECKING:
    import argparse

_BAUD: Final = 115200


@dataclass(frozen=True, slots=True)
class Profile:
    """The options of one terminal."""

    port: str | None = None
    baud: int = _BAUD
    elf: str | None = None
    base: str | None = None
    log: str | None = None
    timestamps: bool = False


_TYPES: Final = {
    "port": str, "baud": int, "elf": str, "base": str, "log": str, "timestamps": bool,
}  # fmt: skip


def profile(args: argparse.Namespace) -> Profile:
    """Return the options: those of the command line before those of the profile; keep `--save`."""
    kept = _read() if args.profile or args.save else {}
    if args.profile and args.profile not in kept:
        known = ", ".join(sorted(kept)) or "there is none; --save NAME makes one"
        raise UserError(f"no profile {args.profile!r}: {known}")
    options = dict(kept.get(args.profile, {})) if args.profile else {}
    given = {field.name: getattr(args, field.name) for field in fields(Profile)}
    options.update({name: value for name, value in given.items() if value is not None})
    if args.save:
        _write({**kept, args.save: options})
    return Profile(**options)


def _path() -> Path:
    from platformdirs import user_config_path

    return user_config_path("starrylab") / "consoles.toml"


def _read() -> dict[str, dict[str, Any]]:
    path = _path()
    try:
        tables = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: {error}", 1) from None
    for name, table in tables.items():
        _check(f"{path}: [{name}]", table)
    return tables


def _check(where: str, table: object) -> None:
    """Raise `UserError` for what no option is."""
    if not isinstance(table, dict):
        raise UserError(f"{where} is no table", 1)
    for key, value in table.items():
        if type(value) is not _TYPES.get(key):
            raise UserError(f"{where}: {key} = {value!r} is no option", 1)


def _write(tables: dict[str, dict[str, Any]]) -> None:
    path = _path()
    lines = []
    for name, options in tables.items():
        lines.append(f"[{_quoted(name)}]")
        lines += [f"{key} = {_value(value)}" for key, value in options.items()]
        lines.append("")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", 1) from None


def _value(value: str | bool | int) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else _quoted(value)


def _quoted(text: str) -> str:
    """Return a basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
