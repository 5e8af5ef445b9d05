"""`starrylab lab`: the course."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..labs.catalog import Lab
    from ..labs.checking import Check
    from ..labs.workspace import Workspace

_HINT: Final = {"en": "hint: ", "zh": "提示："}
_FIRST: Final = {"en": "first: ", "zh": "先完成："}
_AS_ABOVE: Final = {"en": "as above", "zh": "同上"}
_NEXT: Final = {"en": ("Read", "Check"), "zh": ("阅读", "检查")}
_ALL_HOLD: Final = {"en": "Every goal holds.", "zh": "所有目标都已达到。"}
_KEPT: Final = {"en": "recorded in", "zh": "已记录在"}
_MISSED: Final = 1  #: exit status: a goal does not hold
_HINT_AFTER: Final = 2  #: failures of a goal before its hint comes by itself
_WEAK: Final = "no Landlock here: only Python's audit hooks keep submissions from other files"
_WIDEST: Final = 100  #: columns of a text: longer lines are hard to read
_SHELL: Final[dict[str, list[str]]] = {"run": [], "debug": ["sh"]}  #: where a lab names no program
_POLL_S: Final = 0.3  #: between looks at the files of `check --watch`


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `lab` can do."""
    _add_common(parser, None)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="list the labs, and how far you got")
    _named(actions.add_parser("start", help="get a lab's files; never overwrites yours"))
    _named(actions.add_parser("text", help="print a lab's text"), optional=True)
    check = _named(actions.add_parser("check", help="see which goals hold"), optional=True)
    check.add_argument("--watch", action="store_true", help="again whenever a file is saved")
    check.add_argument("--seed", type=int, help="repeat a check with the same random values")
    _named(actions.add_parser("hint", help="show the hints of goals that failed"), optional=True)
    _add_show(actions.add_parser("show", help="show what was recorded of a goal that failed"))
    _named(actions.add_parser("reset", help="begin again; your files are moved aside"))
    submit = _named(actions.add_parser("submit", help="pack your files to hand in"), optional=True)
    submit.add_argument("-o", "--output", metavar="FILE.tar.gz", help="default: LAB.tar.gz here")
    for name in ("run", "debug"):
        run = actions.add_parser(name, help=f"{name} a program on your kernel")
        text = "its number or full name (default: the one you worked on last)"
        run.add_argument("name", metavar="LAB", nargs="?", help=text)
        run.add_argument("argv", nargs=argparse.REMAINDER, metavar="CMD ...")
    _add_grade(actions.add_parser("grade", help="grade a folder of submissions"))
    new = actions.add_parser("new", help="make the files of a new lab")
    new.add_argument("name", metavar="NN-NAME")
    new.add_argument("--in", dest="course", metavar="DIR", default="labs", help="default: labs")
    for action in actions.choices.values():
        _add_common(action, argparse.SUPPRESS)


def _add_common(parser: argparse.ArgumentParser, default: str | None) -> None:
    """Declare what may stand before the action, and behind it."""
    text = "your files (default: ./starrylab-labs)"
    parser.add_argument("--folder", metavar="DIR", default=default, help=text)
    text = "default: as the locale says"
    parser.add_argument("--language", choices=["en", "zh"], default=default, help=text)


def _named(parser: argparse.ArgumentParser, *, optional: bool = False) -> argparse.ArgumentParser:
    text = "its number or name" + (" (default: the one you worked on last)" if optional else "")
    parser.add_argument("name", metavar="LAB", nargs="?" if optional else None, help=text)
    return parser


def _add_show(show: argparse.ArgumentParser) -> None:
    show.add_argument("goal", metavar="GOAL", nargs="?", help="its name (default: the first)")
    show.add_argument("part", nargs="?", choices=["events", "stack", "state"], help="default: all")
    show.add_argument("--lab", metavar="LAB", help="default: the one you worked on last")


def _add_grade(grade: argparse.ArgumentParser) -> None:
    grade.add_argument("submissions", metavar="DIR", help="a folder or .tar.gz for each student")
    grade.add_argument("--lab", metavar="LAB", help="grade this lab only")
    grade.add_argument("--format", choices=["text", "json", "junit"], default="text")
    grade.add_argument("-o", "--output", metavar="FILE", help="default: standard output")
    grade.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    grade.add_argument("--seed", type=int, help="random values of the checks; the same for all")
    grade.add_argument(
        "--executor",
        default="processes",
        metavar="WHERE",
        help="processes, dask://HOST:PORT or ray://HOST:PORT",
    )


