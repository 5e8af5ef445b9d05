"""procfs: what the kernel tells about itself, as files (design document 7.3.2, proc(5)).

Every file is a decorated function of one of the modules here; its text is made from live
state when it is read.  No node holds a thread or process, only its number, and the
directories are not cached, so that /proc keeps nothing alive that has ended.
"""
