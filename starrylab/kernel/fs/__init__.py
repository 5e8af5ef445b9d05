"""File systems: tmpfs, procfs, devfs, host folders."""
