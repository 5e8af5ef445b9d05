"""Marks as text, JSON and JUnit XML (the format that build servers read)."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from .grading import Mark
from .handed_in import printable

#: what XML 1.0 cannot carry
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(marks: Sequence[Mark], language: str) -> str:
    """Return a line for each submission, and one for each goal that it missed."""
    width = max((len(mark.student) for mark in marks), default=0)
    lines = []
    for mark in marks:
        lines.append(f"{mark.student:{width}}  {mark.lab}  {mark.points:3}/{mark.of}")
        missed = [(goal, goal.hint) for goal in mark.goals if goal.hint is not None]
        for goal, hint in missed if mark.judged else missed[:1]:
            text = goal.text.in_language(language) + "  " if mark.judged else ""
            lines.append(f"{'':{width}}    - {text}{printable(hint.in_language(language))}")
    return "\n".join([*lines, *_leaders(marks)])


def _leaders(marks: Sequence[Mark]) -> list[str]:
    """Return the leaderboard of each challenge, best first."""
    lines = []
    for lab, what in sorted({(mark.lab, what) for mark in marks for what in mark.scores}):
        found = [(m.scores[what], m.student) for m in marks if m.lab == lab and what in m.scores]
        lines += ["", f"{lab}: {what}"]
        lines += [f"{score:8}  {student}" for score, student in sorted(found, reverse=True)]
    return lines


def as_json(marks: Sequence[Mark], language: str) -> str:
    """Return the marks as a JSON array."""
    return json.dumps(
        [
            {
                "student": mark.student,
                "lab": mark.lab,
                "points": mark.points,
                "of": mark.of,
                "judged": mark.judged,
                "scores": mark.scores,
                "goals": [
                    {
                        "name": goal.name,
                        "text": goal.text.in_language(language),
                        "points": goal.points,
                        "reached": goal.reached,
                        "hint": None if goal.hint is None else goal.hint.in_language(language),
                        "detail": goal.detail,
                    }
                    for goal in mark.goals
                ],
            }
            for mark in marks
        ],
        indent=2,
        ensure_ascii=False,
    )


def as_junit(marks: Sequence[Mark], language: str) -> str:
    """Return a test suite for each submission, with a test case for each goal."""
    root = ET.Element("testsuites")
    for mark in marks:
        failures = sum(goal.hint is not None for goal in mark.goals)
        suite = ET.SubElement(
            root, "testsuite", name=f"{mark.student}/{mark.lab}", tests=str(len(mark.goals)),
            failures=str(failures),
        )  # fmt: skip
        for goal in mark.goals:
            case = ET.SubElement(
                suite, "testcase", classname=f"{mark.student}.{mark.lab}", name=goal.name
            )
            if goal.hint is not None:
                message = _clean(goal.hint.in_language(language))
                failure = ET.SubElement(case, "failure", message=message)
                failure.text = _clean(goal.detail)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


FORMATS: Final[Mapping[str, Callable[[Sequence[Mark], str], str]]] = MappingProxyType(
    {"text": as_text, "json": as_json, "junit": as_junit}
)
