"""The structures of Landlock as strace(1) shows them."""

from __future__ import annotations

from ...abi import landlock as ll
from .constants import FLAGS
from .view import View, pointer


def ruleset(view: View, value: int, index: int) -> str:
    """Show what a set of rules is to handle, as much of it as the size says."""
    size = min(view.registers[index + 1], ll.RULESET_ATTR.size)
    data = view.read(value, size) if value and size >= ll.RULESET_ATTR_SIZE_1 else b""
    if len(data) < size or not data:
        return pointer(value)
    fields = ll.RULESET_ATTR.unpack(data.ljust(ll.RULESET_ATTR.size, b"\0"))
    names = ("handled_access_fs", "handled_access_net", "scoped")
    tables = ("landlock_files", "landlock_net", "landlock_scope")
    shown = [
        f"{name}={FLAGS[table].text(field)}"
        for name, table, field in zip(names, tables, fields, strict=True)
    ]
    return f"{{{', '.join(shown[: size // 8])}}}"


def rule(view: View, value: int, index: int) -> str:
    """Show a rule; what it is about depends on the argument before."""
    kind = view.registers[index - 1] & 0xFFFFFFFF
    if kind == ll.LANDLOCK_RULE_PATH_BENEATH:
        fields = view.unpack(ll.PATH_BENEATH_ATTR, value)
        if fields is not None:
            access, fd = fields
            return f"{{allowed_access={FLAGS['landlock_files'].text(access)}, parent_fd={fd}}}"
    if kind == ll.LANDLOCK_RULE_NET_PORT:
        fields = view.unpack(ll.NET_PORT_ATTR, value)
        if fields is not None:
            access, port = fields
            return f"{{allowed_access={FLAGS['landlock_net'].text(access)}, port={port}}}"
    return pointer(value)
