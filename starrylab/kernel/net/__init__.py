"""Sockets (design document 9): one package an address family."""
