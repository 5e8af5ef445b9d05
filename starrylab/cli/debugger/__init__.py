"""The command-line debugger: gdb's words over the session protocol."""
