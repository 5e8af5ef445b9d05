"""/proc/net: the tables of the network.  There are Unix sockets only; the others are empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...net.unix.socket import UnixSocket
from ._declare import proc, seen_from

if TYPE_CHECKING:
    from ...kernel import Kernel


@proc("net/dev")
def dev(_: Kernel) -> str:
    """Show the interfaces."""
    return (
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|"
        "bytes    packets errs drop fifo colls carrier compressed\n"
    )


@proc("net/route")
def route(_: Kernel) -> str:
    """Show the routes."""
    return "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


@proc("net/tcp")
def tcp(_: Kernel) -> str:
    """Show the TCP sockets."""
    return (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout inode\n"
    )


@proc("net/udp")
def udp(_: Kernel) -> str:
    """Show the UDP sockets."""
    return (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout inode ref pointer drops\n"
    )


@proc("net/unix")
def unix(kernel: Kernel) -> str:
    """Show the Unix sockets open in the namespace (proc_pid_net(5)); addresses are hidden."""
    net = seen_from(kernel).net
    mine = [thread for thread in kernel.threads.values() if thread.namespaces.net is net]
    tables = {id(thread.fds): thread.fds for thread in mine}
    found = {
        file.ino: file
        for table in tables.values()
        for file in table.values()
        if isinstance(file, UnixSocket)
    }
    return "Num       RefCount Protocol Flags    Type St Inode Path\n" + "".join(
        _unix_line(found[ino]) for ino in sorted(found)
    )


def _unix_line(sock: UnixSocket) -> str:
    flags = 0x10000 if sock.listening else 0  # __SO_ACCEPTCON
    state = 1 if sock.peer is None else 3  # SS_UNCONNECTED, SS_CONNECTED
    path = sock.name.replace(b"\0", b"@").decode(errors="replace")
    line = f"{0:016x}: {sock.refs + 1:08X} {0:08X} {flags:08X} {sock.type:04X} {state:02X}"
    return f"{line} {sock.ino:5d}{' ' + path if path else ''}\n"
