"""A student's files in a running lab: put in at boot, and again whenever one is saved.

An error in a file that is saved stops that reload and is told; the lab goes on with what it had.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..kernel.core.component import Components
from ..kernel.kernel import Kernel
from ..userland import BuildError, compile_c
from .catalog import Lab, LabError, catalog
from .components import SEAMS, bound
from .printing import Printer
from .stuck import Stuck, Watch
from .student import Student, StudentError, explain

_LOOK_NS: Final = 500_000_000  #: between two looks at the files
#: what a student's file may raise: anything, and sys.exit() is for a lab an error like others
_STOPPED: Final = (Exception, SystemExit)
Tell = Callable[[str], object]


class LiveLab:
    """The files of one lab, for one kernel; `LabError` where they cannot be used."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.programs = Path(tempfile.mkdtemp(prefix="starrylab-programs-"))
        self._printer = Printer()
        self._student = self._load()
        self._watch = Watch(folder)
        self._times = self._stamps()
        try:
            self._build()
            self.parts: Components = bound(self._student)  #: what the kernel is built with
        except _STOPPED as error:
            raise LabError(self.why(error)) from None

    def attach(self, kernel: Kernel, tell: Tell) -> None:
        """Give the kernel what the files add to it, and look after them; raise `LabError`."""
        self._printer.kernel = kernel
        try:
            self._put_in(kernel, self._student, first=True)
        except _STOPPED as error:
            raise LabError(self.why(error)) from None
        self._look_later(kernel, tell)

    def _load(self) -> Student:
        return Student(self.folder, self.lab.description, {"print": self._printer})

    def _look_later(self, kernel: Kernel, tell: Tell) -> None:
        def look() -> None:
            self._watch.beats += 1
            times = self._stamps()
            if times != self._times:
                self._times = times
                self._reload(kernel, tell)
            self._look_later(kernel, tell)

        kernel.executor.call_at(kernel.executor.now + _LOOK_NS, look)

    def _reload(self, kernel: Kernel, tell: Tell) -> None:
        student = self._load()
        try:
            self._build()
            self._put_in(kernel, student, first=False)
        except _STOPPED as error:
            tell(f"not reloaded: {self.why(error)}")
            return
        self._student = student
        tell(f"reloaded: {', '.join(self.lab.description.files)}")

    def _put_in(self, kernel: Kernel, student: Student, *, first: bool) -> None:
        """Load everything before anything is changed."""
        ready = []
        for replacement in self.lab.description.replaces:
            seam = SEAMS[replacement.component]
            change = seam.attach or (None if first else seam.reload)
            if change is not None:
                ready.append((change, student.component(replacement.component)))
        for change, implementation in ready:
            change(kernel, implementation)

    def _build(self) -> None:
        for name in self.lab.description.files:
            if name.endswith(".c"):
                source = self.folder / name
                built = compile_c([source], "riscv64").read_bytes()
                target = self.programs / source.stem
                target.with_suffix(".new").write_bytes(built)
                target.with_suffix(".new").chmod(0o755)
                target.with_suffix(".new").replace(target)

    def _stamps(self) -> list[int]:
        paths = [self.folder / name for name in self.lab.description.files]
        return [path.stat().st_mtime_ns for path in paths if path.exists()]

    def why(self, error: BaseException) -> str:
        """Return what was wrong, and then where, from the student's own code on."""
        if isinstance(error, StudentError | BuildError):
            return str(error)
        where, _, reason = explain(error, self.folder).rpartition("\n")
        if isinstance(error, Stuck):
            reason = str(error)
        return f"{reason}\n{where}".rstrip()


def open_live(folder: Path) -> LiveLab:
    """Return the lab whose files are in ``folder``, which has the lab's name; raise `LabError`."""
    name = folder.resolve().name
    lab = next((lab for lab in catalog() if lab.name == name), None)
    if lab is None:
        raise LabError(f"{folder}: no lab has that name; see starrylab lab list")
    return LiveLab(lab, folder.resolve())
