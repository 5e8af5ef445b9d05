"""Starry: a Linux-compatible kernel.  It knows no CPU, only the `Hart` that runs one."""
