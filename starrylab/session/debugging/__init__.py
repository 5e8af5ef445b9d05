"""The debugger's part of the session protocol."""
