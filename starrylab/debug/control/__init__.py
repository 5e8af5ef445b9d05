"""Stopping, stepping, breakpoints and watchpoints: what a debugger does to running programs."""
