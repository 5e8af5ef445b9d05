"""Signals (design document, chapter 8): queues, actions, frames; no operating system inside.

`manager` has the two objects that an operating system puts into its processes and threads;
the glue to this kernel's threads is `kernel.thread_signals`.
"""
