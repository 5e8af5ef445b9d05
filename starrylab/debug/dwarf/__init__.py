"""Types, locations and values: what DWARF says about the data of a program."""
