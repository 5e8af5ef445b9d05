"""Stand-ins for boards: boot loaders on a pseudo-terminal, and QEMU."""
