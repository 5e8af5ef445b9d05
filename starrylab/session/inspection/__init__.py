"""A close look at one part of the running system, taken when a front end asks for it.

A snapshot is small and comes by itself; what is here is larger and answers one question:
a process with everything it has, the physical map, the cached files, the mounts.  Looking
changes nothing: no page is made present and no name is looked up.
"""
