"""Looking at a running kernel: traces, statistics.  Reads; never alters."""
