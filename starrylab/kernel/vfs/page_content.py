"""Where the pages of a file are: dense or sparse (design document 7.3.1).

A dense file is a list of frames, which a large transfer walks by slicing; a file with a
large hole is a dict.  A file starts dense and changes by itself when a write leaves a hole
that would cost more list entries than the pages are worth.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, Protocol

ABSENT: Final = -1  #: no frame: a hole, or not read in yet
_SPARSE_GAP: Final = 1024  #: pages of hole from which on a list is wasteful


class Content(Protocol):
    """Page index -> byte offset of the frame in RAM."""

    def get(self, index: int) -> int:
        """Return the frame of a page, ``ABSENT`` without one."""
        ...

    def span(self, first: int, last: int) -> list[int]:
        """Return the frames of pages ``first`` up to ``last``, excluded."""
        ...

    def put(self, index: int, frame: int) -> Content:
        """Set a page's frame; return the content to use from now on."""
        ...

    def take(self, first: int, last: int) -> list[tuple[int, int]]:
        """Remove the pages ``first`` up to ``last``, excluded; return (index, frame)."""
        ...

    def following(self, index: int) -> int:
        """Return the first page at or after ``index`` that has a frame, ``ABSENT`` if none."""
        ...

    def __iter__(self) -> Iterator[tuple[int, int]]: ...


class Dense:
    """Frames in a list, as long as the last page that was ever written."""

    __slots__ = ("frames",)

    def __init__(self, frames: list[int] | None = None) -> None:
        self.frames: list[int] = [] if frames is None else frames

    def get(self, index: int) -> int:
        """See ``Content.get``."""
        frames = self.frames
        return frames[index] if index < len(frames) else ABSENT

    def span(self, first: int, last: int) -> list[int]:
        """See ``Content.span``."""
        found = self.frames[first:last]
        if len(found) < last - first:
            found += [ABSENT] * (last - first - len(found))
        return found

    def put(self, index: int, frame: int) -> Content:
        """See ``Content.put``."""
        frames = self.frames
        length = len(frames)
        if index == length:
            frames.append(frame)
        elif index < length:
            frames[index] = frame
        else:
            if index - length > _SPARSE_GAP + length:
                return Sparse({i: f for i, f in enumerate(frames) if f >= 0}).put(index, frame)
            frames.extend([ABSENT] * (index - length))
            frames.append(frame)
        return self

    def take(self, first: int, last: int) -> list[tuple[int, int]]:
        """See ``Content.take``."""
        frames = self.frames
        last = min(last, len(frames))
        taken = [(i, f) for i, f in enumerate(frames[first:last], first) if f >= 0]
        if last == len(frames):
            del frames[first:]
        else:
            frames[first:last] = [ABSENT] * (last - first)
        return taken

    def following(self, index: int) -> int:
        """See ``Content.following``."""
        frames = self.frames
        for i in range(index, len(frames)):
            if frames[i] >= 0:
                return i
        return ABSENT

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((i, f) for i, f in enumerate(self.frames) if f >= 0)


class Sparse:
    """Frames in a dict; becomes dense again when most of its span is there."""

    __slots__ = ("frames", "top")

    def __init__(self, frames: dict[int, int]) -> None:
        self.frames = frames
        self.top = max(frames, default=-1)

    def get(self, index: int) -> int:
        """See ``Content.get``."""
        return self.frames.get(index, ABSENT)

    def span(self, first: int, last: int) -> list[int]:
        """See ``Content.span``."""
        get = self.frames.get
        return [get(i, ABSENT) for i in range(first, last)]

    def put(self, index: int, frame: int) -> Content:
        """See ``Content.put``."""
        frames = self.frames
        frames[index] = frame
        if index > self.top:
            self.top = index
        # Twice as dense as what would have become sparse, so that it does not swing.
        if len(frames) > _SPARSE_GAP and len(frames) * 4 > self.top * 3:
            get = frames.get
            return Dense([get(i, ABSENT) for i in range(self.top + 1)])
        return self

    def take(self, first: int, last: int) -> list[tuple[int, int]]:
        """See ``Content.take``."""
        frames = self.frames
        if last - first < len(frames):
            found = [i for i in range(first, last) if i in frames]
        else:
            found = sorted(i for i in frames if first <= i < last)
        taken = [(i, frames.pop(i)) for i in found]
        if last > self.top:
            self.top = max(frames, default=-1)
        return taken

    def following(self, index: int) -> int:
        """See ``Content.following``."""
        if index in self.frames:
            return index
        order = sorted(self.frames)
        at = bisect_left(order, index)
        return order[at] if at < len(order) else ABSENT

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(sorted(self.frames.items()))
