"""Sessions, groups, processes, credentials, limits (design document, chapter 6)."""
