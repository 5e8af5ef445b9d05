"""Signals (design document, chapter 8)."""
