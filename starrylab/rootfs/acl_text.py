"""Access control lists in archives: the text that star and GNU tar keep (SCHILY.acl.access).

An entry is tag, name, permissions, and with star the number: ``user:lisa:rw-:1000``. Entries are
separated by commas or line ends; acl(5) has the rest.
"""

from __future__ import annotations

import re
from typing import Final

from ..abi.acl import (
    ACCESS_NAME,
    ACL_GROUP,
    ACL_GROUP_OBJ,
    ACL_MASK,
    ACL_OTHER,
    ACL_UNDEFINED_ID,
    ACL_USER,
    ACL_USER_OBJ,
    ACL_VERSION,
    DEFAULT_NAME,
    ENTRY,
    HEADER,
)

#: the header of an archive's member -> the attribute that has the same list
HEADERS: Final = {
    "SCHILY.acl.access": ACCESS_NAME.decode(),
    "SCHILY.acl.default": DEFAULT_NAME.decode(),
}
_TAGS: Final = {
    "user": (ACL_USER_OBJ, ACL_USER),
    "group": (ACL_GROUP_OBJ, ACL_GROUP),
    "mask": (ACL_MASK, ACL_MASK),
    "other": (ACL_OTHER, ACL_OTHER),
}
_WORDS: Final = {tag: word for word, tags in _TAGS.items() for tag in tags}
_LINE: Final = re.compile(
    r"(user|group|mask|other):([^:]*):([r-])([w-])([x-])(?::(\d+))?(?:\s*#.*)?", re.ASCII
)


def to_text(value: bytes) -> str:
    """Return the text of an attribute's value, with numbers for names; "" for a damaged one."""
    lines: list[str] = []
    if len(value) % ENTRY.size != HEADER.size:
        return ""
    for tag, perm, ident in ENTRY.iter_unpack(value[HEADER.size :]):
        if tag not in _WORDS:
            return ""
        name = str(ident) if tag in (ACL_USER, ACL_GROUP) else ""
        bits = "".join(
            letter if perm & bit else "-" for bit, letter in ((4, "r"), (2, "w"), (1, "x"))
        )
        lines.append(f"{_WORDS[tag]}:{name}:{bits}")
    return ",".join(lines)


def from_text(text: str) -> bytes | None:
    """Return the attribute's value; ``None`` where a name has no number, or for no list at all."""
    entries = []
    for line in re.split(r"[,\n]", text):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            return None
        word, name, *letters, number = found.groups()
        perm = sum(bit for bit, letter in zip((4, 2, 1), letters, strict=True) if letter != "-")
        ident = number or name
        if name and (not ident.isdigit() or int(ident) >= ACL_UNDEFINED_ID):
            return None
        tag = _TAGS[word][bool(name)]
        entries.append((tag, int(ident) if name else ACL_UNDEFINED_ID, perm))
    entries.sort()
    packed = (ENTRY.pack(tag, perm, ident) for tag, ident, perm in entries)
    return HEADER.pack(ACL_VERSION) + b"".join(packed) if entries else None
