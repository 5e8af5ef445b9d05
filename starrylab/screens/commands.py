"""Everything that a key does, as commands with names to search for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from textual.binding import Binding
from textual.widget import Widget

from .console import ConsoleScreen
from .export import FORMATS
from .keys import KEYS

#: Keys that only move within a pane.
_MOVES: Final = ("pane.", "sections.", "terminal.")
#: What the palette itself is, and what makes sense as a key only.
_LEFT_OUT: Final = ("command_palette", "literal", "zoom_anywhere")


_EXPORT: Final = "Write the pane that has the focus into a file of this folder"
#: name, words, action
_KEYLESS: Final = (
    ("Theme", "Choose other colours", "change_theme"),
    ("Screenshot", "Save a picture of the window (SVG)", "take_picture"),
    ("Count system calls", "Show the most frequent system calls, or hide them", "count_calls"),
    *(
        (f"Export the pane as {kind.upper() if kind == 'svg' else kind}", _EXPORT,
         f"export({kind!r})")
        for kind in FORMATS
    ),
)  # fmt: skip


class Command(NamedTuple):
    """A name to search for, what it does, and how."""

    name: str
    help: str
    run: Callable[[], Awaitable[object]]


def all_commands(screen: ConsoleScreen) -> Iterator[Command]:
    """Return the console's commands, those without a key, and those of the views."""
    yield from _console_commands(screen)
    for name, help_text, action in _KEYLESS:
        yield Command(name, help_text, partial(screen.app.run_action, action))
    copy = partial(screen.app.run_action, "copy_selection", screen.terminal)
    yield Command("Copy", "Copy the selected text of the console", copy)
    yield from _view_commands(screen)


def _console_commands(screen: ConsoleScreen) -> Iterator[Command]:
    """Return what the console's own keys do."""
    keys = screen.settings.keys
    for key in KEYS:
        if key.action not in _LEFT_OUT:
            shown = keys.get(key.ident, key.key).upper()
            run = partial(screen.app.run_action, key.action)
            yield Command(f"{key.label} ({shown})", key.tooltip, run)


def _view_commands(screen: ConsoleScreen) -> Iterator[Command]:
    """Return what the keys of all views do; each brings its view into sight."""
    found: dict[str, Command] = {}
    for index, view in enumerate(screen.views):
        first = view.panes[0]
        places = [(pane, type(pane).__mro__) for pane in view.panes] + [(first, (type(view),))]
        for pane, kinds in places:
            for binding in _bindings(kinds):
                keys = screen.settings.keys.get(
                    binding.id or "", binding.key_display or binding.key
                )
                name = f"{view.NAME}: {binding.description} ({keys})"
                run = partial(_run, screen, index, pane, binding)
                found[binding.id or name] = Command(name, binding.tooltip, run)
    yield from found.values()


def _bindings(kinds: tuple[type, ...]) -> Iterator[Binding]:
    """Return the keys that classes declare, without those that move the mark."""
    for kind in kinds:
        for binding in vars(kind).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id and not binding.id.startswith(_MOVES):
                yield binding


async def _run(screen: ConsoleScreen, index: int, pane: Widget, binding: Binding) -> None:
    await screen.show_view(index)
    screen.set_focus(pane)
    owner = pane if hasattr(pane, f"action_{binding.action.partition('(')[0]}") else screen.view
    await screen.app.run_action(binding.action, owner)