def main(args: argparse.Namespace) -> int:
    """Do what was asked for; return the exit status."""
    from ..labs import LabError, choose_language

    args.language = choose_language(args.language)
    try:
        return _ACTIONS[args.action](args) or 0
    except LabError as error:
        raise UserError(str(error), 1) from None


def _workspace(args: argparse.Namespace) -> Workspace:
    from ..labs.workspace import workspace

    return workspace(args.folder)


def _lab(args: argparse.Namespace, space: Workspace, name: str | None = None) -> Lab:
    from ..labs import find

    name = name or getattr(args, "name", None)
    return find(name) if name else space.current()


def _list(args: argparse.Namespace) -> None:
    from ..labs import catalog

    space = _workspace(args)
    for lab in catalog():
        progress = space.progress(lab)
        state = f"{progress.points}/{progress.of}" if progress.of else "-"
        if not progress.of and space.started(lab):
            state = "started"
        title = lab.description.title.in_language(args.language)
        print(f"{lab.name:28} {state:>8}  {title}")


def _start(args: argparse.Namespace) -> None:
    space = _workspace(args)
    lab = _lab(args, space)
    for name in space.start(lab):
        print(f"{space.folder(lab) / name}")
    read, check = _NEXT[args.language]
    print(f"{read}: starrylab lab text {lab.name}    {check}: starrylab lab check {lab.name}")


def _text(args: argparse.Namespace) -> None:
    from ..labs.reflow import reflow

    text = _lab(args, _workspace(args)).text(args.language)
    if sys.stdout.isatty():
        text = reflow(text, min(shutil.get_terminal_size().columns, _WIDEST))
    print(text)


def _check(args: argparse.Namespace) -> int:
    space = _workspace(args)
    lab = _lab(args, space)
    folder = space.require(lab)
    if not args.watch:
        return _check_once(args, lab, space)
    seen: dict[str, float] = {}
    while True:
        now = _times(folder, lab)
        if now != seen:
            seen = now
            print(f"\n--- {time.strftime('%H:%M:%S')} {lab.name}")
            _check_once(args, lab, space)
        time.sleep(_POLL_S)


def _times(folder: Path, lab: Lab) -> dict[str, float]:
    paths = [folder / name for name in lab.description.files]
    return {str(path): path.stat().st_mtime for path in paths if path.exists()}


def _check_once(args: argparse.Namespace, lab: Lab, space: Workspace) -> int:
    from ..labs.checking import Checked, check

    before = space.progress(lab)
    events = []
    detail = ""
    for event in check(lab, space.folder(lab), seed=args.seed, record=True):
        events.append(event)
        failures = 0
        if hasattr(event, "goal") and event.goal.name in before.goals:
            failures = before.goals[event.goal.name].failures
        _show(event, args.language, failures + 1, detail)
        detail = getattr(event, "detail", detail)
        _tell_kept(event, space.folder(lab), args.language)
    space.note(lab, events)
    last = events[-1]
    return 0 if isinstance(last, Checked) and last.points == last.of else _MISSED


def _show(event: Check, language: str, failures: int, before: str) -> None:
    """Print an event; ``before`` is what the goal before it said in detail."""
    from ..labs.checking import Checked, GoalFailed, GoalReached, GoalSkipped, Ranked

    match event:
        case GoalReached(goal):
            print(f"[ok]   {goal.text.in_language(language)} ({goal.points})", flush=True)
        case GoalFailed(goal, hint, detail, output, told=told):
            print(f"[    ] {goal.text.in_language(language)} ({goal.points})")
            _indent(output)
            _indent(_AS_ABOVE[language] if detail and detail == before else detail)
            said = hint.in_language(language)
            if told or (failures >= _HINT_AFTER and not _repeats(hint.en, detail)):
                _indent(said, "" if told else _HINT[language])
            sys.stdout.flush()
        case GoalSkipped(goal, needs):
            print(f"[wait] {goal.text.in_language(language)} ({goal.points})")
            _indent(needs.text.in_language(language), _FIRST[language])
        case Ranked(_, ranking):
            entries = sorted({**ranking.others, "*": ranking.score}.items(), key=lambda e: -e[1])
            _indent(f"{ranking.what}: " + "  ".join(f"{name} {score}" for name, score in entries))
        case Checked(points, of):
            print(f"{points}/{of}")


def _tell_kept(event: Check, folder: Path, language: str) -> None:
    record = getattr(event, "record", None)
    if record is not None and record.events:
        goal = event.goal.name  # type: ignore[union-attr]
        place = os.path.relpath(folder / ".failed" / goal)
        _indent(f"{_KEPT[language]} {place}: starrylab lab show {goal}")


