"""User heaps, followed from outside: who allocated what, what was lost, what was freed wrongly."""
