"""All helpers by number."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from . import maps, rings, tasks, texts
from .declare import collected

HELPERS: Final = MappingProxyType(collected(maps, rings, tasks, texts))
