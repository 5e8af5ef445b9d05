"""Memory: frames, address spaces, backends, user access (design document, chapter 5)."""
