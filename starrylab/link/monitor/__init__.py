"""The wire between the kernel on the host and the monitor on a board (boards/monitor)."""
