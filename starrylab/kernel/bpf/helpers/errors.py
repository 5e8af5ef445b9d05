"""Errors as helpers return them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ....abi.errno import LinuxError


def failing(function: Callable[..., int]) -> Callable[..., int]:
    """Return a helper whose ``LinuxError`` becomes a negative result."""

    @wraps(function)
    def call(*args: Any) -> int:
        try:
            return function(*args)
        except LinuxError as error:
            return -error.errno

    return call
