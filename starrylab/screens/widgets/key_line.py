"""The keys that work here and now, at the bottom of the window; a click is as good as the key.

Nothing is cut in the middle: what does not fit is left out, the least important first, and
stands in the list of all keys.  The height depends on the window alone, so that moving the
focus never changes the size of the guest's terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.dom import DOMNode
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

_HIGH: Final = 36  #: lines of a window in which a second line for keys can be spared
#: Actions of the console by importance: the first three are always there, the others after the
#: keys of the pane.
_FIRST: Final = ("keys", "next_pane", "quit")
_LATER: Final = ("command_palette", "zoom", "literal", "find", "restart")
#: The console's, where a place is left.
_SPARE: Final = ("focus_console", "open_line")
#: Keys that every pane has.
_PLAIN: Final = ("pane.", "sections.")
_VIEW: Final = "view("
_MORE: Final = "…"


class KeyHint(NamedTuple):
    """A key and what it does."""

    key: str  #: as Textual calls it
    shown: str  #: as people read it
    label: str
    action: str
    tooltip: str
    kept: bool  #: the console's, not the pane's
    spare: bool = False  #: shown where there is room

    @property
    def width(self) -> int:
        """Cells, with the space behind."""
        return cell_len(self.shown) + cell_len(self.label) + 2


class KeyLine(Widget):
    """One line in a small window, two in a high one: the pane's keys, and the console's."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hints: tuple[KeyHint, ...] = ()

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._look)

    def on_unmount(self) -> None:
        """Follow it no more."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines."""
        return 2 if viewport.height >= _HIGH else 1

    def _look(self, screen: Screen[Any]) -> None:
        self._hints = tuple(_hints(screen))
        self.refresh()

    def _lines(self) -> list[list[KeyHint]]:
        width = self.size.width
        own = [hint for hint in self._hints if not hint.kept]
        kept = [hint for hint in self._hints if hint.kept]
        if self.size.height > 1:
            return [fitting(line, width) for line in (own, kept)]
        return [fitting([*own, *kept], width)]

    def render(self) -> Text:
        """Draw the keys."""
        style = self.get_component_rich_style("key-line--key", partial=True)
        lines = []
        own = sum(_is_own(hint) for hint in self._hints)
        for shown in self._lines():
            line = Text(no_wrap=True)
            for hint in shown:
                line.append(hint.shown, style).append(f" {hint.label} ")
            if 0 < sum(map(_is_own, shown)) < own:
                line.append(_MORE, "dim")
            lines.append(line)
        return Text("\n", no_wrap=True).join(lines)

    def _under(self, event: events.MouseEvent) -> KeyHint | None:
        lines = self._lines()
        if event.y >= len(lines):
            return None
        end = 0
        for hint in lines[event.y]:
            end += hint.width
            if event.x < end:
                return hint
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Have words ready for the key under the mouse."""
        hint = self._under(event)
        self.tooltip = None if hint is None else Text(hint.tooltip)

    def on_click(self, event: events.Click) -> None:
        """Press the key."""
        event.stop()
        if (hint := self._under(event)) is not None and hint.key:
            self.app.simulate_key(hint.key)


def _hints(screen: Screen[Any]) -> Iterator[KeyHint]:
    """Return what is shown of the active keys; each action once."""
    seen = set()
    views = []
    for node, binding, enabled, tooltip in screen.active_bindings.values():
        if not enabled or binding.action in seen:
            continue
        seen.add(binding.action)
        shown = screen.app.get_key_display(binding)
        if binding.action.startswith(_VIEW):
            views.append(shown)
            continue
        kept = node is screen.app
        spare = binding.action in _SPARE if kept else _is_special(node, screen, binding)
        if binding.show or spare:
            yield KeyHint(binding.key, shown, binding.description, binding.action,
                          tooltip or binding.description, kept, not binding.show)  # fmt: skip
    if keys := _run_of(views):
        yield KeyHint("", keys, "View", _VIEW, "Choose a view", kept=True, spare=True)


def _is_special(node: DOMNode, screen: Screen[Any], binding: Binding) -> bool:
    """Return whether a pane alone has this key; the keys of an input line have no names."""
    name = binding.id or ""
    return node is not screen and bool(name) and not name.startswith(_PLAIN)


def _run_of(keys: list[str]) -> str:
    """Return keys that count up from 1 as one, "" if they do not."""
    starts = {key[:-1] for key in keys}
    digits = "".join(key[-1:] for key in keys)
    if len(starts) != 1 or len(keys) > 9 or not "123456789".startswith(digits):
        return ""
    return f"{starts.pop()}1{_MORE}{len(keys)}"


def _is_own(hint: KeyHint) -> bool:
    return not (hint.kept or hint.spare)


def _rank(hint: KeyHint) -> int:
    """Return how early a place is given to a key: the lower the earlier."""
    if hint.action in _FIRST:
        return 0
    if hint.spare:
        return 99
    return 2 + _LATER.index(hint.action) if hint.action in _LATER else 1


def fitting(hints: list[KeyHint], width: int) -> list[KeyHint]:
    """Return those of ``hints`` that fit into ``width`` cells, in their order."""
    room = width + 1  # the last one needs no space behind it
    if sum(hint.width for hint in hints if not hint.spare) > room:
        room -= len(_MORE)
    chosen = []
    for hint in sorted(hints, key=_rank):
        if hint.width > room:
            break
        room -= hint.width
        chosen.append(hint)
    return [hint for hint in hints if hint in chosen]
