"""Tasks, wakers, waiting, scopes, trace events."""
