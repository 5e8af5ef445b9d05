"""/proc/net: the tables of the network.  There is none yet, so they have their heads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._declare import proc

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
def unix(_: Kernel) -> str:
    """Show the Unix sockets that have a name: none can have one yet."""
    return "Num       RefCount Protocol Flags    Type St Inode Path\n"
