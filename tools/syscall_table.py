"""Write docs/syscalls.md from the declarations: ``python tools/syscall_table.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starrylab.kernel.syscalls._support import Support, support_table

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "docs" / "syscalls.md"
STATES: Final = ("full", "partial", "absent")

_HEAD: Final = """\
# System calls

Made by `tools/syscall_table.py` from the declarations in `starrylab/kernel/syscalls`;
`starrylab syscalls --json` tells the lines as well. *Full* means: all that the manual page says,
for what the machine has. *Partial* says what is missing. An absent call answers `ENOSYS` and
leaves a trace event.

"""


def render() -> str:
    """Return the text of docs/syscalls.md."""
    found = support_table("riscv64")
    counts = ", ".join(f"{sum(row.state == state for row in found)} {state}" for state in STATES)
    present = [row for row in found if row.state != "absent"]
    absent = [f"`{row.name}`" for row in found if row.state == "absent"]
    lines = ["| number | call | state | what is missing | source |", "|--:|---|---|---|---|"]
    lines += [_line(row) for row in present]
    table = "\n".join(lines)
    return f"{_HEAD}riscv64: {counts}.\n\n{table}\n\n## Absent\n\n{', '.join(absent)}\n"


def _line(row: Support) -> str:
    path = Path(row.where.rpartition(":")[0]).relative_to(ROOT).as_posix()
    source = f"[{Path(path).name}](../{path})"
    return f"| {row.number} | `{row.name}` | {row.state} | {row.missing} | {source} |"


if __name__ == "__main__":
    TARGET.write_text(render())
    print(f"wrote {TARGET}")
