"""Library types shown as what they mean: strings, vectors, maps, variants.

A printer looks at the name of a type and takes the members it knows.  When they are not there,
as in another version of the library, the value is shown as the structure that it is.
"""

from __future__ import annotations

from typing import Final

from ..shapes import Printer
from .cplusplus import cplusplus
from .go import go
from .rust import rust

PRINTERS: Final[tuple[Printer, ...]] = (rust, cplusplus, go)

__all__ = ["PRINTERS"]
