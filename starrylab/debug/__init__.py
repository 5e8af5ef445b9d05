"""Symbols, stacks, types, stops and steps, traces, leaks.  Reads a kernel; never alters it."""
