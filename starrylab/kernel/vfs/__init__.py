"""The virtual file system (design document, chapter 7)."""
