"""Where memory is to come from (<linux/mempolicy.h>)."""

from __future__ import annotations

from typing import Final

MPOL_DEFAULT: Final = 0
MPOL_PREFERRED: Final = 1
MPOL_BIND: Final = 2
MPOL_INTERLEAVE: Final = 3
MPOL_LOCAL: Final = 4
MPOL_PREFERRED_MANY: Final = 5
MPOL_WEIGHTED_INTERLEAVE: Final = 6

# Flags of a mode.
MPOL_F_NUMA_BALANCING: Final = 1 << 13
MPOL_F_RELATIVE_NODES: Final = 1 << 14
MPOL_F_STATIC_NODES: Final = 1 << 15

# Flags of get_mempolicy.
MPOL_F_NODE: Final = 1
MPOL_F_ADDR: Final = 2
MPOL_F_MEMS_ALLOWED: Final = 4

# Flags of mbind and move_pages.
MPOL_MF_STRICT: Final = 1
MPOL_MF_MOVE: Final = 2
MPOL_MF_MOVE_ALL: Final = 4

MAX_NODES: Final = 4  #: MAX_NUMNODES of riscv64
