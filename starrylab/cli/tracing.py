"""The options of `starrylab run` that trace system calls, and where the trace goes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Final

from . import host_terminal as host
from .errors import UserError

if TYPE_CHECKING:
    from ..debug.trace import Counts, Options, Sink
    from ..kernel.kernel import Kernel

_STRINGS: Final = 32  #: bytes of a string that are shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("tracing")
    group.add_argument(
        "--strace",
        nargs="?",
        const="all",
        metavar="FILTER",
        help="print system calls to standard error; FILTER: names, /REGEX, or file, desc, "
        "process, memory, network, signal, ipc, creds, time; !NAME takes away",
    )
    group.add_argument("--strace-output", metavar="FILE", help="write the trace there instead")
    group.add_argument("--strace-json", metavar="FILE", help="write it as JSON lines")
    group.add_argument("--strace-counts", action="store_true",
                       help="at the end, print calls, errors and time by name")  # fmt: skip
    group.add_argument("--strace-times", action="store_true",
                       help="print the time of each call, and how long it took")  # fmt: skip
    group.add_argument("--strace-stack", action="store_true", help="print the caller's stack")
    group.add_argument("--strace-fds", action="store_true",
                       help="print what descriptors are open on")  # fmt: skip
    group.add_argument("--strace-strings", type=_size, default=_STRINGS, metavar="N",
                       help="print so many bytes of strings (default: 32)")  # fmt: skip
    group.add_argument("--strace-path", action="append", default=[], metavar="PATH",
                       help="only calls that name PATH, or a descriptor of it")  # fmt: skip
    group.add_argument("--strace-status", choices=("successful", "failed"),
                       help="only calls that end so")  # fmt: skip
    group.add_argument("--strace-first", action="store_true",
                       help="only the first process, not its children")  # fmt: skip


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) > 1 << 20:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {1 << 20}")
    return int(text)


class Trace:
    """A running trace of a command line."""

    def __init__(self, files: list[IO[str]], counts: Counts | None) -> None:
        self._files = files
        self._counts = counts

    def close(self) -> None:
        """Write what is missing."""
        for file in self._files:
            try:
                file.close()
            except OSError as error:
                sys.stderr.write(f"starrylab: {file.name}: {error.strerror}\n")
        if self._counts is not None:
            sys.stderr.write(self._counts.table())


def start(kernel: Kernel, args: argparse.Namespace) -> Trace | None:
    """Trace as the options say; ``None`` if they do not ask for it."""
    quiet = args.strace is None and args.strace_output is None
    if quiet and args.strace_json is None and not args.strace_counts:
        return None
    from ..debug.trace import Counts, JsonLines, TraceLines, Tracer

    options = _options(args)
    files: list[IO[str]] = []
    sinks: list[Sink] = []
    counts = Counts() if args.strace_counts else None
    if counts is not None:
        sinks.append(counts)
    if args.strace_json is not None:
        sinks.append(JsonLines(_to_file(args.strace_json, "--strace-json", files)))
    if args.strace_output is not None:
        emit = _to_file(args.strace_output, "--strace-output", files)
        sinks.append(TraceLines(emit, times=args.strace_times))
    elif args.strace is not None and not (quiet and counts is not None):
        sinks.append(TraceLines(_to_stderr(), times=args.strace_times))
    stacks = None
    if args.strace_stack:
        from ..debug.stack import Stacks

        stacks = Stacks(kernel)
    tracer = Tracer(kernel, sinks, options, stacks)
    if options.follow:
        tracer.trace_all()
    else:
        tracer.trace(kernel.init.pid)
    return Trace(files, counts)


def _options(args: argparse.Namespace) -> Options:
    from ..debug.trace import Filter, FilterError, Options, Style

    try:
        chosen = Filter(args.strace or "all")
    except FilterError as error:
        raise UserError(f"--strace: {error}") from None
    return Options(
        chosen,
        Style(args.strace_strings, args.strace_fds),
        not args.strace_first,
        tuple(os.fsencode(path) for path in args.strace_path),
        args.strace_status != "failed",
        args.strace_status != "successful",
    )


def _to_stderr() -> Callable[[str], None]:
    end = "\r\n" if os.isatty(0) and os.isatty(2) else "\n"
    return lambda line: host.draw(2, (line + end).encode(errors="surrogateescape"))


def _to_file(path: str, option: str, files: list[IO[str]]) -> Callable[[str], None]:
    try:
        file = open(path, "w", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
    except OSError as error:
        raise UserError(f"{option} {path}: {error.strerror}") from None
    files.append(file)

    def emit(line: str) -> None:
        file.write(line + "\n")

    return emit
