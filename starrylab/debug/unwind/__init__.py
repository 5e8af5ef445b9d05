"""From a thread's registers to its callers: call frame information, frame records, signal frames.

`cfi` finds the description of a function, `rows` runs it, `expression` evaluates the DWARF
expressions that occur in it, and `unwinder` goes from frame to frame.  Nothing here knows the
kernel: memory and modules come in as small protocols.
"""
