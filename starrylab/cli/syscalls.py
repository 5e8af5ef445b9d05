"""`starrylab syscalls`: the support table, from the declarations themselves."""

from __future__ import annotations

import argparse
import json
from typing import NamedTuple

from ..abi import numbers
from ..kernel.syscalls import table


class Row(NamedTuple):
    """One system call."""

    number: int
    name: str
    state: str  #: "full", "partial" or "absent"
    missing: str  #: what is missing, in words
    where: str  #: file:line of the handler


def rows(arch: numbers.Arch) -> list[Row]:
    """Return every call that ``arch`` has, by number."""
    known = table(arch)
    found = []
    for number, name in sorted(numbers.names(arch).items()):
        entry = known.get(number)
        if entry is None:
            found.append(Row(number, name, "absent", "", ""))
        else:
            state = "partial" if entry.partial else "full"
            found.append(Row(number, name, state, entry.partial or "", entry.where))
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `syscalls`."""
    parser.add_argument("--arch", default="riscv64", choices=numbers.ARCHES)
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Print the table."""
    found = rows(args.arch)
    if args.json:
        print(json.dumps([row._asdict() for row in found], indent=1))
        return 0
    for row in found:
        print(f"{row.number:4} {row.name:28} {row.state:8} {row.missing}".rstrip())
    counts = {
        state: sum(row.state == state for row in found) for state in ("full", "partial", "absent")
    }
    print(", ".join(f"{count} {state}" for state, count in counts.items()))
    return 0
