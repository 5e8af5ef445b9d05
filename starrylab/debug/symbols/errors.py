"""What can be wrong with debug information, as one error with a line of text."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .image import ImageError

F = TypeVar("F", bound=Callable[..., Any])


class DwarfError(ImageError):
    """The debug information does not follow DWARF, or ends too early."""


def guarded(function: F) -> F:
    """Let ``function`` read past the end of its data: that is a `DwarfError`.

    The readers are short because they do not look at lengths; Python does.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (IndexError, ValueError, struct.error, OverflowError, RecursionError) as error:
            raise DwarfError(f"broken debug information ({error})") from error

    return cast(F, wrapper)
