"""Lines to boards: serial ports, and what is spoken on them."""
