"""How a lab ended, in words."""

from __future__ import annotations

from ..session import protocol


def described(event: protocol.Event) -> tuple[str, str]:
    """Return a headline and details for the end of a lab."""
    match event:
        case protocol.Exited(status=status):
            if signal := status & 0x7F:
                return f"The first process was killed by signal {signal}.", ""
            return f"The first process ended with status {status >> 8 & 0xFF}.", ""
        case protocol.Panic(text=text, lost=True):
            return "The board is lost, and the programs with it.", text
        case protocol.Panic(text=text):
            return "Kernel panic: a bug in the kernel stopped the machine.", text
        case protocol.Failed(text=text):
            return "The lab did not start.", text
        case protocol.Crashed(reason=reason, stderr=stderr):
            return f"The lab is gone: {reason}.", stderr
    return "", ""
