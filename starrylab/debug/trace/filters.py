"""Which calls are traced: names, classes, regular expressions; a leading ``!`` takes away."""

from __future__ import annotations

import re
from typing import Final

from ...kernel.syscalls import declared

#: filter word -> handler modules whose calls it means
_FAMILIES: Final[dict[str, frozenset[str]]] = {
    "creds": frozenset({"credentials", "prctl"}),
    "ipc": frozenset({"futex", "mqueue", "msg", "sem", "shm"}),
    "memory": frozenset({"memory", "shm"}),
    "network": frozenset({"message", "socket", "sockopt"}),
    "process": frozenset({"process", "wait", "ids"}),
    "signal": frozenset({"signal"}),
    "time": frozenset({"time", "timer"}),
}
#: filter word -> how an argument of the calls it means is shown
_KINDS: Final = {"file": "path", "desc": "fd"}


class FilterError(Exception):
    """A filter names something that is no system call."""


class Filter:
    """A set of names of calls: ``file,desc,!read,/^epoll``; "" and "all" are all of them."""

    def __init__(self, text: str) -> None:
        self.text = text
        wanted: set[str] | None = None
        unwanted: set[str] = set()
        for word in text.split(","):
            name = word.lstrip("!")
            if word == "all":
                continue
            if word.startswith("!"):
                unwanted |= _named(name)
            else:
                wanted = (wanted or set()) | _named(name)
        self._wanted = wanted
        self._unwanted = unwanted

    def __contains__(self, name: str) -> bool:
        return name not in self._unwanted and (self._wanted is None or name in self._wanted)


def _named(word: str) -> set[str]:
    """Return the calls that ``word`` means; raise `FilterError` if there are none."""
    known = declared()
    if word == "all":
        return set(known)
    if word.startswith("/"):
        return _matching(word[1:])
    word = word.removeprefix("%")
    if word in known:
        return {word}
    if word in _KINDS:
        kind = _KINDS[word]
        return {n for n, entry in known.items() if any(c.show == kind for _, c in entry.args)}
    modules = _FAMILIES.get(word)
    if modules is None:
        classes = ", ".join(sorted([*_KINDS, *_FAMILIES]))
        raise FilterError(f"{word or 'nothing'} is no system call; give names, or {classes}, all")
    return {n for n, e in known.items() if e.function.__module__.rpartition(".")[2] in modules}


def _matching(pattern: str) -> set[str]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise FilterError(f"/{pattern} is no regular expression: {error}") from None
    found = {name for name in declared() if expression.search(name)}
    if not found:
        raise FilterError(f"/{pattern} matches no system call")
    return found
