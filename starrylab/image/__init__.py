"""Formats of images that boot loaders start: readers and writers. Knows no machine or kernel."""
