"""The terminal's parser: bytes in, calls on a `TerminalScreen` out (ECMA-48, xterm ctlseqs).

pyte's own ``Stream`` walks a generator one character at a time and knows neither
``CSI > c`` nor ``CSI 2 SP q`` nor colons; here one regular expression takes a whole
sequence and a run of printable characters is one call.
"""

from __future__ import annotations

import codecs
import inspect
import re
from collections.abc import Callable
from typing import Final

from .screen import TerminalScreen

_SEQUENCE: Final = re.compile(
    "\x1b(?:"
    r"\[(?P<prefix>[<-?]*)(?P<params>[0-;]*)[<-?]*(?P<inter>[ -/]*)(?P<final>[@-~])"
    "|\\](?P<osc>[^\x07\x1b\x18\x1a]*)(?:\x07|\x1b\\\\)"
    "|[PX^_](?P<string>[^\x1b\x18\x1a]*)\x1b\\\\"
    r"|(?P<esc>[ -/]*[0-OQ-WYZ\\`-~])"
    ")"
)
#: A sequence that may yet be completed by what comes next.
_PARTIAL: Final = re.compile(
    "\x1b(?:"
    r"\[[0-?]*[ -/]*"
    "|\\][^\x07\x1b\x18\x1a]*\x1b?"
    "|[PX^_][^\x1b\x18\x1a]*\x1b?"
    "|[ -/]*"
    r")\Z"
)
_CSI_START: Final = re.compile("\x1b\\[[0-?]*[ -/]*")
_STRING_START: Final = re.compile("\x1b[\\]PX^_][^\x07\x1b\x18\x1a]*")
#: Many lines of plain ASCII, as programs that flood print them.
_LINES: Final = re.compile("(?:[ -~]*\r\n){8,}")
_TEXT: Final = re.compile("[^\x00-\x1f\x7f]+")
_MANY: Final = 8  #: as in `_LINES`
_MAX_PARTIAL: Final = 65536  #: characters; a longer one is garbage
_CANCEL: Final = "\x18\x1a"
_MAX_NUMBER: Final = 9999

_CONTROLS: Final = {
    "\x05": "answer_back",
    "\x07": "bell",
    "\x08": "backspace",
    "\x09": "tab",
    "\x0a": "linefeed",
    "\x0b": "linefeed",
    "\x0c": "linefeed",
    "\x0d": "carriage_return",
    "\x0e": "shift_out",
    "\x0f": "shift_in",
}
_ESCAPES: Final = {
    "7": "save_cursor",
    "8": "restore_cursor",
    "D": "index",
    "E": "next_line",
    "H": "set_tab_stop",
    "M": "reverse_index",
    "Z": "report_device_attributes",
    "c": "reset",
    "=": "keypad_application",
    ">": "keypad_numeric",
    "#8": "alignment_display",
}
#: prefix + intermediates + final -> method taking numbers
_CSI: Final = {
    "@": "insert_characters",
    "A": "cursor_up",
    "B": "cursor_down",
    "C": "cursor_forward",
    "D": "cursor_back",
    "E": "cursor_down1",
    "F": "cursor_up1",
    "G": "cursor_to_column",
    "H": "cursor_position",
    "I": "tab_forward",
    "J": "erase_in_display",
    "K": "erase_in_line",
    "L": "insert_lines",
    "M": "delete_lines",
    "P": "delete_characters",
    "S": "scroll_up",
    "T": "scroll_down",
    "X": "erase_characters",
    "Z": "tab_back",
    "`": "cursor_to_column",
    "a": "cursor_forward",
    "b": "repeat",
    "c": "report_device_attributes",
    "d": "cursor_to_line",
    "e": "cursor_down",
    "f": "cursor_position",
    "g": "clear_tab_stop",
    "n": "report_device_status",
    "r": "set_margins",
    "s": "save_cursor",
    "u": "restore_cursor",
    "t": "window_operation",
    " q": "set_cursor_style",
    "!p": "soft_reset",
    "?J": "erase_in_display",
    "?K": "erase_in_line",
    ">c": "report_secondary_attributes",
    "?$p": "report_private_mode",
}


