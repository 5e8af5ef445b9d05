"""What a hart wants changed on the board, as operations that take few bytes.

A page that is sent whole (zeros, then pieces) is deflated if that makes it shorter; mappings of
neighbours become one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from ...machine.board import monitor as m
from . import coding
from .protocol import OPERATIONS, PC, Feature

PAGE: Final = 4096
_SHIFT: Final = 12
_WBITS: Final = -15  #: deflate without a header
_SHORT: Final = 48  #: bytes; less is not deflated


def operation(name: str, *values: Any) -> bytes:
    """Return an operation as on the wire."""
    return coding.request(OPERATIONS[name], values)


def wire_number(register: int) -> int:
    """Return the number of a register on the wire."""
    return PC if register == m.PC else register


class Planner:
    """Makes operations of changes."""

    def __init__(self, base: int, features: Feature) -> None:
        """Take the physical address that the offsets on the wire count from."""
        self._base = base
        self._features = features
        #: What board and host know of each context: value of each register, as said last.
        self.said: dict[int, dict[int, int]] = {}
        self._one: dict[type, Callable[[Any], bytes]] = {
            m.Copy: lambda c: operation("COPY", c.at - base, c.source - base, PAGE),
            m.Keep: lambda c: operation("KEEP", c.slot, c.at - base >> _SHIFT, c.key),
            m.Fetch: lambda c: operation("FETCH", c.at - base >> _SHIFT, c.slot),
            m.Unmap: lambda c: operation("UNMAP", c.space, c.vpn, 1),
            m.DropSpace: lambda c: operation("DROP", c.space),
            m.SetRegisters: self._set,
            m.SetFloating: lambda c: operation("SET_FLOATING", c.context, c.state),
            m.CopyContext: self._clone,
            m.CodeChanged: lambda _: operation("SYNC"),
            m.Zero: lambda c: operation("FILL", c.at - base, c.size, 0),
        }

    def operations(self, changes: Sequence[m.Change]) -> list[bytes]:
        """Return the operations that do ``changes``, in order."""
        found: list[bytes] = []
        at = 0
        while at < len(changes):
            change = changes[at]
            if isinstance(change, m.Map):
                count = _neighbours(changes, at)
                found.append(self._map(change, count))
                at += count
            elif isinstance(change, m.Zero) and change.size == PAGE and not change.at % PAGE:
                page, count = _whole_page(changes, at)
                found += self._page(change.at, page)
                at += count
            elif isinstance(change, m.Write):
                for start in range(0, len(change.data), PAGE):
                    found.append(self._write(change.at + start, change.data[start : start + PAGE]))
                at += 1
            else:
                found.append(self._one[type(change)](change))
                at += 1
        return found

    def _map(self, first: m.Map, count: int) -> bytes:
        frame = first.at - self._base >> _SHIFT
        return operation("MAP", first.space, first.vpn, frame, count, first.access)

    def _set(self, change: m.SetRegisters) -> bytes:
        values = {wire_number(number): value for number, value in change.values}
        self.said.setdefault(change.context, {}).update(values)
        return operation("SET", change.context, values)

    def _clone(self, change: m.CopyContext) -> bytes:
        self.said[change.context] = dict(self.said.get(change.source, {}))
        return operation("CLONE", change.context, change.source)

    def _write(self, at: int, data: bytes) -> bytes:
        if Feature.INFLATE in self._features and len(data) >= _SHORT:
            packed = deflate(data)
            if len(packed) + 2 < len(data):
                return operation("INFLATE", at - self._base, len(data), packed)
        return operation("WRITE", at - self._base, data)

    def _page(self, at: int, page: bytes) -> list[bytes]:
        """Return the operations that make a page: one piece between zeros, or deflated whole."""
        zeros = operation("FILL", at - self._base, PAGE, 0)
        body = page.strip(b"\0")
        if not body:
            return [zeros]
        start = len(page) - len(page.lstrip(b"\0"))
        pieces = [zeros, self._write(at + start, body)]
        if Feature.INFLATE in self._features and len(body) >= _SHORT:
            whole = operation("INFLATE", at - self._base, PAGE, deflate(page))
            if len(whole) <= sum(map(len, pieces)):
                return [whole]
        return pieces


def deflate(data: bytes) -> bytes:
    """Return ``data`` deflated without a header (RFC 1951)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, _WBITS, 9)
    return packer.compress(data) + packer.flush()


def _neighbours(changes: Sequence[m.Change], at: int) -> int:
    """Return how many mappings from ``at`` on continue each other."""
    first = changes[at]
    assert isinstance(first, m.Map)
    count = 1
    while at + count < len(changes):
        wanted = m.Map(first.space, first.vpn + count, first.at + count * PAGE, first.access)
        if changes[at + count] != wanted:
            break
        count += 1
    return count


def _whole_page(changes: Sequence[m.Change], at: int) -> tuple[bytes, int]:
    """Return the page that zeros and the stores behind them make, and how many changes it was."""
    first = changes[at]
    assert isinstance(first, m.Zero)
    page = bytearray(PAGE)
    count = 1
    while at + count < len(changes):
        change = changes[at + count]
        if not isinstance(change, m.Write):
            break
        inside = change.at - first.at
        if inside < 0 or inside + len(change.data) > PAGE:
            break
        page[inside : inside + len(change.data)] = change.data
        count += 1
    return bytes(page), count
