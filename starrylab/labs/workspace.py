"""The student's folder: files copied from skeletons, and how far the student got.

Nothing that a student wrote is ever overwritten or removed: `start` leaves what is there, and
`reset` moves it aside first.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from . import recording
from .catalog import Lab, LabError, catalog
from .checking import Check, GoalFailed, GoalReached, GoalSkipped, goals

FOLDER: Final = "starrylab-labs"  #: in the working directory, unless the user says otherwise
_PROGRESS: Final = ".progress.json"
_ASIDE: Final = "before-reset"


@dataclass(slots=True)
class GoalProgress:
    """One goal of one lab."""

    reached: bool = False  #: at the last check
    failures: int = 0  #: since it was reached last


@dataclass(slots=True)
class LabProgress:
    """One lab."""

    goals: dict[str, GoalProgress] = field(default_factory=dict)
    points: int = 0
    of: int = 0


class Workspace:
    """A student's folder; it need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, lab: Lab) -> Path:
        """Return where the student works on ``lab``."""
        return self.root / lab.name

    def started(self, lab: Lab) -> bool:
        """Tell whether `start` was done for ``lab``."""
        return self.folder(lab).is_dir()

    def start(self, lab: Lab) -> list[str]:
        """Copy the skeleton; return the files that were missing.  Raises `LabError`."""
        made = []
        try:
            for source in sorted(lab.skeleton.rglob("*")):
                name = source.relative_to(lab.skeleton)
                target = self.folder(lab) / name
                if source.is_dir() or target.exists() or "__pycache__" in name.parts:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                made.append(str(name))
        except OSError as error:
            raise LabError(f"{error.filename}: {error.strerror}") from None
        return made

    def reset(self, lab: Lab) -> Path | None:
        """Begin again; return where the old files are now, if there were any."""
        folder = self.folder(lab)
        aside = None
        if folder.exists():
            aside = self._unused(lab)
            try:
                aside.parent.mkdir(parents=True, exist_ok=True)
                folder.rename(aside)
            except OSError as error:
                raise LabError(f"{error.filename}: {error.strerror}") from None
        self.start(lab)
        every = self._read()
        if every.pop(lab.name, None) is not None:
            self._write(every)
        return aside

    def _unused(self, lab: Lab) -> Path:
        number = 1
        while (path := self.root / _ASIDE / f"{lab.name}-{number}").exists():
            number += 1
        return path

    def require(self, lab: Lab) -> Path:
        """Return the lab's folder; `LabError` where it was not started."""
        if not self.started(lab):
            raise LabError(
                f"{lab.name} was not started in {self.root}; do: starrylab lab start {lab.name}"
            )
        return self.folder(lab)

    def current(self) -> Lab:
        """Return the lab in whose folder we are, or that was worked on last; raise `LabError`."""
        started = [lab for lab in catalog() if self.started(lab)]
        if not started:
            raise LabError(f"no lab was started in {self.root}; see starrylab lab list")
        here = Path(os.getcwd()).resolve()
        for lab in started:
            if here.is_relative_to(self.folder(lab).resolve()):
                return lab
        return max(started, key=lambda lab: _newest(self.folder(lab)))

    def pack(self, lab: Lab, target: Path) -> list[str]:
        """Write the student's files of ``lab`` as an archive to hand in; raise `LabError`.

        Return the names of those that are not there.
        """
        folder = self.require(lab)
        missing = [name for name in lab.description.files if not (folder / name).is_file()]
        try:
            with tarfile.open(target, "w:gz") as archive:
                for name in lab.description.files:
                    if name not in missing:
                        archive.add(folder / name, f"{lab.name}/{name}", recursive=False)
        except OSError as error:
            raise LabError(f"{target}: {error.strerror}") from None
        return missing

    # -- progress -------------------------------------------------------------------------

    def progress(self, lab: Lab) -> LabProgress:
        """Return how far the student got."""
        found = self._read().get(lab.name, {})
        goals = {
            name: GoalProgress(bool(value[0]), int(value[1]))
            for name, value in found.get("goals", {}).items()
        }
        return LabProgress(goals, int(found.get("points", 0)), int(found.get("of", 0)))

    def note(self, lab: Lab, events: list[Check]) -> LabProgress:
        """Keep what a check found; return the lab's progress."""
        progress = self.progress(lab)
        for event in events:
            if isinstance(event, GoalReached):
                recording.forget(self.folder(lab), event.goal.name)
                progress.goals[event.goal.name] = GoalProgress(reached=True)
            elif isinstance(event, GoalFailed):
                old = progress.goals.get(event.goal.name, GoalProgress())
                progress.goals[event.goal.name] = GoalProgress(False, old.failures + 1)
                self._keep(lab, event)
            elif isinstance(event, GoalSkipped):
                old = progress.goals.get(event.goal.name, GoalProgress())
                progress.goals[event.goal.name] = GoalProgress(False, old.failures)
        last = events[-1]
        progress.points, progress.of = getattr(last, "points", 0), getattr(last, "of", 0)
        every = self._read()
        every[lab.name] = {
            "goals": {name: (g.reached, g.failures) for name, g in progress.goals.items()},
            "points": progress.points,
            "of": progress.of,
        }
        self._write(every)
        return progress

    def _keep(self, lab: Lab, failed: GoalFailed) -> None:
        """Keep what was seen of a goal that failed; of an older failure nothing is left."""
        recording.forget(self.folder(lab), failed.goal.name)
        if failed.record is not None and failed.record.events:
            try:
                recording.write(self.folder(lab), failed.goal.name, failed.record)
            except OSError as error:
                raise LabError(f"{error.filename}: {error.strerror}") from None

    def record(self, lab: Lab, goal: str) -> recording.Record | None:
        """Return what was kept of a goal that failed."""
        return recording.read(self.folder(lab), goal)

    def recorded(self, lab: Lab) -> list[str]:
        """Return the names of the goals that something was kept of, in the lab's order."""
        return [g.name for g in goals(lab) if self.record(lab, g.name) is not None]

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads((self.root / _PROGRESS).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, every: dict[str, Any]) -> None:
        path = self.root / _PROGRESS
        try:
            path.with_suffix(".new").write_text(json.dumps(every, indent=1))
            path.with_suffix(".new").replace(path)
        except OSError as error:
            raise LabError(f"{path}: {error.strerror}") from None


def _newest(folder: Path) -> float:
    times = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()]
    return max(times, default=0.0)


def workspace(root: str | None = None) -> Workspace:
    """Return the student's folder: ``root``, or the usual one in or above the working directory."""
    if root is not None:
        return Workspace(Path(root))
    here = Path(os.getcwd())
    for folder in (here, *here.parents):
        if folder.name == FOLDER:
            return Workspace(folder)
    return Workspace(here / FOLDER)
