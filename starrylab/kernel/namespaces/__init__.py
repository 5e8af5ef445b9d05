"""Namespaces: what a group of processes has to itself (namespaces(7)).

A thread's `Namespaces` is one object that threads share and that is copied on change, as Linux's
``nsproxy``; user namespaces belong to credentials, and a process's own pid namespace
to its numbers.
"""
