"""Whatever executes user instructions, and what surrounds it: memory, clock, input."""
