"""Labs: a course that grades itself.  `catalog` lists it; nothing here knows a screen.

``labs/NN-name/`` is data: a description, texts, the files that a student edits, goals, the
reference solution and wrong ones.  See docs/labs.md for how to write one.
"""

from __future__ import annotations

from .catalog import Lab, LabError, catalog, find
from .texts import Text, choose_language

__all__ = ["Lab", "LabError", "Text", "catalog", "choose_language", "find"]
