"""StarryLab: an operating-system lab console, and the Starry kernel that it hosts."""
