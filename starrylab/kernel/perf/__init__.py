"""Performance events: counters, samples and what happened, for perf_event_open(2)."""
