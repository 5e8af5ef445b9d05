"""A GDB remote stub: gdb and everything that speaks its protocol debug the lab's programs.

The GDB manual's appendix "GDB Remote Serial Protocol" is the source for every packet here.
Bytes come in at `Stub.receive` and go out by a function, so all of it runs without sockets;
`server.Server` brings them through the machine's door.
"""
