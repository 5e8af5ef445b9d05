"""Drivers and device nodes."""
