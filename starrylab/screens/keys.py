"""The keys that the console keeps for itself; all others belong to the guest."""

from __future__ import annotations

from typing import Final, NamedTuple

from .console import VIEWS


class Key(NamedTuple):
    """A key that the console keeps for itself."""

    ident: str  #: by which the user can give it another key
    key: str
    action: str
    label: str
    tooltip: str
    show: bool  #: in the footer


KEYS: Final = (
    Key("app.keys", "f1", "keys", "Keys", "List all keys", True),
    Key("app.commands", "f2", "command_palette", "Commands", "Search all commands", True),
    Key("app.find", "f3", "find", "Find", "Search the scroll-back", True),
    Key("app.literal", "f4", "literal", "Pass key",
        "The next key goes to the guest, whatever it is", True),
    Key("app.zoom", "f5", "zoom", "Zoom", "Let the focused pane fill the window, and back", True),
    Key("app.zoom-anywhere", "alt+z", "zoom_anywhere", "Zoom",
        "As F5, also in the debugger, where F5 continues", False),
    Key("app.next-pane", "f6", "next_pane", "Pane", "Move to the next pane", True),
    Key("app.console", "alt+0", "focus_console", "Console", "Type into the guest again", False),
    Key("app.smaller", "f7", "split(-1)", "Smaller", "Make the focused pane smaller", False),
    Key("app.larger", "f8", "split(1)", "Larger", "Make the focused pane larger", False),
    Key("app.open-line", "alt+t", "open_line", "Open line",
        "Open the next serial line, with a shell of its own", False),
    Key("app.next-line", "alt+pagedown", "step_line(1)", "Next line",
        "Show the next serial line", False),
    Key("app.previous-line", "alt+pageup", "step_line(-1)", "Previous line",
        "Show the serial line before", False),
    Key("app.restart", "f9", "restart", "Restart", "Boot the lab again", True),
    Key("app.quit", "f10", "quit", "Quit", "End the lab and the console", True),
    *(
        Key(f"app.view-{view.NAME.lower()}", f"alt+{number}", f"view({number - 1})", view.NAME,
            f"Show the view {view.NAME}", False)
        for number, view in enumerate(VIEWS, 1)
    ),
)  # fmt: skip
