"""The C side of the protocol's table: writes boards/monitor/protocol.h and config.h.

Run ``python -m starrylab.boards.monitor_header`` after a change; a test finds a file that is old.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Final

from ..link.monitor import protocol as p
from . import monitor_config

_FOLDER: Final = Path(__file__).parents[2] / "boards" / "monitor"

_NUMBERS: Final = (
    *("VERSION", "MAGIC", "FRAME_LIMIT", "CONTEXTS", "SPACES", "SLOTS", "HINT_NUMBERS"),
    *("HINTS_EACH", "STRING_GRAIN", "DIRTY_LIMIT", "ALL_DIRTY", "NAK", "PC"),
)
_SETS: Final[tuple[tuple[str, type[IntEnum] | type[p.Feature] | type[p.Access]], ...]] = (
    ("FEATURE", p.Feature),
    ("STATUS", p.Status),
    ("CAUSE", p.Cause),
    ("ACCESS", p.Access),
    ("RESET", p.ResetKind),
)


def protocol_header() -> str:
    """Return boards/monitor/protocol.h."""
    made = "/* Made from starrylab/link/monitor/protocol.py by starrylab.boards.monitor_header. */"
    lines = [made, "#pragma once", ""]
    lines += [f"#define {name} {getattr(p, name):#x}" for name in _NUMBERS]
    lines.append(f'#define GREETING "{p.GREETING}"')
    for prefix, members in _SETS:
        lines.append("")
        lines += [f"#define {prefix}_{member.name} {member.value}" for member in members]
    lines += ["", "/* operation, its fields, those of the reply */"]
    for operation in p.OPERATIONS.values():
        fields = f"{_listed(operation.request)} -> {_listed(operation.reply)}"
        lines.append(f"#define OP_{operation.name} {operation.number} /* {fields} */")
    return "\n".join([*lines, ""])


def _listed(fields: tuple[p.Field, ...]) -> str:
    return " ".join(f"{field.name}:{field.kind.name}" for field in fields) or "nothing"


FILES: Final = {"protocol.h": protocol_header, "config.h": monitor_config.c_header}


def main() -> None:
    """Write the files."""
    for name, make in FILES.items():
        (_FOLDER / name).write_text(make())


if __name__ == "__main__":
    main()
