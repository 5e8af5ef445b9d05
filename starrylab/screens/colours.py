"""The sixteen colours of terminals (ECMA-48) as they are drawn.

Each differs from the others in more than its hue where that is possible, is readable on the
surfaces of all themes, and stays so when only its lightness is left (NO_COLOR).  Red and
magenta, and blue and magenta, are not the same, as they nearly are in Textual's own.
"""

from __future__ import annotations

from typing import Final

from rich.terminal_theme import TerminalTheme

DARK: Final = TerminalTheme(
    (12, 12, 12),
    (224, 224, 224),
    [
        (26, 26, 26),
        (255, 122, 122),
        (152, 224, 36),
        (240, 190, 80),
        (122, 178, 255),
        (222, 150, 255),
        (88, 209, 235),
        (204, 204, 196),
    ],
    [
        (150, 150, 150),
        (255, 150, 150),
        (186, 242, 100),
        (255, 221, 120),
        (156, 200, 255),
        (236, 182, 255),
        (140, 230, 248),
        (246, 246, 239),
    ],
)

LIGHT: Final = TerminalTheme(
    (247, 247, 247),
    (0, 0, 0),
    [
        (0, 0, 0),
        (160, 36, 32),
        (48, 112, 18),
        (122, 82, 0),
        (32, 70, 170),
        (112, 44, 148),
        (0, 88, 124),
        (247, 247, 247),
    ],
    [
        (88, 88, 88),
        (176, 32, 28),
        (40, 116, 14),
        (128, 86, 0),
        (20, 84, 196),
        (130, 48, 170),
        (0, 96, 134),
        (255, 255, 255),
    ],
)
