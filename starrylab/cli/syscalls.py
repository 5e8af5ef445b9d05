"""`starrylab syscalls`: the support table, from the declarations themselves."""

from __future__ import annotations

import argparse
import json

from ..abi import numbers
from ..kernel.syscalls._support import support_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `syscalls`."""
    parser.add_argument("--arch", default="riscv64", choices=numbers.ARCHES)
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Print the table."""
    found = support_table(args.arch)
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