def _show_record(args: argparse.Namespace) -> None:
    from ..labs.recording.text import show

    space = _workspace(args)
    lab = _lab(args, space, args.lab)
    kept = space.recorded(lab)
    goal = args.goal or next(iter(kept), None)
    record = space.record(lab, goal) if goal in kept else None
    if goal is None or record is None:
        known = ", ".join(kept) or "none; do: starrylab lab check"
        raise UserError(f"{lab.name}: no record of {goal or 'a goal'}; recorded: {known}", 1)
    print("\n".join(show(record, args.part)))


def _repeats(hint: str, detail: str) -> bool:
    """Tell whether the hint says what a traceback's last line, or a panic's first, has said."""
    lines = detail.strip().splitlines()
    return bool(lines) and (hint.endswith(lines[-1]) or hint == lines[0])


def _indent(text: str, lead: str = "") -> None:
    for line in text.rstrip().splitlines():
        print(f"       {lead}{line}")


def _hint(args: argparse.Namespace) -> None:
    from ..labs.checking import GoalFailed, check

    space = _workspace(args)
    lab = _lab(args, space)
    for event in check(lab, space.require(lab)):
        if isinstance(event, GoalFailed):
            print(event.goal.text.in_language(args.language))
            _indent(event.hint.in_language(args.language), _HINT[args.language])
            return
    print(_ALL_HOLD[args.language])


def _reset(args: argparse.Namespace) -> None:
    space = _workspace(args)
    aside = space.reset(_lab(args, space))
    if aside is not None:
        print(f"Your files are in {aside}")


def _submit(args: argparse.Namespace) -> None:
    space = _workspace(args)
    lab = _lab(args, space)
    target = Path(args.output or f"{lab.name}.tar.gz")
    missing = space.pack(lab, target)
    print(target)
    if missing:
        print(f"starrylab: not packed, as not there: {', '.join(missing)}", file=sys.stderr)


def _grade(args: argparse.Namespace) -> int:
    from ..labs import find
    from ..labs.executors import open_executor
    from ..labs.grading import grade
    from ..labs.handed_in import submissions, without_work
    from ..labs.reports import FORMATS
    from ..labs.sandbox import landlock

    lab = find(args.lab) if args.lab else None
    folder = Path(args.submissions)
    found = submissions(folder, lab)
    if not found:
        raise UserError(f"{folder}: no submissions; see starrylab lab grade --help")
    if rest := without_work(folder, found):
        print(f"starrylab: not graded, no lab's files are in: {', '.join(rest)}", file=sys.stderr)
    if args.executor == "processes" and not landlock.available():
        print(f"starrylab: {_WEAK}", file=sys.stderr)
    jobs = max(1, args.jobs)
    seed = secrets.randbits(63) if args.seed is None else args.seed
    with open_executor(args.executor, jobs) as executor:
        marks = []
        for one in grade(found, executor, seed=seed, width=jobs):
            marks.append(one)
            _tell_progress(len(marks), len(found))
    marks.sort(key=lambda mark: (mark.student, mark.lab))
    report = FORMATS[args.format](marks, args.language)
    if args.output:
        _write(Path(args.output), report + "\n")
    else:
        print(report)
    if args.seed is None:
        print(f"starrylab: the random values were those of --seed {seed}", file=sys.stderr)
    if unjudged := sum(not one.judged for one in marks):
        raise UserError(f"{unjudged} of {len(marks)} could not be judged; the report says why", 1)
    return 0


def _tell_progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done == of else ""
        print(f"\rgraded {done} of {of}{end}", end="", file=sys.stderr, flush=True)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", 1) from None


def _new(args: argparse.Namespace) -> None:
    from ..labs.template import create

    for path in create(Path(args.course), args.name):
        print(path)


def _run(args: argparse.Namespace) -> int:
    """Do what `starrylab run --lab` or `debug --lab` does with a program: the lab's, by default."""
    from ..labs import catalog, find
    from .commands import run_command

    space = _workspace(args)
    words = [*([args.name] if args.name else []), *args.argv]
    named = bool(words) and (words[0].isdigit() or words[0] in [lab.name for lab in catalog()])
    lab = find(words.pop(0)) if named else space.current()
    words = words[1:] if words[:1] == ["--"] else words
    words = words or list(lab.description.arguments) or _SHELL[args.action]
    return run_command([args.action, "--lab", str(space.require(lab)), "--", *words])


_ACTIONS: Final[dict[str, Callable[[argparse.Namespace], int | None]]] = {
    "list": _list, "start": _start, "text": _text, "check": _check, "hint": _hint,
    "reset": _reset, "submit": _submit, "grade": _grade, "new": _new, "run": _run,
    "debug": _run, "show": _show_record,
}  # fmt: skip