class TerminalStream:
    """Feeds one screen."""

    def __init__(self, screen: TerminalScreen) -> None:
        self._screen = screen
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""  #: the beginning of an unfinished sequence
        self._controls = {char: getattr(screen, name) for char, name in _CONTROLS.items()}
        self._escapes = {code: getattr(screen, name) for code, name in _ESCAPES.items()}
        self._csi = {
            code: (getattr(screen, name), _arity(getattr(screen, name)))
            for code, name in _CSI.items()
        }

    @property
    def unfinished(self) -> bytes:
        """What was received of a sequence or a character that is not complete yet."""
        return self._rest.encode() + self._decoder.getstate()[0]

    def feed(self, data: bytes) -> None:
        """Take bytes as the terminal receives them, cut anywhere."""
        text = self._decoder.decode(data)
        if self._rest:
            text, self._rest = self._rest + text, ""
        position = 0
        end = len(text)
        draw = self._screen.draw
        controls = self._controls
        match_text = _TEXT.match
        many = text.count("\r\n") >= _MANY
        while position < end:
            if many and not self._screen.cursor.x and (run := _LINES.match(text, position)):
                lines = run.group().split("\r\n")
                lines.pop()
                if self._screen.print_lines(lines):
                    position = run.end()
                    continue
                many = False  # until the next piece: it would be tried for every line
            if run := match_text(text, position):
                draw(run.group())
                position = run.end()
                continue
            char = text[position]
            if char != "\x1b":
                if control := controls.get(char):
                    control()
                position += 1
                continue
            if sequence := _SEQUENCE.match(text, position):
                position = sequence.end()
                self._dispatch(sequence)
            elif _PARTIAL.match(text, position) and end - position < _MAX_PARTIAL:
                self._rest = text[position:]
                return
            else:
                text, position = self._recover(text, position)
                end = len(text)

    def _recover(self, text: str, position: int) -> tuple[str, int]:
        """Get over a broken sequence; return the text and where to go on."""
        start = _CSI_START.match(text, position) or _STRING_START.match(text, position)
        if start is None:
            return text, position + 1
        stop = start.end()
        if stop >= len(text) or text[stop] == "\x1b" or text[position + 1] != "[":
            return text, stop
        char = text[stop]
        if char in _CANCEL:
            return text, stop + 1
        if control := self._controls.get(char):
            control()  # a control inside a sequence takes effect, and the sequence goes on
        elif char >= " " and char != "\x7f":
            return text, stop + 1
        return text[position:stop] + text[stop + 1 :], 0

    def _dispatch(self, match: re.Match[str]) -> None:
        final = match["final"]
        if final is not None:
            self._control_sequence(match["prefix"], match["params"], match["inter"], final)
        elif match["osc"] is not None:
            self._operating_system_command(match["osc"])
        elif (code := match["esc"]) is not None:
            if handler := self._escapes.get(code):
                handler()
            elif len(code) == 2 and code[0] in "()":
                self._screen.define_charset(code[1], code[0])

    def _control_sequence(self, prefix: str, params: str, inter: str, final: str) -> None:
        screen = self._screen
        if final == "m":
            if not prefix and not inter:
                screen.set_style(params)
            return
        numbers = [
            min(int(part), _MAX_NUMBER) if part.isdecimal() else 0 for part in params.split(";")
        ]
        if final in "hl" and not inter and prefix in ("", "?"):
            change = screen.set_mode if final == "h" else screen.reset_mode
            change(*numbers, private=prefix == "?")
            return
        known = self._csi.get(prefix + inter + final)
        if known is not None:
            handler, arity = known
            handler(*numbers[:arity])

    def _operating_system_command(self, text: str) -> None:
        code, _, value = text.partition(";")
        if code in ("0", "2"):
            self._screen.set_title(value)


def _arity(handler: Callable[..., object]) -> int:
    """Return how many numbers ``handler`` takes; what is more in a sequence is dropped."""
    kinds = [parameter.kind for parameter in inspect.signature(handler).parameters.values()]
    return sum(kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for kind in kinds)
