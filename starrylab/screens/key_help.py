"""All keys in one list that can be scrolled: those of the focused pane, then the console's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

_MOUSE: Final = (
    ("drag a bar", "Give the panes beside it other sizes"),
    ("click", "Focus a pane; choose a view, a section, a line, a key of the last line"),
    ("wheel", "Scroll; arrow keys for a full-screen program that does not want the mouse"),
    ("drag, double click", "Select text of the terminal, and copy it"),
    ("Shift", "Held: select, although the program in the terminal wants the mouse"),
)


class KeyHelp(ModalScreen[None]):
    """The list; Escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,enter", "dismiss", "Close", id="key-help.close"),
    ]

    def __init__(self, beneath: Screen[Any]) -> None:
        """``beneath``: the screen whose keys are listed."""
        super().__init__()
        self._groups = _groups(beneath)

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "↑ ↓ PgUp PgDn scroll, Escape closes"
            yield Static(_table(self._groups))


_Group = tuple[str, list[tuple[str, str]]]


def _groups(screen: Screen[Any]) -> list[_Group]:
    """Return the keys of the focused pane and of what it is in, then the console's."""
    app = screen.app
    found: dict[DOMNode, dict[str, tuple[list[str], str]]] = {}
    for node, binding, enabled, tooltip in screen.active_bindings.values():
        if node is screen or not enabled or binding.system:
            continue  # the screen's own are Textual's: the guest has Tab and Ctrl-C
        words = f"{binding.description}: {tooltip}" if tooltip else binding.description
        keys, _ = found.setdefault(node, {}).setdefault(binding.action, ([], words))
        keys.append(app.get_key_display(binding))
    groups: list[_Group] = []
    for node, actions in found.items():
        rows = [(" ".join(dict.fromkeys(keys)), words) for keys, words in actions.values()]
        groups.append(("Everywhere" if node is app else _name(node), rows))
    return [*groups, ("Mouse", list(_MOUSE))]


def _name(node: DOMNode) -> str:
    title = getattr(node, "border_title", None) or getattr(node, "NAME", None)
    return str(title or type(node).__name__)


def _table(groups: Iterable[_Group]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    for number, (title, rows) in enumerate(groups):
        if number:
            table.add_row()
        table.add_row("", Text(title, "bold underline"))
        for keys, words in rows:
            table.add_row(Text(keys, "bold"), Text(words))
    return table
