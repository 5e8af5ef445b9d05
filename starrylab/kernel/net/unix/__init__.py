"""Sockets of one machine (unix(7)): streams, datagrams and packets, with descriptors as cargo.

`naming` finds sockets by path and by abstract name, `socket` is what all kinds share, `connected`
and `datagram` are the kinds, `making` picks one.
"""
