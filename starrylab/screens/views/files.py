"""The virtual file system: mounts, cached names, open files."""

from __future__ import annotations

from typing import ClassVar

from textual.widget import Widget

from ...session.inspection.model import (
    AboutFiles,
    AboutFolder,
    Answer,
    FilesDetails,
    FolderDetails,
)
from ...session.snapshot import Snapshot
from ..widgets.file_tree import FilesPane
from .view import View


class FilesView(View):
    """One pane with sections."""

    NAME: ClassVar[str] = "Files"
    SHARE: ClassVar[tuple[int, int]] = (50, 55)

    def __init__(self) -> None:
        super().__init__()
        self.files = FilesPane(id="files")
        self.files.folders[b"/"] = FolderDetails(b"/")

    @property
    def root(self) -> Widget:
        """See `View.root`."""
        return self.files

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.files,)

    def show(self, snapshot: Snapshot) -> None:
        """See `View.show`."""
        super().show(snapshot)
        self.ask(AboutFiles())
        for path in self.files.folders:
            self.ask(AboutFolder(path))

    def answered(self, answer: Answer) -> None:
        """See `View.answered`."""
        if isinstance(answer, FilesDetails):
            self.files.show_files(answer)
        elif isinstance(answer, FolderDetails):
            self.files.show_folder(answer)

    def on_files_pane_opened(self, message: FilesPane.Opened) -> None:
        """Ask what is cached of a directory."""
        message.stop()
        self.ask(AboutFolder(message.path))
