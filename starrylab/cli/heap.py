"""`starrylab leaks --heap`: the blocks that programs allocated and lost, or released wrongly."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from .errors import UserError
from .quiet_lab import quiet_lab


def show_heaps(args: argparse.Namespace, argv: list[str]) -> int:
    """Run a program once; print a report for it and each of its children; return 1 if one is bad.

    Children that only exist to become another program have no report of their own.
    """
    from ..debug.heap.report import text_lines
    from ..debug.heap.watch import HeapWatch

    with quiet_lab(args, argv) as lab:
        try:
            watch = HeapWatch(lab.kernel)
        except RuntimeError as error:
            raise UserError(f"leaks --heap: {error}") from None
        lab.run()
    if lab.kernel.panic_text is not None:
        raise UserError(f"leaks: kernel panic\n{lab.kernel.panic_text}")
    if args.json:
        print(json.dumps([asdict(report) for report in watch.reports], indent=2))
    else:
        print("\n\n".join("\n".join(text_lines(report)) for report in watch.reports))
    if not watch.reports:
        raise UserError("leaks: interrupted before a program ended")
    return 0 if all(report.clean for report in watch.reports) else 1
