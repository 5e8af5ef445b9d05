"""Mounts, the tree of cached names, and open files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from ...session.inspection.model import EntryView, FilesDetails, FolderDetails
from .sections import SectionPane, table
from .units import size_text

_PAGE = 4096  #: bytes


class FilesPane(SectionPane):
    """Sections of the virtual file system; the tree shows only what the kernel has cached."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("tree", "mounts", "open files")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", "Open", id="files.open",
                tooltip="Show what is cached of the marked directory, or hide it"),
    ]  # fmt: skip
    has_cursor = True

    @dataclass
    class Opened(Message):
        """The user wants to see a directory."""

        path: bytes

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Files"
        self.details: FilesDetails | None = None
        self.folders: dict[bytes, FolderDetails] = {}  #: the open ones
        self._paths: list[bytes] = []  #: of the tree's lines, b"" where there is no directory

    def show_files(self, details: FilesDetails) -> None:
        """Draw mounts and open files."""
        self.details = details
        self.border_subtitle = f"{len(details.mounts)} mounts, {details.files_total} open files"
        self.redraw()

    def show_folder(self, details: FolderDetails) -> None:
        """Draw a directory, if it is still open; one that is cached no more closes."""
        if details.path not in self.folders:
            return
        if details.found:
            self.folders[details.path] = details
        else:
            del self.folders[details.path]
        self.redraw()

    def action_open(self) -> None:
        """Open or close the marked directory."""
        if self.section != "tree" or self.row >= len(self._paths):
            return
        path = self._paths[self.row]
        if not path:
            return
        if path in self.folders:
            inside = path.rstrip(b"/") + b"/"
            for name in [p for p in self.folders if p == path or p.startswith(inside)]:
                del self.folders[name]
            self.redraw()
        else:
            self.folders[path] = FolderDetails(path)
            self.post_message(self.Opened(path))

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        if section == "tree":
            return self._tree()
        if self.details is None:
            return [Text("no answer from the lab yet", "dim")]
        return _mounts(self.details) if section == "mounts" else _open_files(self.details)

    def _tree(self) -> list[Text]:
        self._paths = [b"/"]
        lines = [Text("▾ /" if b"/" in self.folders else "▸ /", "bold")]
        self._branch(b"/", "  ", lines)
        return lines

    def _branch(self, path: bytes, indent: str, lines: list[Text]) -> None:
        folder = self.folders.get(path)
        if folder is None:
            return
        for entry in folder.entries:
            child = path.rstrip(b"/") + b"/" + entry.name.encode()
            is_folder = entry.kind == "directory"
            self._paths.append(child if is_folder else b"")
            lines.append(_entry_line(entry, indent, opened=child in self.folders))
            if is_folder:
                self._branch(child, indent + "  ", lines)
        missing = folder.entries_total - len(folder.entries)
        if missing:
            self._paths.append(b"")
            lines.append(Text(f"{indent}... and {missing} more", "dim"))


def _entry_line(entry: EntryView, indent: str, *, opened: bool) -> Text:
    is_folder = entry.kind == "directory"
    mark = ("▾ " if opened else "▸ ") if is_folder else "  "
    if entry.kind == "absent":
        return Text(f"{indent}{mark}{entry.name}  known to be absent", "dim italic", no_wrap=True)
    line = Text(indent + mark, no_wrap=True)
    line.append(entry.name, "bold" if is_folder else "")
    if entry.mounted:
        line.append("  mount point", "yellow")
    if is_folder:
        return line.append(f"  {entry.children} cached" if entry.children else "", "dim")
    line.append(f"  {entry.kind}" if entry.kind != "file" else f"  {size_text(entry.size)}", "dim")
    if entry.pages:
        line.append(f"  {size_text(entry.pages * _PAGE)} in the page cache", "cyan")
    return line.append(f"  inode {entry.ino}", "dim")


def _mounts(details: FilesDetails) -> list[Text]:
    rows = [
        (str(mount.ident), str(mount.users), mount.fstype, mount.source, mount.options, mount.path)
        for mount in details.mounts
    ]
    heading = ("ID", "USERS", "TYPE", "SOURCE", "OPTIONS", "MOUNTED ON")
    return table(heading, rows, frozenset((0, 1)))


def _open_files(details: FilesDetails) -> list[Text]:
    rows = [
        (
            str(file.pid),
            file.comm,
            str(file.descriptor.fd),
            file.descriptor.kind,
            file.descriptor.mode,
            file.descriptor.path,
        )
        for file in details.files
    ]
    lines = table(("PID", "NAME", "FD", "KIND", "MODE", "PATH"), rows, frozenset((0, 2)))
    missing = details.files_total - len(details.files)
    return [*lines, Text(f"... and {missing} more", "dim")] if missing else lines
