"""Leaks of kernel memory: what was allocated, what is still there, who holds it (chapter 11.2)."""
