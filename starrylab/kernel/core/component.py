"""One implementation for each interface (design document 2.1, ``extern-trait``).

A lower part names what it needs as a class; the kernel binds one implementation at boot.
The lower part never learns who implements it.  A second binding is an error that names
both, and so is asking before anyone was bound.  Labs bind the student's class here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Components:
    """Interface -> implementation, for one kernel."""

    def __init__(self) -> None:
        self._bound: dict[type[Any], Callable[..., Any]] = {}

    def bind(self, interface: type[T], implementation: Callable[..., T]) -> None:
        """Bind the class (or factory) that implements ``interface``.

        Raises ``TypeError``, naming both, when one is bound already.
        """
        old = self._bound.get(interface)
        if old is not None:
            raise TypeError(
                f"{interface.__name__} is bound to {_name(old)}; "
                f"cannot bind {_name(implementation)}"
            )
        self._bound[interface] = implementation

    def rebind(self, interface: type[T], implementation: Callable[..., T]) -> None:
        """Bind another implementation, for what is made from now on."""
        self._bound[interface] = implementation

    def default(self, interface: type[T], implementation: Callable[..., T]) -> None:
        """Bind ``implementation`` where nobody bound another one before."""
        self._bound.setdefault(interface, implementation)

    def make(self, interface: type[T], *args: Any, **kwargs: Any) -> T:
        """Make an instance of what is bound to ``interface``; ``LookupError`` if nothing is."""
        try:
            implementation = self._bound[interface]
        except KeyError:
            raise LookupError(f"nothing is bound to {interface.__name__}") from None
        return cast("T", implementation(*args, **kwargs))

    def bindings(self) -> dict[str, str]:
        """Return interface name -> implementation name, for the screens."""
        return {interface.__name__: _name(made) for interface, made in self._bound.items()}


def _name(implementation: Callable[..., Any]) -> str:
    return f"{implementation.__module__}.{getattr(implementation, '__qualname__', implementation)}"
